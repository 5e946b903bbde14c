//! `/v1/authorize/nginx`: for nginx's `auth_request`, which lets 2xx pass, knows 401 and 403, takes anything else for
//! an error of its own (500), and drops the body. So the real status of a refusal stands in `X-Auth-Status`, and what
//! the body would say in headers beside it.

use std::sync::LazyLock;

use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE};

use crate::challenge;
use crate::forward::{Judged, accepted, judge};
use crate::headers::ORIGINAL;
use crate::problem::{Answer, Problem, Usual, is_usual, refusal, usual};
use crate::request_id::Id;
use crate::service::Connection;

/// The status that the client is to get.
pub(crate) const X_AUTH_STATUS: HeaderName = HeaderName::from_static("x-auth-status");
/// The code of the problem.
pub(crate) const X_AUTH_CODE: HeaderName = HeaderName::from_static("x-auth-code");
/// The sentence of the problem.
pub(crate) const X_AUTH_DETAIL: HeaderName = HeaderName::from_static("x-auth-detail");

/// Answers one call.
pub(crate) fn answer(connection: &Connection, headers: &HeaderMap, pin: Option<&str>, id: &Id) -> Answer {
    match judge(connection, headers, pin, Door::Nginx, &ORIGINAL, id) {
        Ok(judged) if judged.verdict.code == Code::Valid => accepted(&judged, id),
        Ok(Judged { verdict, sources, .. }) if is_usual(&verdict, sources.as_deref()) => {
            static USUAL: LazyLock<Usual> = LazyLock::new(|| {
                usual(|code, answer| disguise(answer, code.as_str(), code.detail(), challenge::in_one_line(code, None)))
            });
            USUAL[verdict.code as usize].answer(id)
        }
        Ok(Judged { verdict, sources, .. }) => {
            let answer = refusal(&verdict, sources.as_deref(), id);
            let challenge = challenge::in_one_line(verdict.code, sources.as_deref());
            disguise(answer, verdict.code.as_str(), verdict.detail(), challenge)
        }
        Err(problem) => {
            let challenge = challenge::in_one_line(Code::NotFound, None);
            disguise(problem.answer(id), problem.code, summary(&problem), challenge)
        }
    }
}

/// A sentence that fits into a header and, as it stands, into nginx's JSON.
fn summary(problem: &Problem) -> &str {
    if problem.detail.contains(['"', '\\']) { problem.code } else { &problem.detail }
}

/// Makes an answer one that nginx understands.
fn disguise(mut answer: Answer, code: &'static str, detail: &str, challenge: HeaderValue) -> Answer {
    let status = answer.status();
    let headers = answer.headers_mut();
    headers.insert(X_AUTH_CODE, HeaderValue::from_static(code));
    headers.insert(X_AUTH_DETAIL, HeaderValue::from_str(detail).unwrap_or(HeaderValue::from_static("")));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, challenge);
        return answer;
    }
    headers.insert(X_AUTH_STATUS, HeaderValue::from(status.as_u16()));
    *answer.status_mut() = StatusCode::FORBIDDEN;
    answer
}
