//! *Web service - Applications*: external systems with their keys, and the types that they are of.

pub(super) mod application;
pub(super) mod connect;
mod delete;
mod edit;
mod form;
mod list;
mod mail;
mod new;
mod new_key;
mod password;
mod show;
mod switch;
mod types;

pub(super) use switch::turn;

use axum::Router;
use claviger_texts::console::applications as texts;
use maud::{Markup, html};

use crate::Console;
use crate::viewer::Viewer;

/// Where they are.
const PATH: &str = "/admin/applications";
/// Where their types are.
pub(super) const TYPES: &str = "/admin/applications/types";

pub(super) fn router() -> Router<Console> {
    Router::new()
        .merge(list::router())
        .merge(new::router())
        .merge(show::router())
        .merge(edit::router())
        .merge(switch::router())
        .merge(mail::router())
        .merge(delete::router())
        .merge(new_key::router())
        .merge(password::router())
        .merge(types::router())
}

/// Applications and their types, as places beside each other.
fn tabs(viewer: &Viewer) -> Markup {
    // Below the applications, but for what stands below the types.
    let is_of_types = viewer.path.starts_with(TYPES);
    html! {
        nav .subplaces aria-label=(texts::TITLE) {
            @for (path, label) in [(PATH, texts::APPLICATIONS), (TYPES, texts::types::TYPES)] {
                a href=(path) aria-current=[((path == TYPES) == is_of_types).then_some("page")] { (label) }
            }
        }
    }
}
