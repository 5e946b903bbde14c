//! API sets: operations that keys are given together.

use axum::Router;
use claviger_texts::console::api_sets as texts;
use maud::{Markup, html};
use serde::Deserialize;

use crate::Console;
use crate::parts::badge;
use crate::parts::limits::Limit;
use crate::viewer::Viewer;

mod edit;
mod form;
mod list;
mod new;
mod show;
mod templates;

/// What pages need of a set of the API.
#[derive(Debug, Clone, Deserialize)]
struct Set {
    id: String,
    slug: String,
    name: String,
    kind: String,
    apis: Vec<String>,
    operations: Vec<String>,
    limits: Vec<Limit>,
    template: Option<String>,
    created_at: String,
    updated_at: String,
}

pub(super) fn router() -> Router<Console> {
    Router::new()
        .merge(list::router())
        .merge(new::router())
        .merge(templates::router())
        .merge(show::router())
        .merge(edit::router())
}

// === impl Set ===

impl Set {
    /// Its page.
    fn path(&self) -> String {
        format!("/api-sets/{}", self.slug)
    }

    /// Whether the viewer may change it; the API has the last word.
    fn is_changed_by(&self, viewer: &Viewer) -> bool {
        viewer.may("apis.manage") && ["plain", "general"].contains(&self.kind.as_str())
    }

    /// Whether the viewer may delete it, where nobody holds it.
    fn is_deleted_by(&self, viewer: &Viewer) -> bool {
        viewer.may("apis.manage") && self.kind == "plain"
    }

    fn is_general(&self) -> bool {
        self.kind == "general"
    }

    /// What it holds, in short.
    fn held(&self) -> Markup {
        let wholes: &[String] = if self.is_general() { &[] } else { &self.apis };
        html! {
            @if self.kind == "full" { (texts::EVERYTHING) }
            @for api in wholes { (badge::tag(api)) " " }
            @if !self.operations.is_empty() { (texts::listed(self.operations.len())) }
            @if self.kind != "full" && wholes.is_empty() && self.operations.is_empty() { span .muted { (texts::NOTHING) } }
        }
    }
}
