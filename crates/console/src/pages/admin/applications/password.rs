//! Another password for an application; the one before works on for a while.

use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::post;
use claviger_manage::Error;
use claviger_texts::console::{applications as texts, confirm, keys};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::application::{Application, load};
use crate::Console;
use crate::failure::{Failure, Problems};
use crate::parts::confirm::Question;
use crate::parts::copy;
use crate::parts::field::{Choice, Field};
use crate::parts::frame::Page;
use crate::viewer::{Posted, Viewer};

#[derive(Deserialize)]
struct Rotated {
    password: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new().route("/admin/applications/{id}/rotate-password", post(rotate))
}

/// The question on the application's page.
pub(super) fn ask(viewer: &Viewer, application: &Application) -> Markup {
    let choices = keys::OVERLAPS.map(|(seconds, words)| Choice::new(seconds, words));
    let problems = Problems::default();
    let fields = Field::new("overlap_seconds", texts::PASSWORD_OVERLAP, &problems).choice(&choices, "86400");
    let question = Question {
        action: texts::NEW_PASSWORD,
        what: &html! { p { strong { (application.name) } } },
        consequence: texts::NEW_PASSWORD_CONSEQUENCE,
        answers: confirm::NEW_PASSWORD,
        path: &format!("{}/rotate-password", application.path()),
        fields: &fields,
        is_destructive: false,
    };
    question.ask(viewer)
}

async fn rotate(Path(id): Path<String>, Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let (application, _) = load(&viewer, &id).await?;
    let seconds = form.text("overlap_seconds").parse::<u32>();
    let seconds = seconds.map_err(|_| Error::field("overlap_seconds", keys::OVERLAP_UNREADABLE))?;
    let call = viewer.api.post(format!("/applications/{}/rotate-password", application.id));
    let rotated: Rotated = call.json(&json!({"overlap_seconds": seconds})).read().await?;
    let body = html! {
        shown-once .shown-once data-leave=(texts::PASSWORD_LEAVE) data-at={ (application.path()) "?after=password" } {
            div .card {
                header { h2 { (application.name) } p { (texts::PASSWORD_ONCE) } }
                section .form {
                    (copy::once("password", texts::PASSWORD, &rotated.password))
                    div .buttons { a .btn data-variant="outline" href=(application.path()) data-leaves { (keys::CLOSE) } }
                }
            }
        }
    };
    Ok(Page::new(&viewer, texts::NEW_PASSWORD, body).ok())
}
