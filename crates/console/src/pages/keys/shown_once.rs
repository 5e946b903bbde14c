//! The page that shows a secret: this once, with everything to take it away.

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use claviger_manage::Error;
use claviger_texts::console::keys as texts;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use maud::{Markup, html};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::key::Key;
use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::form::CSRF;
use crate::parts::copy;
use crate::parts::frame::{Page, csrf};
use crate::viewer::{Posted, Viewer};

pub(super) fn router() -> Router<Console> {
    Router::new().route("/keys/download", post(echo))
}

/// What the API answers to a creation, a rotation and a reveal.
#[derive(Deserialize)]
pub(crate) struct Made {
    pub(crate) key: Key,
    #[serde(default)]
    secret: Option<String>,
    #[serde(default)]
    identifier: Option<String>,
    #[serde(default)]
    password: Option<String>,
}

/// The page after a creation; `is_replayed`: it was shown before.
pub(crate) fn page(viewer: &Viewer, made: &Made, is_replayed: bool, title: &str, back: &str) -> Response {
    if is_replayed {
        let body = html! {
            p { (texts::ALREADY_HINT) }
            div .buttons {
                a .btn href=(made.key.path()) { (made.key.name) }
                a .btn data-variant="outline" href=(back) { (texts::CLOSE) }
            }
        };
        return Page::new(viewer, texts::ALREADY, body).ok();
    }
    show(viewer, made, title, back)
}

/// The page of a secret that leads back to `back`.
pub(crate) fn show(viewer: &Viewer, made: &Made, title: &str, back: &str) -> Response {
    let is_once = made.key.reveal == "once";
    let body = html! {
        shown-once .shown-once data-leave=(texts::LEAVE) {
            div .card {
                header {
                    h2 { (made.key.name) }
                    p { (if is_once { texts::CREATED_HINT } else { texts::CREATED_RECOVERABLE_HINT }) }
                    p .muted { (texts::GUIDANCE) }
                }
                section .form {
                    @if let Some(secret) = &made.secret { (copy::once("secret", texts::SECRET, secret)) }
                    @if let Some(identifier) = &made.identifier { (copy::once("identifier", texts::IDENTIFIER, identifier)) }
                    @if let Some(password) = &made.password { (copy::once("password", texts::PASSWORD, password)) }
                    (snippet(made))
                    div .buttons {
                        (download(viewer, made))
                        a .btn href=(back) data-leaves { (texts::CLOSE) }
                        a .btn data-variant="ghost" href={ (made.key.path()) "#try" } data-leaves { (texts::TRY) }
                    }
                }
            }
        }
    };
    Page::new(viewer, title, body).ok()
}

/// The bare key as a file: made in the page; without scripts the value goes back to the server, which answers it as a file.
fn download(viewer: &Viewer, made: &Made) -> Markup {
    let value = made.secret.as_deref().or(made.password.as_deref()).unwrap_or_default();
    html! {
        form method="post" action="/keys/download" data-download=(file_name(&made.key.name)) {
            (csrf(viewer))
            input type="hidden" name="name" value=(made.key.name);
            input type="hidden" name="value" value=(value) autocomplete="off" data-secret;
            button .btn data-variant="outline" type="submit" { (texts::DOWNLOAD) }
        }
    }
}

/// Answers the value that was posted as a file; it is kept and logged nowhere.
async fn echo(Posted { viewer, form }: Posted) -> Result<Response, Failure> {
    let is_own: bool = form.text(CSRF).as_bytes().ct_eq(viewer.csrf.as_bytes()).into();
    if !is_own {
        return Err(Failure(Error::forbidden(claviger_texts::console::frame::failed::OTHER_SITE)));
    }
    // A quoted string of ASCII, and the whole name beside it (RFC 6266).
    let name = file_name(form.text("name"));
    let plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let disposition = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", segment(&name));
    let mut response = form.text("value").to_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Ok(value) = HeaderValue::try_from(disposition) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// A pair as a program's environment takes it.
fn snippet(made: &Made) -> Markup {
    html! {
        @if let (Some(identifier), Some(password)) = (&made.identifier, &made.password) {
            div .field {
                label for="env" { (texts::ENV_SNIPPET) }
                textarea #env .textarea .mono rows="2" readonly data-secret spellcheck="false" autocomplete="off" {
                    "CLAVIGER_IDENTIFIER=" (identifier) "\nCLAVIGER_PASSWORD=" (password)
                }
            }
        }
    }
}

/// `<name>.APIKEY`, without what file systems do not take.
fn file_name(name: &str) -> String {
    let safe: String = name.chars().map(|c| if c.is_alphanumeric() || " -_.".contains(c) { c } else { '_' }).collect();
    format!("{}.APIKEY", safe.trim_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_named_after_the_key() {
        assert_eq!(file_name("Order import"), "Order import.APIKEY");
        assert_eq!(file_name("../a/b\\c:\"d\""), "_a_b_c__d_.APIKEY");
    }
}
