//! What is logged, counted and traced of each call: route and not path, never a query, header or body.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use claviger_domain::RequestId;
use claviger_domain::correlation::{TraceParent, caller_id};
use claviger_domain::key::ActorKind;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tracing::Span;

use crate::metrics::method_name;

/// Names the call in answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A call under way.
pub(crate) struct RequestLog {
    request_id: RequestId,
    callers_id: Option<String>,
    parent: Option<TraceParent>,
    method: Method,
    route: String,
    actor: CallActor,
}

/// Who calls, once that is known: set where the caller is authenticated.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallActor(Arc<OnceLock<ActorKind>>);

// === impl RequestLog ===

impl RequestLog {
    /// Reads what is logged of a call, and gives it a place for its actor.
    pub(crate) fn begin(request: &mut Request, request_id: RequestId) -> Self {
        let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str).to_owned();
        let actor = CallActor::default();
        request.extensions_mut().insert(actor.clone());
        let headers = request.headers();
        Self {
            request_id,
            callers_id: only(headers, &REQUEST_ID).and_then(|value| caller_id(value.as_bytes())).map(str::to_owned),
            parent: only(headers, &TRACEPARENT).and_then(|value| TraceParent::parse(value.as_bytes())),
            method: request.method().clone(),
            route,
            actor,
        }
    }

    /// What the call does belongs to this span. Names are OpenTelemetry's for HTTP; `parent` is where a caller's trace
    /// goes on.
    pub(crate) fn span(&self) -> Span {
        tracing::info_span!(
            "management request",
            request_id = %self.request_id,
            otel.kind = "server",
            http.request.method = method_name(&self.method),
            http.route = self.route,
            http.response.status_code = tracing::field::Empty,
            traceparent = self.parent.map(tracing::field::display),
        )
    }

    /// What the answer's `X-Request-Id` says: the caller's word where it sent one, else our own id.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let own = || self.request_id.to_string();
        HeaderValue::try_from(self.callers_id.clone().unwrap_or_else(own)).ok()
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// The answer is made.
    pub(crate) fn end(&self, span: &Span, status: StatusCode, took: Duration) {
        span.record("http.response.status_code", status.as_u16());
        tracing::info!(
            request_id = %self.request_id,
            caller_request_id = self.callers_id,
            trace_id = self.parent.map(|parent| tracing::field::display(parent.trace)),
            method = method_name(&self.method),
            route = self.route,
            status = status.as_u16(),
            millis = took.as_micros() as f64 / 1_000.0,
            actor = self.actor.as_str(),
            "management request"
        );
    }
}

/// The value of a header that stands there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

// === impl CallActor ===

impl CallActor {
    /// The caller has proved who it is.
    pub(crate) fn set(&self, kind: ActorKind) {
        // A call has one caller.
        let _ = self.0.set(kind);
    }

    fn as_str(&self) -> &'static str {
        self.0.get().map_or("none", |kind| kind.as_str())
    }
}
