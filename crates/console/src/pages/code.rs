//! The second step of a sign-in: a code of the app, or a recovery code.

use axum::response::Response;
use claviger_texts::console::sign_in as texts;
use http::StatusCode;
use maud::{Markup, html};

use super::sign_in::kept_fields;
use crate::failure::Problems;
use crate::form::Form;
use crate::parts::field::{Field, refusal};
use crate::parts::frame;
use crate::prompts::{AGAIN, CHALLENGE, CODE};
use crate::theme::Theme;

/// Asks for it at the address that was asked for, with what was sent there.
pub(crate) fn prompt(target: &str, kept: &Form, challenge: &str, problems: &Problems, theme: Theme) -> Response {
    let body = html! {
        (refusal(problems))
        form .form method="post" action=(target) {
            (kept_fields(kept))
            input type="hidden" name=(CHALLENGE) value=(challenge);
            (field(problems, true))
            div .buttons {
                button .btn type="submit" { (texts::BUTTON) }
                button .btn data-variant="ghost" type="submit" name=(AGAIN) value="yes" formnovalidate { (texts::AGAIN) }
            }
        }
    };
    frame::plain(StatusCode::UNAUTHORIZED, theme, texts::CODE_TITLE, &body)
}

/// The field of a code.
pub(crate) fn field(problems: &Problems, is_required: bool) -> Markup {
    let field = Field::new(CODE, texts::CODE, problems).hint(texts::CODE_HINT);
    let field = if is_required { field.required() } else { field };
    field.input("text", "", "one-time-code")
}
