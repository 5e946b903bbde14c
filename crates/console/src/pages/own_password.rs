//! The page that mails to users of applications lead to where the application has no page of its own: they choose a password.
//!
//! It stands on the public listener, and on the control listener too. It speaks the language of the mail.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use claviger_manage::ErrorCode;
use claviger_texts::Language;
use claviger_texts::own_page::Words;
use http::StatusCode;
use http::request::Parts;
use maud::html;
use serde_json::json;

use crate::Console;
use crate::call::Caller;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::field::{Field, summary_called};
use crate::parts::frame;
use crate::theme::Theme;

const PATH: &str = "/password";

pub(crate) fn router() -> Router<Console> {
    Router::new().route(PATH, get(page).post(choose))
}

/// The language that the mail's link names.
fn language(parts: &Parts) -> Language {
    let named = parts.uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("language="));
    Language::of(named.unwrap_or_default())
}

async fn page(parts: Parts) -> Response {
    show(language(&parts), &Form::default(), &Problems::default(), Theme::read(&parts.headers))
}

fn show(language: Language, form: &Form, problems: &Problems, theme: Theme) -> Response {
    let words = Words::of(language);
    let body = html! {
        (summary_called(words.not_done, problems))
        form .form method="post" action={ (PATH) "?language=" (language.tag()) } {
            from-fragment data-into="token" {
                (Field::new("token", words.token, problems).required().hint(words.token_hint).text(form.text("token")))
            }
            (Field::new("password", words.password, problems).required().hint(words.password_hint)
                .input("password", "", "new-password"))
            p .hint { (words.hint) }
            div .buttons { button .btn type="submit" { (words.choose) } }
        }
    };
    let (is_posted, status) =
        if problems.is_empty() { (false, StatusCode::OK) } else { (true, StatusCode::BAD_REQUEST) };
    frame::plain_in(language.tag(), is_posted, status, theme, words.title, &body)
}

async fn choose(State(console): State<Console>, parts: Parts, body: bytes::Bytes) -> Response {
    let form = Form::parse(&body).unwrap_or_default();
    let (language, theme) = (language(&parts), Theme::read(&parts.headers));
    let words = Words::of(language);
    let caller = Caller::new(console.api, &parts).as_nobody();
    let request = json!({"token": form.text("token").trim(), "password": form.text("password")});
    match caller.post("/api-users/choose-password").json(&request).send().await {
        Ok(_) => {
            let body = html! { p role="status" { (words.done) } };
            frame::plain_in(language.tag(), true, StatusCode::OK, theme, words.done_title, &body)
        }
        Err(error) if error.code() == ErrorCode::NotFound => {
            show(language, &form, &Problems::with_field("token", words.unknown_link), theme)
        }
        Err(error) => show(language, &form, &Problems::new(&error), theme),
    }
}
