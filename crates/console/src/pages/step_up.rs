//! The password again, before what cannot be undone.

use axum::response::Response;
use claviger_texts::console::sign_in as texts;
use http::StatusCode;
use maud::html;

use super::sign_in::kept_fields;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::field::{Field, summary};
use crate::parts::frame;
use crate::prompts::PASSWORD;
use crate::theme::Theme;

/// Asks for it at the address that was asked for, with what was sent there.
pub(crate) fn prompt(target: &str, kept: &Form, problems: &Problems, theme: Theme) -> Response {
    let body = html! {
        p { (texts::STEP_UP_HINT) }
        (summary(problems))
        form method="post" action=(target) .form {
            (kept_fields(kept))
            (Field::new(PASSWORD, texts::PASSWORD, problems).required().input("password", "", "current-password"))
            div .buttons { button .btn type="submit" { (texts::STEP_UP_BUTTON) } }
        }
    };
    frame::plain(StatusCode::UNAUTHORIZED, theme, texts::STEP_UP, &body)
}
