//! Mail: what the organization writes to users of its applications.

mod editor;
mod list;

use axum::Router;
use serde::Deserialize;

use crate::Console;
use crate::call::segment;
use crate::pages::keys::key::Actor;

/// Where the mails are.
const PATH: &str = "/admin/mail";

/// The words of a mail, as lists show them.
#[derive(Debug, Deserialize)]
struct Summary {
    template: String,
    language: String,
    language_name: String,
    subject: String,
    is_default: bool,
    updated_by: Option<Actor>,
    updated_at: Option<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new().merge(list::router()).merge(editor::router())
}

// === impl Summary ===

impl Summary {
    /// Its page.
    fn path(&self) -> String {
        format!("{PATH}/{}/{}", segment(&self.template), segment(&self.language))
    }
}
