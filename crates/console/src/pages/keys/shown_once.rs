//! The page that shows a secret: this once, with everything to take it away.

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use claviger_manage::Error;
use claviger_texts::console::{approval as approval_texts, keys as texts};
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use maud::{Markup, html};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::facts::allowed;
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
    pub(crate) secret: Option<String>,
    #[serde(default)]
    identifier: Option<String>,
    #[serde(default)]
    pub(crate) password: Option<String>,
    /// The line for a shell and a word about it, where it is not the question whose key it is.
    #[serde(skip)]
    pub(crate) call: Option<(String, &'static str)>,
}

/// The page of a key that was made before, and its secret shown.
pub(crate) fn already(viewer: &Viewer, made: &Made, back: &str) -> Response {
    let body = html! {
        p { (texts::ALREADY_HINT) }
        div .buttons {
            a .btn href=(made.key.path()) { (made.key.name) }
            a .btn data-variant="outline" href=(back) { (texts::CLOSE) }
        }
    };
    Page::new(viewer, texts::ALREADY, body).ok()
}

/// The page of a secret that leads back to `back`.
pub(crate) fn show(viewer: &Viewer, made: &Made, title: &str, back: &str) -> Response {
    show_with(viewer, made, title, back, &html! {})
}

/// The same with a word about what else there is to do.
pub(super) fn show_with(viewer: &Viewer, made: &Made, title: &str, back: &str, further: &Markup) -> Response {
    let is_once = made.key.reveal == "once";
    let body = html! {
        // What can be shown again may be left behind. In the history it is the key's page, by an address that its links do not have:
        // they lead away from here.
        shown-once .shown-once data-leave=[is_once.then_some(texts::LEAVE)] data-at={ (made.key.path()) "?after=secret" } {
            div .card {
                header {
                    h2 { (made.key.name) }
                    p { (if is_once { texts::CREATED_HINT } else { texts::CREATED_RECOVERABLE_HINT }) }
                    p .muted { (texts::GUIDANCE) }
                    @if made.key.is_pending() { p .alert #not-yet { (approval_texts::NOT_YET) } }
                }
                section .form {
                    @if let Some(secret) = &made.secret { (copy::once("secret", texts::SECRET, secret)) }
                    @if let Some(identifier) = &made.identifier { (copy::once("identifier", texts::IDENTIFIER, identifier)) }
                    @if let Some(password) = &made.password { (copy::once("password", texts::PASSWORD, password)) }
                    (snippet(made))
                    @match &made.call {
                        Some((line, hint)) => { (copy::aside("curl", texts::CURL, line)) p .hint { (hint) } }
                        None => { (copy::aside("curl", texts::CURL, &curl(&viewer.doors.url, made))) p .hint { (texts::CURL_HINT) } }
                    }
                    (further)
                    div .buttons {
                        (download(viewer, made))
                        a .btn data-variant="outline" href=(back) data-leaves { (texts::CLOSE) }
                        a .btn data-variant="ghost" href={ (made.key.path()) "#try" } data-leaves { (texts::TRY) }
                    }
                }
            }
            section .card {
                header { h2 { (texts::REVIEW) } p .muted { (texts::REVIEW_HINT) } }
                section { dl .facts { (allowed(viewer, &made.key)) } }
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

/// The doors' question who a key is, as it is pasted into a shell: it needs no API, and is no use of the key.
fn curl(doors: &str, made: &Made) -> String {
    let who = match (&made.secret, &made.identifier, &made.password) {
        (Some(secret), ..) => format!("-H {}", quoted(&format!("X-Api-Key: {secret}"))),
        (None, Some(identifier), Some(password)) => format!("-u {}", quoted(&format!("{identifier}:{password}"))),
        _ => String::new(),
    };
    match doors.strip_prefix("unix:") {
        Some(path) => format!("curl {who} --unix-socket {} http://localhost/v1/whoami", quoted(path)),
        None => format!("curl {who} {doors}/v1/whoami"),
    }
}

/// A text as a shell takes it whole.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The most characters of a name in the name of a file: file systems take 255 bytes.
const FILE_NAME_CHARS_MAX: usize = 60;

/// `<name>.APIKEY` with a `-` for all that shells and file systems may not take.
fn file_name(name: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    let words: Vec<_> = name.split(|c| !kept(c)).filter(|word| !word.is_empty()).collect();
    let short: String = words.join("-").trim_matches(['.', '-']).chars().take(FILE_NAME_CHARS_MAX).collect();
    format!("{}.APIKEY", if short.is_empty() { "key" } else { short.as_str() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_named_after_the_key() {
        assert_eq!(file_name("Orders reporting"), "Orders-reporting.APIKEY");
        assert_eq!(file_name("../a/b\\c:\"d\""), "a-b-c-d.APIKEY");
        assert_eq!(file_name("Zamówienia (2. sklep)"), "Zamówienia-2.-sklep.APIKEY");
        assert_eq!(file_name("🔑 …"), "key.APIKEY");
        assert!(file_name(&"ż".repeat(200)).len() <= 255);
    }

    #[test]
    fn a_shell_takes_what_is_pasted_as_it_is_meant() {
        assert_eq!(quoted("a b$c"), "'a b$c'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
