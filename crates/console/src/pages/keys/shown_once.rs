//! The page that shows a secret: this once, with everything to take it away.

use axum::response::Response;
use claviger_texts::console::keys as texts;
use http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;

use super::key::Key;
use crate::parts::copy;
use crate::parts::frame::Page;
use crate::viewer::Viewer;

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

/// The page; `is_replayed`: it was shown before.
pub(crate) fn page(viewer: &Viewer, made: &Made, is_replayed: bool, back: &str) -> Response {
    if is_replayed {
        let body = html! {
            p { (texts::ALREADY_HINT) }
            div .buttons { a .btn href=(made.key.path()) { (made.key.name) } a .btn data-variant="outline" href=(back) { (texts::CLOSE) } }
        };
        return Page::new(viewer, texts::ALREADY, body).status(StatusCode::OK);
    }
    let is_once = made.key.reveal == "once";
    let body = html! {
        shown-once .shown-once data-leave=(texts::LEAVE) {
            div .card {
                header {
                    h2 { (made.key.name) }
                    p { (if is_once { texts::CREATED_HINT } else { texts::CREATED_RECOVERABLE_HINT }) }
                }
                section .form {
                    @if let Some(secret) = &made.secret { (copy::once("secret", texts::SECRET, secret)) }
                    @if let Some(identifier) = &made.identifier { (copy::once("identifier", texts::IDENTIFIER, identifier)) }
                    @if let Some(password) = &made.password { (copy::once("password", texts::PASSWORD, password)) }
                    (snippet(made))
                    div .buttons {
                        button .btn data-variant="outline" type="button" data-download=(file_name(&made.key.name)) hidden { (texts::DOWNLOAD) }
                        a .btn href=(back) data-leaves { (texts::CLOSE) }
                        a .btn data-variant="ghost" href={ (made.key.path()) "#try" } data-leaves { (texts::TRY) }
                    }
                }
            }
        }
    };
    Page::new(viewer, texts::CREATED_TITLE, body).status(StatusCode::OK)
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
