//! Webhooks: where an organization's events are sent, and what became of them.

use axum::Router;
use claviger_texts::console::webhooks as texts;
use maud::{Markup, html};
use serde::Deserialize;

use crate::Console;
use crate::call::segment;
use crate::failure::Failure;
use crate::parts::badge;
use crate::viewer::Viewer;

mod acts;
mod edit;
mod list;
mod show;

const PATH: &str = "/admin/webhooks";

/// A webhook as pages show it.
#[derive(Debug, Clone, Deserialize)]
struct Webhook {
    id: String,
    name: String,
    url: String,
    events: Vec<String>,
    enabled: bool,
    disabled: Option<Disabled>,
    old_secret_valid_until: Option<String>,
    created_at: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Disabled {
    at: String,
    reason: Option<String>,
}

/// What a creation and a rotation answer.
#[derive(Deserialize)]
struct Made {
    webhook: Webhook,
    secret: Option<String>,
}

pub(super) fn router() -> Router<Console> {
    Router::new().merge(list::router()).merge(edit::router()).merge(show::router()).merge(acts::router())
}

async fn load(viewer: &Viewer, id: &str) -> Result<(Webhook, String), Failure> {
    let answer = viewer.api.get(format!("/webhooks/{}", segment(id))).send().await?;
    Ok((answer.read()?, answer.version().unwrap_or_default().to_owned()))
}

// === impl Webhook ===

impl Webhook {
    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }

    fn status(&self) -> Markup {
        badge::state(if self.enabled { "on" } else { "disabled" })
    }

    /// Its types in people's words, with the API's on hover.
    fn types(&self) -> Markup {
        let word = |name: &str| texts::TYPES.iter().find(|(known, _)| *known == name).map(|(_, word)| *word);
        html! {
            ul .plain-list {
                @for name in &self.events { li title=(name) { (word(name).unwrap_or(name)) } }
            }
        }
    }
}
