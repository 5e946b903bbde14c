//! A link to a record, mailed to a user of an application.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_texts::console::form as words;
use claviger_texts::console::mail::record as texts;
use http::StatusCode;
use maud::html;
use serde_json::json;

use super::application::{Application, load};
use crate::Console;
use crate::failure::{Failure, Problems, mend};
use crate::form::{Form, ONCE};
use crate::parts::field::{Field, summary};
use crate::parts::frame::{Page, csrf};
use crate::prompts::told;
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/applications/{id}/mail", get(page).post(send))
}

async fn page(viewer: Viewer, Path(id): Path<String>) -> Result<Response, Failure> {
    let (application, _) = load(&viewer, &id).await?;
    Ok(show(&viewer, &application, &Form::default(), &Problems::default()))
}

async fn send(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (application, _) = load(&viewer, &id).await?;
    let request = json!({"template": "record_link", "api_user": form.text("api_user").trim(), "record": form.text("record").trim()});
    let path = format!("/applications/{}/mails", application.id);
    match viewer.api.post(path).json(&request).once(form.given(ONCE)).send().await {
        Ok(_) => Ok(Redirect::to(&told(&application.path(), "record-link-sent")).into_response()),
        Err(error) => Ok(show(&viewer, &application, &form, &mend(error)?)),
    }
}

fn show(viewer: &Viewer, application: &Application, form: &Form, problems: &Problems) -> Response {
    let (once, path) = (form.given(ONCE).unwrap_or(&viewer.once), application.path());
    let user = Field::new("api_user", texts::API_USER, problems).required().hint(texts::API_USER_HINT);
    let record = Field::new("record", texts::RECORD, problems).required().hint(texts::RECORD_HINT);
    let body = html! {
        (summary(problems))
        p .muted { (texts::HINT) }
        form .form method="post" action={ (path) "/mail" } {
            (csrf(viewer))
            input type="hidden" name=(ONCE) value=(once);
            (user.text(form.text("api_user")))
            (record.text(form.text("record")))
            div .buttons {
                button .btn type="submit" { (texts::SEND) }
                a .btn data-variant="outline" href=(path) { (words::CANCEL) }
            }
        }
    };
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Page::new(viewer, texts::TITLE, body).status(status)
}
