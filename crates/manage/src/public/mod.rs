//! What the public listener serves: operations for whoever is outside, without authentication, at a bounded pace for each
//! address.

mod leaks;
mod revoke;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;

use crate::error::{Error, ErrorCode};
use crate::{Manage, layers};

/// All routes, framed as those of the control listener are. `host_names`: under which, beside loopback names, they are answered;
/// `others`: answers whatever is at no path of these.
///
/// Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: the pace of an address needs the peer.
pub fn router(manage: Arc<Manage>, host_names: Vec<String>, others: Router) -> Router {
    let routes = Router::new()
        .route("/revoke", post(revoke::answer))
        .route("/leaks", post(leaks::answer))
        .method_not_allowed_fallback(async || Error::new(ErrorCode::MethodNotAllowed, "This path takes POST."))
        .with_state(Arc::clone(&manage))
        .fallback_service(others);
    layers::around(routes, manage, host_names.into())
}
