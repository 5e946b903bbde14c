//! *Web service - Users*: who signs in under applications, a tab for each type of these.

mod acts;
mod edit;
mod form;
mod history;
mod list;
mod new;
mod offer;
mod password;
mod secrets;
mod sessions;
mod show;
mod user;

use axum::Router;

use crate::Console;

/// Where they are.
const PATH: &str = "/admin/api-users";

pub(super) fn router() -> Router<Console> {
    Router::new()
        .merge(list::router())
        .merge(new::router())
        .merge(show::router())
        .merge(edit::router())
        .merge(password::router())
        .merge(sessions::router())
        .merge(secrets::router())
        .merge(acts::router())
        .merge(history::router())
}
