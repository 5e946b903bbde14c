//! Deleting an API: who loses what by it, and its name to be typed.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::apis::deletion as texts;
use claviger_texts::console::form as words;
use http::StatusCode;
use maud::html;

use super::api::Api;
use super::change::Change;
use super::show::load;
use super::subplaces;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::parts::field::{Field, summary_called};
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

/// The field of the name.
const NAME: &str = "name";

pub(super) fn router() -> Router<Console> {
    Router::new().route("/apis/{api}/delete", get(page).post(delete))
}

async fn page(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    let (api, version) = load(&viewer, &name).await?;
    show(&viewer, &api, &version, &Form::default(), &Problems::default()).await
}

async fn delete(Path(name): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (api, version) = load(&viewer, &name).await?;
    if form.text(NAME).trim() != api.name {
        return show(&viewer, &api, &version, &form, &Problems::of(texts::OTHER_NAME)).await;
    }
    let call = viewer.api.delete(format!("/apis/{}", segment(&name))).if_match(form.given(VERSION));
    match call.send().await {
        Ok(_) => Ok(Redirect::to(&told("/apis", "deleted")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            show(&viewer, &api, &version, &form, &Problems::of(words::STALE)).await
        }
        Err(error) => show(&viewer, &api, &version, &form, &mend(error)?).await,
    }
}

async fn show(
    viewer: &Viewer,
    api: &Api,
    version: &str,
    form: &Form,
    problems: &Problems,
) -> Result<Response, Failure> {
    let path = api.path(viewer);
    // A preview changes nothing, so the page may ask for it without a form.
    let asking = viewer.api.clone().with_csrf(&viewer.csrf);
    let change: Change = asking.delete(format!("{path}?dry_run=true")).read().await?;
    let body = html! {
        (subplaces(viewer))
        (summary_called(words::NOT_DELETED, problems))
        p { (texts::CONSEQUENCE) }
        @if change.takes_nothing() { p .muted { (texts::NOBODY) } } @else { section .stack { (change.losses()) } }
        form .form method="post" action={ (path) "/delete" } {
            (csrf(viewer))
            input type="hidden" name=(VERSION) value=(version);
            p { strong { (api.name) } " " code { (api.slug) } }
            (Field::new(NAME, texts::TYPE_NAME, problems).required().text(form.text(NAME)))
            div .buttons {
                button .btn data-variant="destructive" type="submit" { (texts::DELETE) }
                a .btn data-variant="outline" href=(path) { (texts::KEEP) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::title(&api.name), body).status(status))
}
