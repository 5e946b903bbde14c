//! Changing a set. A stale edit shows what stands there by now beside what was typed.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::console::{api_sets as texts, form as words};
use http::StatusCode;
use maud::html;

use super::Set;
use super::form::{DO, FIND, LABELS, Scope, change, fields, filled, named};
use super::offer::Offer;
use super::show::load;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::pages::apis::subplaces;
use crate::parts::changed::now;
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/api-sets/{set}/edit", get(page).post(save))
}

async fn page(viewer: Viewer, Path(name): Path<String>) -> Result<Response, Failure> {
    let (set, version) = load(&viewer, &name).await?;
    show(&viewer, &set, &version, &filled(&set), &Problems::default()).await
}

async fn save(Path(name): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (set, version) = load(&viewer, &name).await?;
    if form.text(DO) == FIND {
        return show(&viewer, &set, form.text(VERSION), &form, &Problems::default()).await;
    }
    let request = change(scope(&set), &filled(&set), &form);
    let call = viewer.api.patch(format!("/api-sets/{}", segment(&name))).json(&request);
    match call.if_match(form.given(VERSION)).read::<Set>().await {
        Ok(set) => Ok(Redirect::to(&told(&set.path(), "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            show(&viewer, &set, &version, &form, &Problems::of(words::STALE)).await
        }
        Err(error) => show(&viewer, &set, form.text(VERSION), &form, &named(mend(error)?, &form)).await,
    }
}

fn scope(set: &Set) -> Scope {
    if set.is_general() { Scope::OperationsOnly } else { Scope::Edit }
}

async fn show(
    viewer: &Viewer,
    set: &Set,
    version: &str,
    form: &Form,
    problems: &Problems,
) -> Result<Response, Failure> {
    let only = set.apis.first().filter(|_| set.is_general());
    let offer = Offer::load(viewer, form, only.map(String::as_str)).await?;
    let body = html! {
        (subplaces(viewer))
        (summary(problems))
        @if !problems.is_empty() { (now(LABELS, &filled(set), form)) }
        @if set.is_general() { p .muted { (texts::kind_hint(&set.kind)) } }
        form .form .broad method="post" action={ (set.path()) "/edit" } {
            (csrf(viewer))
            input type="hidden" name=(VERSION) value=(version);
            (fields(scope(set), &offer, form, problems))
            div .buttons {
                button .btn type="submit" { (words::SAVE) }
                a .btn data-variant="outline" href=(set.path()) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::edit_title(&set.name), body).status(status))
}
