//! The password again, before what cannot be undone; or a code, for who has a second factor.

use axum::response::Response;
use claviger_texts::console::sign_in as texts;
use http::StatusCode;
use maud::html;

use super::code;
use super::sign_in::kept_fields;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::field::{Field, refusal};
use crate::parts::frame;
use crate::prompts::PASSWORD;
use crate::theme::Theme;

/// Asks for it at the address that was asked for, with what was sent there.
pub(crate) fn prompt(target: &str, kept: &Form, by_code: bool, problems: &Problems, theme: Theme) -> Response {
    let password = Field::new(PASSWORD, texts::PASSWORD, problems);
    let password = if by_code { password } else { password.required() };
    let body = html! {
        p { (texts::STEP_UP_HINT) }
        (refusal(problems))
        form method="post" action=(target) .form {
            (kept_fields(kept))
            (password.input("password", "", "current-password"))
            @if by_code {
                details .advanced {
                    summary { (texts::BY_CODE) }
                    (code::field(problems, false))
                }
            }
            div .buttons {
                button .btn type="submit" { (texts::STEP_UP_BUTTON) }
                a .btn data-variant="outline" href="/" { (texts::CANCEL) }
            }
        }
    };
    frame::plain(StatusCode::UNAUTHORIZED, theme, texts::STEP_UP, &body)
}
