//! Where there is no page: why, and the way out.

use axum::response::Response;
use claviger_manage::{Error, ErrorCode};
use claviger_texts::console::frame::failed as texts;
use maud::html;

use crate::parts::frame;
use crate::theme::Theme;

/// The page of an error, at an address or in the place of what a form should have led to.
pub(crate) fn page(error: &Error, is_posted: bool, theme: Theme) -> Response {
    let (title, text) = match error.code() {
        ErrorCode::NotFound => (texts::NOT_FOUND, texts::NOT_FOUND_HINT),
        ErrorCode::Forbidden => (texts::FORBIDDEN, error.detail()),
        _ => (texts::NOT_NOW, error.detail()),
    };
    let body = html! {
        p { (text) }
        p { a .btn href="/" { (texts::HOME) } }
    };
    if error.code() == ErrorCode::Internal {
        tracing::error!(?error, "a page of the console failed");
    }
    frame::plain_as(is_posted, error.code().status(), theme, title, &body)
}
