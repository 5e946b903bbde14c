//! Refusals on the wire: RFC 9457 bodies, and the challenges of a 401.

use std::borrow::Cow;

use bytes::Bytes;
use claviger_domain::verdict::Code;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::json::push_string;
use crate::request_id::Id;

/// An answer of a door.
pub(crate) type Answer = Response<Full<Bytes>>;

/// `X-Request-Id`, on every answer.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// `no-store`: of every verdict and every refusal.
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// The media type of RFC 9457.
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// RFC 7617.
const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"claviger\", charset=\"UTF-8\"");
/// RFC 6750, 3.1: without an error where no credential was sent.
const BEARER: HeaderValue = HeaderValue::from_static("Bearer realm=\"claviger\"");
const BEARER_INVALID: HeaderValue = HeaderValue::from_static("Bearer realm=\"claviger\", error=\"invalid_token\"");
const BEARER_SCOPE: HeaderValue = HeaderValue::from_static("Bearer realm=\"claviger\", error=\"insufficient_scope\"");

/// Both in one line: with an error, and without for a request that carries no credential.
pub(crate) static BOTH_CHALLENGES: [HeaderValue; 2] = [
    HeaderValue::from_static(
        "Basic realm=\"claviger\", charset=\"UTF-8\", Bearer realm=\"claviger\", error=\"invalid_token\"",
    ),
    HeaderValue::from_static("Basic realm=\"claviger\", charset=\"UTF-8\", Bearer realm=\"claviger\""),
];

/// What is refused and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    /// The stable word.
    pub(crate) code: &'static str,
    /// One sentence for a person.
    pub(crate) detail: Cow<'static, str>,
    /// The fields that are wrong, each with what was expected.
    pub(crate) errors: Vec<FieldError>,
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    pub(crate) message: Cow<'static, str>,
}

/// The answer that a verdict's code gives at a gateway door.
pub(crate) fn refusal(code: Code, id: &Id) -> Answer {
    let status = StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::FORBIDDEN);
    let mut answer = Problem::new(status, code.as_str(), code.detail()).answer(id);
    challenge(answer.headers_mut(), code);
    answer
}

/// One challenge for each scheme on every 401, and RFC 6750's word for a key that may not do this.
fn challenge(headers: &mut http::HeaderMap, code: Code) {
    match (code, code.http_status()) {
        (Code::Missing, _) => {
            headers.append(WWW_AUTHENTICATE, BASIC);
            headers.append(WWW_AUTHENTICATE, BEARER);
        }
        (_, 401) => {
            headers.append(WWW_AUTHENTICATE, BASIC);
            headers.append(WWW_AUTHENTICATE, BEARER_INVALID);
        }
        (Code::OperationNotAllowed, _) => {
            headers.append(WWW_AUTHENTICATE, BEARER_SCOPE);
        }
        _ => {}
    }
}

// === impl Problem ===

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new() }
    }

    /// A door that cannot judge now.
    pub(crate) fn busy() -> Self {
        let detail = "No verdict can be given at the moment; try again soon.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
    }

    /// A call without the door token that it needs, or with a wrong one.
    pub(crate) fn door_token() -> Self {
        let detail = "The call needs a valid door token in X-Claviger-Door.";
        Self::new(StatusCode::FORBIDDEN, "door_token", detail)
    }

    /// A peer whose word about the client's request does not count.
    pub(crate) fn untrusted_peer() -> Self {
        let detail = "This peer is not among the trusted proxies.";
        Self::new(StatusCode::FORBIDDEN, "untrusted_peer", detail)
    }

    /// Headers of a gateway that do not describe one request.
    pub(crate) fn gateway_headers(detail: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "gateway_headers", detail)
    }

    /// A path that nothing is served at.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is no door at this path.")
    }

    /// A body over the limit.
    pub(crate) fn too_large(bytes_max: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("A body may have {bytes_max} bytes at most."))
    }

    /// An address that asks too often.
    pub(crate) fn rate_limited() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "This address asks too often; try again soon.")
    }

    /// A question that makes no sense.
    pub(crate) fn invalid_request(errors: Vec<FieldError>) -> Self {
        let named = |error: &FieldError| match &*error.field {
            "" => error.message.to_string(),
            field => format!("{field}: {}", error.message),
        };
        let detail = format!("The question is malformed. {}.", errors.iter().map(named).collect::<Vec<_>>().join("; "));
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail) }
    }

    /// Writes the body.
    pub(crate) fn write(&self, out: &mut Vec<u8>, id: &Id) {
        out.extend_from_slice(b"{\"type\":\"urn:claviger:problem:");
        out.extend_from_slice(self.code.as_bytes());
        out.extend_from_slice(b"\",\"title\":");
        push_string(out, self.status.canonical_reason().unwrap_or("Refused"));
        out.extend_from_slice(b",\"status\":");
        out.extend_from_slice(self.status.as_str().as_bytes());
        out.extend_from_slice(b",\"code\":");
        push_string(out, self.code);
        out.extend_from_slice(b",\"detail\":");
        push_string(out, &self.detail);
        out.extend_from_slice(b",\"request_id\":\"");
        out.extend_from_slice(id.as_bytes());
        out.push(b'"');
        for (at, error) in self.errors.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b",\"errors\":[{\"field\":" } else { b",{\"field\":" });
            push_string(out, &error.field);
            out.extend_from_slice(b",\"message\":");
            push_string(out, &error.message);
            out.push(b'}');
        }
        out.extend_from_slice(if self.errors.is_empty() { b"}" } else { b"]}" });
    }

    /// The whole answer.
    pub(crate) fn answer(&self, id: &Id) -> Answer {
        let mut body = Vec::with_capacity(320);
        self.write(&mut body, id);
        let mut answer = Response::new(Full::new(Bytes::from(body)));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(CACHE_CONTROL, NO_STORE);
        headers.insert(X_REQUEST_ID, id.to_header());
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }

    /// The answer to a method that a path does not have.
    pub(crate) fn method_not_allowed(allowed: &'static str, id: &Id) -> Answer {
        let detail = format!("This path takes {allowed}.");
        let mut answer = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).answer(id);
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        answer
    }
}

// === impl FieldError ===

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}
