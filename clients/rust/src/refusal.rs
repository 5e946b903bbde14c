//! What a refused client gets: the status of the verdict, problem+json, and the headers that belong to it.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::error::{Error, Problem};
use crate::source::Sources;
use crate::verdict::{Code, Limit, Verdict};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const UNJUDGED: &str = "No verdict can be given at the moment; try again soon.";
/// After how many seconds to try again where there was no verdict.
const SOON: u64 = 1;

/// Why a request does not reach the service.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Refusal {
    /// The status that the client gets.
    pub status: StatusCode,
    /// The body that the client gets.
    pub problem: Problem,
    /// The headers that the client gets besides.
    pub headers: HeaderMap,
    /// The verdict, if there is one.
    pub verdict: Option<Box<Verdict>>,
    /// Why there is none. It is for your logs: the client learns nothing of it.
    pub error: Option<Error>,
}

// === impl Refusal ===

impl Refusal {
    pub(crate) fn of_verdict(verdict: Verdict, sources: &Sources) -> Self {
        // What says no in one field and yes in another is a refusal.
        let status = if verdict.code == Code::Valid { 403 } else { verdict.code.http_status() };
        let sentence = "The request was refused.";
        let mut refusal = Self::new(status, verdict.code.as_str(), verdict.detail.as_deref().unwrap_or(sentence));
        refusal.problem.request_id.clone_from(&verdict.request_id);
        if status == 401 {
            for challenge in sources.challenges(verdict.code == Code::Missing) {
                refusal.append(WWW_AUTHENTICATE, &challenge);
            }
        } else if verdict.code == Code::OperationNotAllowed
            && let Some(challenge) = sources.scope_challenge()
        {
            refusal.append(WWW_AUTHENTICATE, &challenge);
        }
        if let Some(seconds) = verdict.retry_after_seconds {
            refusal.append(RETRY_AFTER, &seconds.to_string());
        }
        add_limits(&verdict.limits, &mut refusal.headers);
        refusal.verdict = Some(Box::new(verdict));
        refusal
    }

    /// There is no verdict, and nobody passes without one.
    pub(crate) fn of_error(error: Error) -> Self {
        let seconds = if let Error::Busy(Some(seconds)) = error { seconds } else { SOON };
        let mut refusal = Self::new(503, "busy", UNJUDGED);
        refusal.append(RETRY_AFTER, &seconds.to_string());
        refusal.error = Some(error);
        refusal
    }

    /// What is refused without asking the server.
    pub(crate) fn own(code: &Code, detail: &str, sources: &Sources) -> Self {
        let mut refusal = Self::new(code.http_status(), code.as_str(), detail);
        if refusal.status == StatusCode::UNAUTHORIZED {
            for challenge in sources.challenges(false) {
                refusal.append(WWW_AUTHENTICATE, &challenge);
            }
        }
        refusal
    }

    fn new(status: u16, code: &str, detail: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
        let problem = Problem {
            kind: format!("urn:claviger:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Refused").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.to_owned(),
            ..Problem::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { status, problem, headers, verdict: None, error: None }
    }

    fn append(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.append(name, value);
        }
    }

    /// The whole answer.
    pub fn into_response(self) -> Response<Full<Bytes>> {
        let body = serde_json::to_vec(&self.problem).unwrap_or_default();
        let mut response = Response::new(Full::new(Bytes::from(body)));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// Adds `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers), an item a limit.
pub(crate) fn add_limits(limits: &[Limit], headers: &mut HeaderMap) {
    // A quoted string of a structured field holds visible ASCII; a name with other characters is left out.
    let is_plain =
        |limit: &&Limit| limit.name.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\');
    let join =
        |write: &dyn Fn(&Limit) -> String| limits.iter().filter(is_plain).map(write).collect::<Vec<_>>().join(", ");
    let left = join(&|limit| {
        let reset = limit.reset_seconds.map(|seconds| format!(";t={seconds}")).unwrap_or_default();
        format!("\"{}\";r={}{reset}", limit.name, limit.remaining)
    });
    let policy = join(&|limit| format!("\"{}\";q={}", limit.name, limit.limit));
    for (name, value) in [(RATE_LIMIT, left), (RATE_LIMIT_POLICY, policy)] {
        if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(verdict: &serde_json::Value) -> Refusal {
        let mut answer =
            json!({"valid": false, "request_id": "r", "api_user": null, "api": null, "operation": null, "limits": []});
        answer.as_object_mut().expect("an object").extend(verdict.as_object().expect("an object").clone());
        Refusal::of_verdict(serde_json::from_value(answer).expect("a verdict"), &Sources::default())
    }

    fn header(refusal: &Refusal, name: &str) -> String {
        let values = refusal.headers.get_all(name).iter().map(|value| value.to_str().expect("ASCII"));
        values.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn a_refused_verdict_becomes_its_status_with_what_belongs_to_it() {
        let limited = refusal(&json!({
            "code": "RATE_LIMITED", "detail": "Too many requests.", "retry_after_seconds": 7,
            "limits": [{"name": "minute", "limit": 600, "remaining": 0, "reset_seconds": 12}, {"name": "\"", "limit": 1, "remaining": 1},
                {"name": "day", "limit": 9000, "remaining": 4}],
        }));
        assert_eq!((limited.status.as_u16(), header(&limited, "retry-after").as_str()), (429, "7"));
        assert_eq!(header(&limited, "ratelimit"), "\"minute\";r=0;t=12, \"day\";r=4");
        assert_eq!(header(&limited, "ratelimit-policy"), "\"minute\";q=600, \"day\";q=9000");
        let missing = refusal(&json!({"code": "MISSING", "detail": "The request carries no API key."}));
        assert_eq!(missing.status.as_u16(), 401);
        let challenges = "Basic realm=\"claviger\", charset=\"UTF-8\" | Bearer realm=\"claviger\"";
        assert_eq!(header(&missing, "www-authenticate"), challenges);
        let scope = refusal(&json!({"code": "OPERATION_NOT_ALLOWED"}));
        assert_eq!(
            (scope.status.as_u16(), header(&scope, "www-authenticate").contains("insufficient_scope")),
            (403, true)
        );
        let response = missing.into_response();
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }

    #[test]
    fn a_problem_has_the_words_of_the_doors() {
        let problem = refusal(&json!({"code": "EXPIRED", "detail": "The API key has expired."})).problem;
        let expected = json!({
            "type": "urn:claviger:problem:EXPIRED", "title": "Unauthorized", "status": 401, "code": "EXPIRED",
            "detail": "The API key has expired.", "request_id": "r",
        });
        assert_eq!(serde_json::to_value(problem).expect("JSON"), expected);
    }

    #[test]
    fn unknown_codes_and_contradictions_are_403() {
        let unknown = refusal(&json!({"code": "ON_HOLIDAY", "valid": true}));
        assert_eq!((unknown.status.as_u16(), unknown.problem.code.as_str()), (403, "ON_HOLIDAY"));
        assert_eq!(refusal(&json!({"code": "VALID"})).status.as_u16(), 403);
    }

    #[test]
    fn a_client_learns_nothing_of_what_is_wrong_behind_the_service() {
        let refusal = Refusal::of_error(Error::Unreachable("connection refused (10.0.0.3)".to_owned()));
        assert_eq!((refusal.status.as_u16(), header(&refusal, "retry-after").as_str()), (503, "1"));
        assert!(!serde_json::to_string(&refusal.problem).expect("JSON").contains("10.0.0.3"));
        assert!(refusal.error.is_some());
    }
}
