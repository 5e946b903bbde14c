//! The pages: a file a place.

use axum::Router;

use crate::Console;

pub(crate) mod admin;
mod api_sets;
mod apis;
pub(crate) mod code;
pub(crate) mod failed;
mod gateways;
mod invitation;
pub(crate) mod keys;
mod new_address;
mod overview;
pub(crate) mod own_password;
mod password_reset;
mod picker;
mod profile;
mod search;
mod session;
mod setup;
pub(crate) mod sign_in;
pub(crate) mod step_up;
mod usage;

/// All of them.
pub(crate) fn router() -> Router<Console> {
    Router::new()
        .merge(session::router())
        .merge(setup::router())
        .merge(sign_in::router())
        .merge(invitation::router())
        .merge(password_reset::router())
        .merge(new_address::router())
        .merge(own_password::router())
        .merge(keys::router())
        .merge(profile::router())
        .merge(admin::router())
        .merge(apis::router())
        .merge(api_sets::router())
        .merge(gateways::router())
        .merge(overview::router())
        .merge(search::router())
        .merge(usage::router())
}
