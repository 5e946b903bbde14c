//! A password that was lost: asking for the link, and choosing another one by it.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use claviger_texts::console::sign_in as texts;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde_json::json;

use crate::Console;
use crate::call::Caller;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::field::{Field, refusal};
use crate::parts::frame;
use crate::theme::Theme;

/// The page that asks for the link.
pub(super) const ASK: &str = "/password-reset/ask";

pub(super) fn router() -> Router<Console> {
    Router::new().route(ASK, get(page).post(ask)).route("/password-reset", get(choice).post(choose))
}

async fn page(State(console): State<Console>, headers: HeaderMap) -> Response {
    let theme = Theme::read(&headers);
    if console.sends_mail { ask_page(&Form::default(), &Problems::default(), theme) } else { no_mail_page(theme) }
}

/// No link can come: what helps instead.
fn no_mail_page(theme: Theme) -> Response {
    let body = html! {
        p { (texts::NO_MAIL) }
        h2 { (texts::NO_MAIL_ADMINISTRATOR) }
        ol .steps { @for step in texts::NO_MAIL_STEPS { li { (step) } } }
        p .muted { (texts::NO_MAIL_OPERATOR) }
        div .buttons { (back()) }
    };
    frame::plain(StatusCode::OK, theme, texts::ASK_TITLE, &body)
}

fn status(problems: &Problems) -> StatusCode {
    if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST }
}

fn back() -> Markup {
    html! { a .btn data-variant="outline" href="/sign-in" { (texts::BACK_TO_SIGN_IN) } }
}

fn ask_page(form: &Form, problems: &Problems, theme: Theme) -> Response {
    let body = html! {
        p .muted { (texts::ASK_HINT) }
        (refusal(problems))
        form .form method="post" action=(ASK) {
            (Field::new("email", texts::EMAIL, problems).required().input("email", form.text("email"), "username"))
            div .buttons { button .btn type="submit" { (texts::ASK) } (back()) }
        }
    };
    frame::plain(status(problems), theme, texts::ASK_TITLE, &body)
}

/// Whoever asks reads the same whether there is such a person or not.
async fn ask(State(console): State<Console>, parts: Parts, body: bytes::Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    let theme = Theme::read(&parts.headers);
    let caller = Caller::new(console.api, &parts).as_nobody();
    let request = json!({"email": form.text("email").trim()});
    match caller.post("/password-resets").json(&request).send().await {
        Ok(_) => {
            let body = html! { p role="status" { (texts::ASKED) } div .buttons { (back()) } };
            frame::plain_as(true, StatusCode::OK, theme, texts::ASKED_TITLE, &body)
        }
        Err(error) => ask_page(&form, &Problems::new(&error), theme),
    }
}

async fn choice(headers: HeaderMap) -> Response {
    choice_page(&Form::default(), &Problems::default(), Theme::read(&headers))
}

fn choice_page(form: &Form, problems: &Problems, theme: Theme) -> Response {
    let body = html! {
        (refusal(problems))
        form .form method="post" action="/password-reset" {
            from-fragment data-into="token" {
                (Field::new("token", texts::TOKEN, problems).required().hint(texts::TOKEN_HINT).text(form.text("token")))
            }
            (Field::new("password", texts::NEW_PASSWORD, problems).required().hint(texts::NEW_PASSWORD_HINT)
                .input("password", "", "new-password"))
            p .hint { (texts::CHOOSE_HINT) }
            div .buttons {
                button .btn type="submit" { (texts::CHOOSE) }
                a .btn data-variant="ghost" href=(ASK) { (texts::ASK_ANEW) }
            }
        }
    };
    frame::plain(status(problems), theme, texts::CHOOSE_TITLE, &body)
}

async fn choose(State(console): State<Console>, parts: Parts, body: bytes::Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    let caller = Caller::new(console.api, &parts).as_nobody();
    let request = json!({"token": form.text("token").trim(), "password": form.text("password")});
    match caller.post("/password-resets/choose").json(&request).send().await {
        Ok(_) => Redirect::to("/sign-in?told=password-chosen").into_response(),
        Err(error) => choice_page(&form, &Problems::new(&error), Theme::read(&parts.headers)),
    }
}
