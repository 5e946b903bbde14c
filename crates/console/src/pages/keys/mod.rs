//! Keys: the organization's, one's own, and those of a person; one form in three arrangements.

use axum::Router;

use crate::Console;

pub(crate) mod approval;
pub(crate) mod edit;
pub(crate) mod end;
mod facts;
pub(crate) mod form;
pub(crate) mod key;
pub(crate) mod leaked;
pub(crate) mod list;
pub(crate) mod new;
pub(crate) mod offer;
pub(crate) mod replace;
pub(crate) mod rotate;
mod rotate_many;
pub(crate) mod sent;
pub(crate) mod show;
pub(crate) mod shown_once;
mod term;
pub(crate) mod try_it;
mod unused;

pub(super) fn router() -> Router<Console> {
    Router::new()
        .merge(list::router())
        .merge(new::router())
        .merge(shown_once::router())
        .merge(show::router())
        .merge(edit::router())
        .merge(end::router())
        .merge(approval::router())
        .merge(rotate::router())
        .merge(rotate_many::router())
        .merge(replace::router())
        .merge(leaked::router())
        .merge(unused::router())
        .merge(try_it::router())
}
