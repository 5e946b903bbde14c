//! View profile: who one is, one's own keys, one's sessions and password.

use axum::Router;

use crate::Console;

mod keys;
mod overview;
mod security;

pub(super) fn router() -> Router<Console> {
    Router::new().merge(overview::router()).merge(keys::router()).merge(security::router())
}
