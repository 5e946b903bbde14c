//! The page that mails to users of applications lead to where the application has no page of its own: they choose a password.
//!
//! It stands on the public listener, and on the control listener too. It speaks the language of the mail.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use claviger_domain::password::PasswordProblem;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::Language;
use claviger_texts::own_page::Words;
use http::StatusCode;
use http::request::Parts;
use maud::{Markup, html};
use serde_json::json;

use crate::Console;
use crate::call::Caller;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::field::Field;
use crate::parts::frame;
use crate::theme::Theme;

const PATH: &str = "/password";
/// What the API says of passwords, in English.
const PROBLEMS: [PasswordProblem; 5] = [
    PasswordProblem::TooShort,
    PasswordProblem::TooLong,
    PasswordProblem::Control,
    PasswordProblem::OwnWords,
    PasswordProblem::Guessable,
];

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
        (alert(&words, problems))
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

/// What was wrong on the whole, as the way to the field.
fn alert(words: &Words, problems: &Problems) -> Markup {
    html! {
        @if !problems.is_empty() {
            div .alert data-variant="destructive" role="alert" tabindex="-1" autofocus {
                h2 { (words.not_done) }
                section {
                    @if let Some(whole) = problems.whole() { p { (whole) } }
                    ul {
                        @for (field, label) in [("token", words.token), ("password", words.password)] {
                            @for message in problems.at(field) { li { a href={ "#" (field) } { (label) ": " (message) } } }
                        }
                    }
                }
            }
        }
    }
}

/// What went wrong, in the language of the page.
fn said(words: &Words, error: &Error) -> Problems {
    let known = |message: &str| PROBLEMS.into_iter().find(|problem| problem.to_string() == message);
    match error.code() {
        ErrorCode::NotFound => Problems::with_field("token", words.unknown_link),
        ErrorCode::Busy | ErrorCode::TooManyAttempts => Problems::of(words.busy),
        _ => match error.errors().iter().find_map(|field| known(&field.message)) {
            Some(problem) => Problems::with_field("password", of_password(words, problem)),
            None => Problems::of(words.failed),
        },
    }
}

fn of_password(words: &Words, problem: PasswordProblem) -> &'static str {
    match problem {
        PasswordProblem::TooShort => words.too_short,
        PasswordProblem::TooLong => words.too_long,
        PasswordProblem::Control => words.control,
        PasswordProblem::OwnWords => words.own_words,
        PasswordProblem::Guessable => words.guessable,
    }
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
        Err(error) => show(language, &form, &said(&words, &error), theme),
    }
}
