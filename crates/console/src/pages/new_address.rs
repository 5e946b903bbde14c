//! The page that the link to a new address leads to.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_texts::console::sign_in as texts;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use maud::html;
use serde_json::json;

use crate::Console;
use crate::call::Caller;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::field::{Field, refusal};
use crate::parts::frame;
use crate::theme::Theme;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/new-address", get(page).post(confirm))
}

async fn page(headers: HeaderMap) -> Response {
    show(&Form::default(), &Problems::default(), Theme::read(&headers))
}

/// Following the link changes nothing yet: programs that look at mails follow links too.
fn show(form: &Form, problems: &Problems, theme: Theme) -> Response {
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let body = html! {
        (refusal(problems))
        p .muted { (texts::NEW_ADDRESS_HINT) }
        form .form method="post" action="/new-address" {
            from-fragment data-into="token" {
                (Field::new("token", texts::TOKEN, problems).required().hint(texts::TOKEN_HINT).text(form.text("token")))
            }
            div .buttons { button .btn type="submit" { (texts::NEW_ADDRESS_CONFIRM) } }
        }
    };
    frame::plain(status, theme, texts::NEW_ADDRESS, &body)
}

async fn confirm(State(console): State<Console>, parts: Parts, body: bytes::Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    let caller = Caller::new(console.api, &parts).as_nobody();
    let request = json!({"token": form.text("token").trim()});
    match caller.post("/new-addresses/confirm").json(&request).send().await {
        Ok(_) => Redirect::to("/sign-in?told=new-address").into_response(),
        Err(error) => show(&form, &Problems::new(&error), Theme::read(&parts.headers)),
    }
}
