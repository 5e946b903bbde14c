//! Admin: people, rights, rules and evidence.

use axum::Router;

use crate::Console;

pub(crate) mod audit;
pub(crate) mod roles;
pub(crate) mod users;

pub(super) fn router() -> Router<Console> {
    Router::new().merge(users::router()).merge(roles::router()).merge(audit::router())
}
