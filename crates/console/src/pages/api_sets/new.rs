//! Making a set.

use axum::Router;
use axum::extract::RawQuery;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::{api_sets as texts, form as words};
use http::StatusCode;
use maud::html;

use super::Set;
use super::form::{Scope, creation, fields};
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE};
use crate::pages::apis::subplaces;
use crate::pages::picker::{DO, Offer, enter, named, understood};
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/api-sets/new", get(page).post(make))
}

async fn page(viewer: Viewer, RawQuery(query): RawQuery) -> Result<Response, Failure> {
    let form = Form::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    show(&viewer, &form, &Problems::default()).await
}

async fn make(Posted { viewer, mut form }: Posted) -> Result<Response, Failure> {
    if form.is_on(DO) {
        return show(&viewer, &form, &Problems::default()).await;
    }
    let said = understood(&viewer, &form).await?;
    let body = creation(&form, &said.operations);
    let made: Result<Set, Error> = viewer.api.post("/api-sets").json(&body).once(form.given(ONCE)).read().await;
    match made {
        Ok(set) => Ok(Redirect::to(&told(&set.path(), "created")).into_response()),
        Err(error) if error.code() == ErrorCode::IdempotencyMismatch => {
            form.take(ONCE);
            show(&viewer, &form, &Problems::of(words::SENT_BEFORE)).await
        }
        Err(error) => show(&viewer, &form, &named(&viewer, mend(error)?, said).await?).await,
    }
}

async fn show(viewer: &Viewer, form: &Form, problems: &Problems) -> Result<Response, Failure> {
    let offer = Offer::load(viewer, form, None).await?;
    let once = form.given(ONCE).unwrap_or(&viewer.once);
    let body = html! {
        (subplaces(viewer))
        (summary(problems))
        p .muted { (words::REQUIRED) }
        form .form .broad method="post" action="/api-sets/new" {
            (enter())
            (csrf(viewer))
            input type="hidden" name=(ONCE) value=(once);
            (fields(Scope::New, "/api-sets/new", &offer, form, problems))
            div .buttons {
                button .btn type="submit" { (texts::CREATE) }
                a .btn data-variant="outline" href="/api-sets" { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(Page::new(viewer, texts::NEW, body).status(status))
}
