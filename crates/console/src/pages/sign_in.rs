//! Signing in.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{Redirect, Response};
use axum::routing::get;
use claviger_texts::console::sign_in as texts;
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde_json::Value;

use crate::Console;
use crate::call::segment;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::field::{Field, refusal};
use crate::parts::frame;
use crate::parts::list::Asked;
use crate::prompts::{LOGIN, PASSWORD};
use crate::theme::Theme;

/// Where one goes after signing in.
const NEXT: &str = "next";

pub(super) fn router() -> Router<Console> {
    Router::new().route("/sign-in", get(page).post(enter))
}

/// The address of the page, with the way back.
pub(crate) fn address(target: &str) -> String {
    if target == "/" { "/sign-in".to_owned() } else { format!("/sign-in?{NEXT}={}", segment(target)) }
}

/// Only a path of this very console is gone to: browsers take `//` and `/\` for another host.
pub(crate) fn local(target: &str) -> &str {
    let is_path = target.starts_with('/') && !target.starts_with("//") && !target.contains(['\\', '\r', '\n', '\t']);
    if is_path { target } else { "/" }
}

/// What was typed, kept in the form that asks for a proof; passwords are typed again.
pub(crate) fn kept_fields(kept: &Form) -> Markup {
    html! {
        @for (name, value) in kept.fields() {
            @if !name.contains("password") { input type="hidden" name=(name) value=(value); }
        }
    }
}

/// Asks again in the middle of something.
pub(crate) fn prompt(target: &str, kept: &Form, login: &str, problems: &Problems, theme: Theme) -> Response {
    frame::plain(StatusCode::UNAUTHORIZED, theme, texts::TITLE, &form(target, &kept_fields(kept), login, problems))
}

/// The fields have the prompt's names on every page that signs in, so that a browser's list of passwords knows them.
fn form(action: &str, kept: &Markup, login: &str, problems: &Problems) -> Markup {
    html! {
        (refusal(problems))
        form .form method="post" action=(action) {
            (kept)
            (Field::new(LOGIN, texts::LOGIN, problems).required().input("text", login, "username"))
            (Field::new(PASSWORD, texts::PASSWORD, problems).required().input("password", "", "current-password"))
            div .buttons {
                button .btn type="submit" { (texts::BUTTON) }
                a href=(super::password_reset::ASK) { (texts::FORGOTTEN) }
            }
        }
    }
}

async fn page(State(console): State<Console>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    if !(console.is_set_up)() {
        let body = html! { p { (texts::NOT_SET_UP_HINT) } };
        return frame::plain(StatusCode::OK, Theme::read(&headers), texts::NOT_SET_UP, &body);
    }
    let asked = Asked::read(&query.unwrap_or_default(), &[NEXT, "told"]);
    let action = address(local(asked.value(NEXT)));
    let told = match asked.value("told") {
        "accepted" => Some(texts::ACCEPTED),
        "new-address" => Some(texts::NEW_ADDRESS_DONE),
        "password-chosen" => Some(texts::CHOSEN),
        _ => None,
    };
    let told = html! { @if let Some(told) = told { div .alert role="status" { p { (told) } } } };
    let body = html! { (told) (form(&action, &html! {}, "", &Problems::default())) };
    frame::plain(StatusCode::OK, Theme::read(&headers), texts::TITLE, &body)
}

/// The prompts have signed the person in before this is called.
async fn enter(RawQuery(query): RawQuery) -> Redirect {
    let asked = Asked::read(&query.unwrap_or_default(), &[NEXT]);
    Redirect::to(local(asked.value(NEXT)))
}

/// Members that are null say nothing.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members.into_iter().filter(|(_, value)| !value.is_null()).collect(),
        other => other,
    }
}

/// Puts cookies of the API on an answer.
pub(crate) fn with_cookies(mut response: Response, cookies: Vec<http::HeaderValue>) -> Response {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_only_sent_to_paths_of_this_console() {
        for odd in
            ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/\t/evil", "evil"]
        {
            assert_eq!(local(odd), "/", "{odd}");
        }
        assert_eq!(local("/keys?state=active#x"), "/keys?state=active#x");
    }
}
