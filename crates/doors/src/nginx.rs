//! `/v1/authorize/nginx`: for nginx's `auth_request`, which lets 2xx pass, knows 401 and 403, takes anything else for
//! an error of its own (500), and drops the body. So the real status of a refusal stands in `X-Auth-Status`, and what
//! the body would say in headers beside it.

use std::sync::LazyLock;

use claviger_domain::credential_source::CredentialSource;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use http::StatusCode;

use crate::answer::Answer;
use crate::challenge::{self, WWW_AUTHENTICATE};
use crate::forward::{Judged, accepted, judge};
use crate::headers::ORIGINAL;
use crate::identity::Shape;
use crate::limits;
use crate::lines::Lines;
use crate::problem::{Problem, Usual, is_usual, usual};
use crate::request_id::Id;
use crate::service::Connection;
use crate::turn::Unjudged;

/// The status that the client is to get.
const X_AUTH_STATUS: &str = "x-auth-status";
/// The code of the problem.
const X_AUTH_CODE: &str = "x-auth-code";
/// The sentence of the problem.
const X_AUTH_DETAIL: &str = "x-auth-detail";
/// All of it in one line: status, code, seconds after which to try again or `-`, sentence. What nginx sets from a header
/// costs it a walk through all of them, on every request, and most of all for headers that begin as the others do.
const CLAVIGER_REFUSAL: &str = "claviger-refusal";

/// Answers one call; `shape` is how it says who asks.
pub(crate) fn answer(
    connection: &Connection,
    lines: Lines<'_>,
    pin: Option<&str>,
    shape: Shape,
    id: &Id,
    answer: &mut Answer,
) {
    match judge(connection, lines, pin, Door::Nginx, &ORIGINAL, id, &mut answer.turn) {
        Ok(judged) if judged.verdict.code == Code::Valid => accepted(&judged, shape, id, answer),
        Ok(Judged { verdict, sources, .. }) if is_usual(&verdict, sources.as_deref()) => {
            static USUAL: LazyLock<Usual> = LazyLock::new(|| {
                usual(|code, id, answer| {
                    let problem = Problem::of_refusal(code, code.http_status(), code.detail());
                    refuse(code, &problem, None, id, answer);
                })
            });
            USUAL[verdict.code as usize].write(id, answer);
        }
        Ok(Judged { verdict, sources, .. }) => {
            refuse(verdict.code, &Problem::of_verdict(&verdict), sources.as_deref(), id, answer);
            limits::write_headers(&verdict, answer);
        }
        Err(Unjudged::Refused(problem)) => disguise(&problem, summary(&problem), id, answer),
        Err(Unjudged::Waits) => {}
    }
}

fn refuse(code: Code, problem: &Problem, sources: Option<&[CredentialSource]>, id: &Id, answer: &mut Answer) {
    disguise(problem, &problem.detail, id, answer);
    let status = problem.status.as_u16();
    match status {
        401 => answer.header(WWW_AUTHENTICATE, &challenge::in_one_line(code, sources)),
        _ => challenge::add(answer, code, status, sources),
    }
}

/// A sentence that fits into a header and, as it stands, into nginx's JSON.
fn summary(problem: &Problem) -> &str {
    if problem.detail.contains(['"', '\\']) { problem.code } else { &problem.detail }
}

/// Makes an answer that nginx understands.
fn disguise(problem: &Problem, detail: &str, id: &Id, answer: &mut Answer) {
    problem.answer(id, answer);
    answer.header(X_AUTH_CODE, problem.code);
    answer.header(X_AUTH_DETAIL, detail);
    let retry = problem.retry_after();
    let retry = retry.as_deref().unwrap_or("-");
    answer.header(CLAVIGER_REFUSAL, &format!("{} {} {retry} {detail}", problem.status.as_str(), problem.code));
    if problem.status != StatusCode::UNAUTHORIZED {
        answer.header(X_AUTH_STATUS, problem.status.as_str());
        answer.set_status(StatusCode::FORBIDDEN);
    }
}
