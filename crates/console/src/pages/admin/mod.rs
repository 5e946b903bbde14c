//! Admin: people, rights, rules and evidence.

use axum::Router;

use crate::Console;

mod api_users;
mod applications;
pub(crate) mod audit;
mod mail;
mod named;
mod notices;
mod organization;
mod policy;
pub(crate) mod requests;
pub(crate) mod roles;
pub(crate) mod users;
mod webhooks;

pub(super) fn router() -> Router<Console> {
    Router::new()
        .merge(users::router())
        .merge(roles::router())
        .merge(audit::router())
        .merge(policy::router())
        .merge(notices::router())
        .merge(webhooks::router())
        .merge(mail::router())
        .merge(organization::router())
        .merge(applications::router())
        .merge(api_users::router())
        .merge(requests::router())
}
