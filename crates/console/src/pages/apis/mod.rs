//! APIs: their operations, manuals and documents.

use axum::Router;
use claviger_texts::console::apis as texts;
use maud::{Markup, html};

use crate::Console;
use crate::viewer::Viewer;

pub(crate) mod api;
mod change;
mod delete;
mod edit;
mod form;
mod import;
mod list;
mod manual;
mod new;
mod operation;
pub(crate) mod operations;
pub(crate) mod sample;
mod schema;
mod show;

pub(super) fn router() -> Router<Console> {
    Router::new()
        .merge(list::router())
        .merge(new::router())
        .merge(import::router())
        .merge(show::router())
        .merge(edit::router())
        .merge(delete::router())
        .merge(manual::router())
        .merge(operation::router())
}

/// The way between APIs and their sets.
pub(crate) fn subplaces(viewer: &Viewer) -> Markup {
    let is_here = |path: &str| viewer.path == path || viewer.path.starts_with(&format!("{path}/"));
    html! {
        nav .subplaces aria-label=(texts::SUBPLACES) {
            @for (path, label) in [("/apis", texts::TITLE), ("/api-sets", texts::SETS)] {
                a href=(path) aria-current=[is_here(path).then_some("page")] { (label) }
            }
        }
    }
}
