//! A line in the log for each request of a door, where the log is that fine, and a span for some, where traces are kept: which
//! route, how it ended, how long it took. Never a path below the route, a query, a credential.

use std::cell::Cell;

use claviger_domain::correlation::{TraceId, TraceParent};
use http::StatusCode;
use tokio::time::Instant;
use tracing::Span;
use tracing::field::Empty;

use crate::request_id::Id;
use crate::route::Call;
use crate::service::Head;

/// The target of requests' spans, at the level `trace`: whoever keeps traces asks for it.
pub const SPANS: &str = "claviger_doors::spans";
/// Of the requests whose callers sent no trace, one in so many has a span.
pub const SPANS_ONE_IN: u32 = 1_024;

/// A request that will be logged, if the log is that fine, or has a span.
#[derive(Debug)]
pub(crate) struct RequestLog(Option<Box<Begun>>);

#[derive(Debug)]
struct Begun {
    began: Instant,
    method: Box<str>,
    route: &'static str,
    trace: Option<TraceId>,
    span: Span,
}

// === impl RequestLog ===

impl RequestLog {
    /// Costs a look at the level where the log is coarser and no traces are kept.
    pub(crate) fn begin(head: &Head<'_>, id: &Id) -> Self {
        let is_logged = tracing::enabled!(tracing::Level::DEBUG);
        if !is_logged && !tracing::span_enabled!(target: SPANS, tracing::Level::TRACE) {
            return Self(None);
        }
        let parent = trace_parent(head);
        let has_span = parent.map_or_else(is_chosen, |parent| parent.is_sampled);
        Self((is_logged || has_span).then(|| Box::new(Begun::of(head, parent, has_span, id))))
    }

    /// The answer is made.
    pub(crate) fn end(self, id: &Id, status: StatusCode) {
        let Some(begun) = self.0 else { return };
        let micros = begun.began.elapsed().as_micros() as u64;
        begun.span.record("http.response.status_code", status.as_u16());
        tracing::debug!(
            request_id = %id.id(),
            caller_request_id = id.callers(),
            trace_id = begun.trace.map(tracing::field::display),
            method = &*begun.method,
            route = begun.route,
            status = status.as_u16(),
            micros,
            "door request"
        );
    }
}

// === impl Begun ===

impl Begun {
    fn of(head: &Head<'_>, parent: Option<TraceParent>, has_span: bool, id: &Id) -> Self {
        // Whatever is no method of HTTP is a text of the caller's choice.
        let method = http::Method::from_bytes(head.method.as_bytes()).ok().filter(is_standard);
        let method = method.as_ref().map_or("other", http::Method::as_str);
        let route = Call::of_path(head.path).route();
        let span = if has_span { span(method, route, parent, id) } else { Span::none() };
        let trace = parent.map(|parent| parent.trace);
        Self { began: Instant::now(), method: method.into(), route, trace, span }
    }
}

/// Names are OpenTelemetry's for HTTP; `parent` is where a caller's trace goes on.
fn span(method: &str, route: &'static str, parent: Option<TraceParent>, id: &Id) -> Span {
    tracing::trace_span!(
        target: SPANS,
        "door request",
        request_id = %id.id(),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        traceparent = parent.map(tracing::field::display),
    )
}

fn trace_parent(head: &Head<'_>) -> Option<TraceParent> {
    let mut traces = head.lines.all("traceparent");
    match (traces.next(), traces.next()) {
        (Some(value), None) => TraceParent::parse(value),
        _ => None,
    }
}

/// One request in [`SPANS_ONE_IN`] of this thread.
fn is_chosen() -> bool {
    thread_local! {
        static LEFT: Cell<u32> = const { Cell::new(0) };
    }
    let left = LEFT.get();
    LEFT.set(left.checked_sub(1).unwrap_or(SPANS_ONE_IN - 1));
    left == 0
}

fn is_standard(method: &http::Method) -> bool {
    use http::Method;
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        .contains(method)
}
