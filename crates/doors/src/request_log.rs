//! A line in the log for each request of a door, where the log is that fine: which route, how it ended, how long it took.
//! Never a path below the route, a query, a credential.

use claviger_domain::correlation::{TraceId, TraceParent};
use http::StatusCode;
use tokio::time::Instant;

use crate::request_id::Id;
use crate::route::Call;
use crate::service::Head;

/// A request that will be logged, if the log is that fine.
#[derive(Debug)]
pub(crate) struct RequestLog(Option<Box<Begun>>);

#[derive(Debug)]
struct Begun {
    began: Instant,
    method: Box<str>,
    route: &'static str,
    trace: Option<TraceId>,
}

// === impl RequestLog ===

impl RequestLog {
    /// Costs a look at the level where the log is coarser.
    pub(crate) fn begin(head: &Head<'_>) -> Self {
        Self(tracing::enabled!(tracing::Level::DEBUG).then(|| Box::new(Begun::of(head))))
    }

    /// The answer is made.
    pub(crate) fn end(self, id: &Id, status: StatusCode) {
        let Some(begun) = self.0 else { return };
        let micros = begun.began.elapsed().as_micros() as u64;
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
    fn of(head: &Head<'_>) -> Self {
        let mut traces = head.lines.all("traceparent");
        let trace = match (traces.next(), traces.next()) {
            (Some(value), None) => TraceParent::parse(value).map(|parent| parent.trace),
            _ => None,
        };
        // Whatever is no method of HTTP is a text of the caller's choice.
        let method = http::Method::from_bytes(head.method.as_bytes()).ok().filter(is_standard);
        Self {
            began: Instant::now(),
            method: method.as_ref().map_or("other", http::Method::as_str).into(),
            route: Call::of_path(head.path).route(),
            trace,
        }
    }
}

fn is_standard(method: &http::Method) -> bool {
    use http::Method;
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        .contains(method)
}
