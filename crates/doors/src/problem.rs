//! Refusals on the wire: RFC 9457 bodies.

use std::borrow::Cow;
use std::sync::LazyLock;

use claviger_domain::RequestId;
use claviger_domain::credential_source::CredentialSource;
use claviger_domain::verdict::{CODES, Code};
use claviger_engine::Verdict;
use http::StatusCode;

use crate::answer::Answer;
use crate::challenge;
use crate::json::push_string;
use crate::limits;
use crate::request_id::Id;
use crate::template::Template;
use crate::turn::is_of_limit;

/// When a client may try again, in seconds.
pub(crate) const RETRY_AFTER: &str = "retry-after";
/// The media type of RFC 9457.
const PROBLEM_JSON: &[u8] = b"content-type: application/problem+json\r\n";
/// What limits refuse, as the draft on rate limit headers names it.
const QUOTA_EXCEEDED_TYPE: &[u8] = b"https://iana.org/assignments/http-problem-types#quota-exceeded";
/// An answer for each code.
pub(crate) type Usual = [Template; CODES.len()];

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
    /// After how many seconds it is worth to try again.
    pub(crate) retry_after_seconds: Option<u32>,
    /// The limits that refused; `None`: it was no limit.
    pub(crate) violated: Option<Vec<String>>,
    /// OAuth's own word (RFC 6749, 5.2), at its doors.
    pub(crate) oauth_error: Option<&'static str>,
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    pub(crate) message: Cow<'static, str>,
}

/// Makes the answer that a refusal gives at a gateway door, by the provider's profile.
pub(crate) fn refusal(verdict: &Verdict, sources: Option<&[CredentialSource]>, id: &Id, answer: &mut Answer) {
    static USUAL: LazyLock<Usual> = LazyLock::new(|| usual(plain_refusal));
    if is_usual(verdict, sources) {
        return USUAL[verdict.code as usize].write(id, answer);
    }
    Problem::of_verdict(verdict).answer(id, answer);
    challenge::add(answer, verdict.code, verdict.http_status(), sources);
    limits::write_headers(verdict, answer);
}

/// Whether the answer is the one that the code gives by itself.
pub(crate) fn is_usual(verdict: &Verdict, sources: Option<&[CredentialSource]>) -> bool {
    let code = verdict.code;
    // What a limit refuses is told with the limit.
    !is_of_limit(code)
        && sources.is_none()
        && (verdict.http_status(), verdict.detail()) == (code.http_status(), code.detail())
}

/// The answer that each code gives by itself, as `make` makes it.
pub(crate) fn usual(make: impl Fn(Code, &Id, &mut Answer)) -> Usual {
    let id = Id::new(RequestId::from_raw(0));
    let mut answer = Answer::default();
    CODES.map(|code| {
        make(code, &id, &mut answer);
        Template::of(&answer, &id)
    })
}

/// Makes the answer that a code gives by itself.
pub(crate) fn plain_refusal(code: Code, id: &Id, answer: &mut Answer) {
    Problem::of_refusal(code, code.http_status(), code.detail()).answer(id, answer);
    challenge::add(answer, code, code.http_status(), None);
}

// === impl Problem ===

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_seconds: None,
            violated: None,
            oauth_error: None,
        }
    }

    /// A refusal of a verdict.
    pub(crate) fn of_refusal(code: Code, status: u16, detail: &'static str) -> Self {
        Self::new(StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN), code.as_str(), detail)
    }

    /// The same, with the limits that refused.
    pub(crate) fn of_verdict(verdict: &Verdict) -> Self {
        let problem = Self::of_refusal(verdict.code, verdict.http_status(), verdict.detail());
        if !is_of_limit(verdict.code) {
            return problem;
        }
        Self { retry_after_seconds: verdict.retry_after_seconds, violated: Some(limits::violated(verdict)), ..problem }
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

    /// A body that takes too long.
    pub(crate) fn body_late() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "timeout", "The body did not arrive in time.")
    }

    /// A body that ends too early.
    pub(crate) fn body_torn() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request", "The body did not arrive whole.")
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
        if self.violated.is_some() {
            out.extend_from_slice(b"{\"type\":\"");
            out.extend_from_slice(QUOTA_EXCEEDED_TYPE);
        } else {
            out.extend_from_slice(b"{\"type\":\"urn:claviger:problem:");
            out.extend_from_slice(self.code.as_bytes());
        }
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
        if let Some(error) = self.oauth_error {
            out.extend_from_slice(b",\"error\":");
            push_string(out, error);
        }
        for (at, name) in self.violated.iter().flatten().enumerate() {
            out.extend_from_slice(if at == 0 { b",\"violated-policies\":[" } else { b"," });
            push_string(out, name);
        }
        if self.violated.as_ref().is_some_and(|names| !names.is_empty()) {
            out.push(b']');
        }
        for (at, error) in self.errors.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b",\"errors\":[{\"field\":" } else { b",{\"field\":" });
            push_string(out, &error.field);
            out.extend_from_slice(b",\"message\":");
            push_string(out, &error.message);
            out.push(b'}');
        }
        out.extend_from_slice(if self.errors.is_empty() { b"}" } else { b"]}" });
    }

    /// After how many seconds it is worth to try again.
    pub(crate) fn retry_after(&self) -> Option<Cow<'static, str>> {
        match self.retry_after_seconds {
            Some(seconds) => Some(seconds.to_string().into()),
            None => (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some("1".into()),
        }
    }

    /// Makes the whole answer.
    pub(crate) fn answer(&self, id: &Id, answer: &mut Answer) {
        answer.begin(self.status, id);
        answer.lines_mut().extend_from_slice(PROBLEM_JSON);
        self.write(answer.body_mut(), id);
        if let Some(seconds) = self.retry_after() {
            answer.header(RETRY_AFTER, &seconds);
        }
    }

    /// Makes the answer to a method that a path does not have.
    pub(crate) fn method_not_allowed(allowed: &'static str, id: &Id, answer: &mut Answer) {
        let detail = format!("This path takes {allowed}.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail).answer(id, answer);
        answer.header("allow", allowed);
    }
}

// === impl FieldError ===

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}
