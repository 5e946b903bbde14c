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
use super::form::{LABELS, Scope, change, fields, filled};
use super::show::load;
use crate::Console;
use crate::call::segment;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, VERSION};
use crate::pages::apis::subplaces;
use crate::pages::picker::{DO, Offer, enter, named, understood};
use crate::parts::changed::now;
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::parts::limits::in_words;
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
    if form.is_on(DO) {
        return show(&viewer, &set, form.text(VERSION), &form, &Problems::default()).await;
    }
    let said = understood(&viewer, &form).await?;
    let request = change(scope(&set), &filled(&set), &form, &said.operations);
    let call = viewer.api.patch(format!("/api-sets/{}", segment(&name))).json(&request);
    match call.if_match(form.given(VERSION)).read::<Set>().await {
        Ok(set) => Ok(Redirect::to(&told(&set.path(), "saved")).into_response()),
        Err(error) if error.code() == ErrorCode::Stale => {
            show(&viewer, &set, &version, &form, &Problems::of(words::STALE)).await
        }
        Err(error) => {
            let problems = named(&viewer, mend(error)?, said).await?;
            show(&viewer, &set, form.text(VERSION), &form, &problems).await
        }
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
    let action = format!("{}/edit", set.path());
    let body = html! {
        (subplaces(viewer))
        (summary(problems))
        @if !problems.is_empty() { (now(LABELS, &in_words(&filled(set)), &in_words(form))) }
        @if set.is_general() { p .muted { (texts::kind_hint(&set.kind)) } }
        form .form .broad method="post" action=(action) {
            (enter())
            (csrf(viewer))
            input type="hidden" name=(VERSION) value=(version);
            (fields(scope(set), &action, &offer, form, problems))
            div .buttons {
                button .btn type="submit" { (words::SAVE) }
                a .btn data-variant="outline" href=(set.path()) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::edit_title(&set.name), body).status(status))
}
