//! An extractor for axum: a handler that takes [`Allowed`] runs only for requests that may pass.

use std::ops::Deref;

use axum::extract::{FromRef, FromRequestParts};
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use crate::guard::{Guard, Passed};
use crate::refusal::Refusal;

/// A request that may pass. The state of the router holds the [`Guard`]; behind a [`GuardLayer`](crate::GuardLayer) nothing is asked
/// again.
///
/// ```
/// use axum::{Router, routing::get};
/// use claviger_client::{Allowed, Client, Guard};
///
/// async fn order(allowed: Allowed) -> String {
///     let key = allowed.verdict().and_then(|verdict| verdict.key.as_ref());
///     format!("for {}", key.map_or("nobody in particular", |key| &key.name))
/// }
///
/// let guard = Guard::new(Client::builder("http://127.0.0.1:7601").api("shop").build()?);
/// let router: Router = Router::new().route("/orders/{id}", get(order)).with_state(guard);
/// # Ok::<(), claviger_client::SettingError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Allowed(pub Passed);

// === impl Allowed ===

impl Deref for Allowed {
    type Target = Passed;

    fn deref(&self) -> &Passed {
        &self.0
    }
}

impl<S> FromRequestParts<S> for Allowed
where
    S: Send + Sync,
    Guard: FromRef<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        if let Some(passed) = parts.extensions.get::<Passed>() {
            return Ok(Self(passed.clone()));
        }
        let passed = Guard::from_ref(state).judge(parts).await.map_err(|refusal| *refusal)?;
        parts.extensions.insert(passed.clone());
        Ok(Self(passed))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Self::into_response(self).map(axum::body::Body::new)
    }
}
