//! What stands around every route: request id, host check, one rendering of errors, one net for panics.

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use claviger_domain::RequestId;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderValue, Uri};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::Manage;
use crate::error::{Error, ErrorCode};
use crate::request_log::{REQUEST_ID, RequestLog};

/// What every response bears, unless its handler says otherwise; `docs/security.md` has the same table.
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // No other site learns an address. A form of ours still names its origin, which `no-referrer` would hide from us too.
    (REFERRER_POLICY, "same-origin"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// The frame of a listener.
#[derive(Clone)]
pub(crate) struct Frame {
    manage: Arc<Manage>,
    /// Under which, beside loopback names, the listener is reached.
    host_names: Arc<[String]>,
}

/// Puts everything that stands around them around the routes of a listener.
pub(crate) fn around(routes: Router, manage: Arc<Manage>, host_names: Arc<[String]>) -> Router {
    let routes = routes.layer(CatchPanicLayer::custom(panicked));
    routes.layer(from_fn_with_state(Frame { manage, host_names }, frame))
}

/// The outermost layer.
async fn frame(State(Frame { manage, host_names }): State<Frame>, mut request: Request, next: Next) -> Response {
    let began = manage.clock.monotonic();
    let request_id = RequestId::new(manage.clock.now(), &*manage.random);
    request.extensions_mut().insert(request_id);
    let log = RequestLog::begin(&mut request, request_id);
    let span = log.span();
    let answer = async {
        let mut response = match check_host(&host_names, &request) {
            Ok(()) => next.run(request).await,
            Err(error) => error.into_response(),
        };
        match response.extensions_mut().remove::<Error>() {
            Some(error) => error.render(request_id),
            None => response,
        }
    };
    let mut response = answer.instrument(span.clone()).await;
    let took = manage.clock.monotonic().saturating_sub(began);
    manage.counters.note(log.method(), response.status(), took);
    log.end(&span, response.status(), took);
    let headers = response.headers_mut();
    if let Some(value) = log.header() {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The path exists, the method does not.
pub(crate) async fn unknown_method() -> Error {
    Error::new(ErrorCode::MethodNotAllowed, "This path does not take this method; the reference is at /api/docs.")
}

/// A panic of a handler, as an answer.
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast::<&str>().map(|text| (*text).to_owned()).unwrap_or_default(),
    };
    Error::internal(format!("panic: {text}")).into_response()
}

/// Only configured host names and loopback names are answered: a page of another site cannot rebind its name to this
/// listener (DNS rebinding).
fn check_host(host_names: &[String], request: &Request) -> Result<(), Error> {
    let mut values = request.headers().get_all(HOST).iter();
    let named = match (request.uri().host(), values.next(), values.next()) {
        (Some(host), _, None) => Some(host.to_owned()),
        (None, Some(value), None) => value.to_str().ok().and_then(host_of),
        _ => None,
    };
    let Some(named) = named else { return Err(Error::field("Host", "expected one host name")) };
    let named = named.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    if is_loopback(&named) || host_names.iter().any(|name| name.eq_ignore_ascii_case(&named)) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Misdirected, "This host name is not configured for this server."))
}

/// The host of a `Host` header's `host[:port]`.
fn host_of(value: &str) -> Option<String> {
    let uri: Uri = value.parse().ok()?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    Some(authority.host().to_owned())
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    address || host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn status(host: &str) -> u16 {
        let request = Request::builder().uri("/").header(HOST, host).body(Body::empty()).expect("a request");
        match check_host(&["keys.example.com".to_owned()], &request) {
            Ok(()) => 200,
            Err(error) => error.code().status().as_u16(),
        }
    }

    #[test]
    fn own_and_loopback_names_are_answered_others_are_not() {
        for host in
            ["localhost", "localhost:7600", "127.0.0.1:7600", "[::1]:7600", "KEYS.example.com:443", "a.localhost"]
        {
            assert_eq!(status(host), 200, "{host}");
        }
        for host in ["evil.example", "keys.example.com.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "0.0.0.0"] {
            assert_eq!(status(host), 421, "{host}");
        }
        for host in ["", "localhost@evil.example", "a b"] {
            assert_eq!(status(host), 400, "{host}");
        }
    }

    #[test]
    fn a_panic_is_an_internal_error_that_keeps_its_text_to_itself() {
        for panic in [Box::new("boom") as Box<dyn Any + Send>, Box::new("boom".to_owned()), Box::new(7)] {
            let response = panicked(panic);
            let error = response.extensions().get::<Error>().expect("an error to render");
            assert_eq!(error.code(), ErrorCode::Internal);
            assert!(!error.detail().contains("boom"));
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let request = Request::builder().uri("/").header(HOST, "localhost").header(HOST, "evil.example");
        let request = request.body(Body::empty()).expect("a request");
        assert!(check_host(&[], &request).is_err());
    }
}
