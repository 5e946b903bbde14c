//! The first step: the organization and its administrator, by the link that the first start prints.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_texts::console::setup as texts;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use maud::html;
use serde_json::json;

use super::sign_in::with_cookies;
use crate::Console;
use crate::call::Caller;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::field::{Field, summary_called};
use crate::parts::frame;
use crate::theme::Theme;

pub(super) fn router() -> Router<Console> {
    Router::new().route("/setup", get(page).post(set_up))
}

async fn page(headers: HeaderMap) -> Response {
    show(&Form::default(), &Problems::default(), Theme::read(&headers))
}

fn show(form: &Form, problems: &Problems, theme: Theme) -> Response {
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let body = html! {
        p .muted { (texts::HINT) }
        (summary_called(texts::NOT_DONE, problems))
        form .form method="post" action="/setup" {
            // What came with the link goes on with the form; it is shown only to who has to type it.
            @if form.given("token").is_some() && problems.at("token").is_empty() {
                input type="hidden" name="token" value=(form.text("token"));
            } @else {
                from-fragment data-into="token" {
                    (Field::new("token", texts::TOKEN, problems).required().hint(texts::TOKEN_HINT).text(form.text("token")))
                }
            }
            (Field::new("organization", texts::ORGANIZATION, problems).required().input("text", form.text("organization"), "organization"))
            (Field::new("email", texts::EMAIL, problems).required().input("email", form.text("email"), "username"))
            (Field::new("password", texts::PASSWORD, problems).required().hint(texts::PASSWORD_HINT).input("password", "", "new-password"))
            div .buttons { button .btn type="submit" { (texts::BUTTON) } }
        }
    };
    frame::plain(status, theme, texts::TITLE, &body)
}

/// Sets up, and signs the administrator in.
async fn set_up(State(console): State<Console>, parts: Parts, body: bytes::Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    let caller = Caller::new(console.api.clone(), &parts);
    let (email, password) = (form.text("email").trim(), form.text("password"));
    let request = json!({"organization": form.text("organization"), "email": email, "password": password, "management_key": false});
    let made = caller.post("/setup").bearer(form.text("token").trim()).json(&request).send().await;
    if let Err(error) = made {
        return show(&form, &Problems::new(&error), Theme::read(&parts.headers));
    }
    match caller.post("/sign-in").json(&json!({"login": email, "password": password})).send().await {
        Ok(answer) => with_cookies(Redirect::to("/overview").into_response(), answer.cookies()),
        Err(_) => Redirect::to("/sign-in").into_response(),
    }
}
