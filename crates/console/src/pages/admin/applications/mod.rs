//! *Web service - Applications*: external systems with their keys, and the types that they are of.

mod application;
mod delete;
mod edit;
mod form;
mod list;
mod new;
mod new_key;
mod show;
mod switch;
mod types;

use axum::Router;
use claviger_texts::console::applications as texts;
use maud::{Markup, html};

use crate::Console;
use crate::viewer::Viewer;

/// Where they are.
const PATH: &str = "/admin/applications";
/// Where their types are.
const TYPES: &str = "/admin/applications/types";

pub(super) fn router() -> Router<Console> {
    Router::new()
        .merge(list::router())
        .merge(new::router())
        .merge(show::router())
        .merge(edit::router())
        .merge(switch::router())
        .merge(delete::router())
        .merge(new_key::router())
        .merge(types::router())
}

/// Applications and their types, as places beside each other.
fn tabs(viewer: &Viewer) -> Markup {
    html! {
        nav .subplaces aria-label=(texts::TITLE) {
            @for (path, label) in [(PATH, texts::APPLICATIONS), (TYPES, texts::types::TYPES)] {
                a href=(path) aria-current=[(viewer.path == path).then_some("page")] { (label) }
            }
        }
    }
}
