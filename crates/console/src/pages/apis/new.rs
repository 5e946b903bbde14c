//! Making an API by hand.

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::{apis as texts, form as words};
use http::StatusCode;
use maud::html;

use super::api::Api;
use super::form::{Purpose, creation, fields};
use super::subplaces;
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE};
use crate::parts::field::summary;
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/apis/new", get(page).post(make))
}

async fn page(viewer: Viewer) -> Response {
    show(&viewer, &Form::default(), &Problems::default())
}

async fn make(Posted { viewer, mut form }: Posted) -> Result<Response, Failure> {
    let request = match creation(&form) {
        Ok(request) => request,
        Err(problems) => return Ok(show(&viewer, &form, &problems)),
    };
    let made: Result<Api, Error> = viewer.api.post("/apis").json(&request).once(form.given(ONCE)).read().await;
    match made {
        Ok(api) => Ok(Redirect::to(&told(&api.path(&viewer), "created")).into_response()),
        Err(error) if error.code() == ErrorCode::IdempotencyMismatch => {
            form.take(ONCE);
            Ok(show(&viewer, &form, &Problems::of(words::SENT_BEFORE)))
        }
        Err(error) => Ok(show(&viewer, &form, &mend(error)?)),
    }
}

fn show(viewer: &Viewer, form: &Form, problems: &Problems) -> Response {
    let once = form.given(ONCE).unwrap_or(&viewer.once);
    let body = html! {
        (subplaces(viewer))
        (summary(problems))
        p .muted { (words::REQUIRED) }
        form .form method="post" action="/apis/new" {
            (csrf(viewer))
            input type="hidden" name=(ONCE) value=(once);
            (fields(Purpose::New, form, problems))
            div .buttons {
                button .btn type="submit" { (texts::CREATE) }
                a .btn data-variant="outline" href="/apis" { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Page::new(viewer, texts::NEW_TITLE, body).status(status)
}
