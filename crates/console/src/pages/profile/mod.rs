//! View profile: who one is, what one may do, one's own keys, one's sessions, password and second factor.

use axum::Router;

use crate::Console;

mod device;
mod edit;
mod keys;
mod overview;
mod roles;
mod second_factor;
mod security;

pub(super) fn router() -> Router<Console> {
    Router::new()
        .merge(overview::router())
        .merge(edit::router())
        .merge(keys::router())
        .merge(security::router())
        .merge(second_factor::router())
        .merge(roles::router())
}
