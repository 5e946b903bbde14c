//! A tower layer: what passes goes to the service with [`Passed`] among its extensions, what does not is answered here.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Full};
use tower_layer::Layer;
use tower_service::Service;

use crate::guard::{Guard, Passed};

/// Puts a [`Guard`] before a service.
///
/// With axum it goes onto a router: `Router::new().route(…).layer(GuardLayer::new(guard))`.
#[derive(Debug, Clone)]
pub struct GuardLayer(Guard);

/// A service behind a [`Guard`].
#[derive(Debug, Clone)]
pub struct Guarded<S> {
    guard: Guard,
    inner: S,
}

// === impl GuardLayer ===

impl GuardLayer {
    /// With this guard.
    pub fn new(guard: Guard) -> Self {
        Self(guard)
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { guard: self.0.clone(), inner }
    }
}

// === impl Guarded ===

impl<S, B, R> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Either<R, Full<Bytes>>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The one that was ready goes with the request; a fresh one stays.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let guard = self.guard.clone();
        Box::pin(async move {
            let (mut head, body) = request.into_parts();
            let passed: Passed = match guard.judge(&head).await {
                Ok(passed) => passed,
                Err(refusal) => return Ok(refusal.into_response().map(Either::Right)),
            };
            head.extensions.insert(passed.clone());
            let mut response = inner.call(Request::from_parts(head, body)).await?;
            passed.add_limits(response.headers_mut());
            Ok(response.map(Either::Left))
        })
    }
}
