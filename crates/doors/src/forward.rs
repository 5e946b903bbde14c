//! `/v1/authorize`: forward authentication for Caddy, Traefik, HAProxy and APISIX. What it answers is passed on as it
//! is: the status, the problem body, or the identity headers.

use bytes::Bytes;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_engine::{Caller, Question, RequestLine, Verdict};
use http::header::{CACHE_CONTROL, HeaderMap, HeaderName};
use http_body_util::Full;

use crate::headers::{self, FORWARDED, Family, Undescribed};
use crate::identity;
use crate::problem::{Answer, NO_STORE, Problem, X_REQUEST_ID, refusal};
use crate::request_id::Id;
use crate::service::Connection;

/// The headers that the key came in: what the gateway keeps from the protected service.
pub(crate) const X_AUTH_CREDENTIAL: HeaderName = HeaderName::from_static("x-auth-credential");
/// Room for all headers of an accepted request, so that the map is allocated once.
const HEADERS_ROOM: usize = 24;

/// Answers one call.
pub(crate) fn answer(connection: &Connection, headers: &HeaderMap, pin: Option<&str>, id: &Id) -> Answer {
    match judge(connection, headers, pin, Door::Authorize, &FORWARDED, id) {
        Ok(verdict) if verdict.code == Code::Valid => accepted(headers, &verdict, id),
        Ok(verdict) => refusal(verdict.code, id),
        Err(problem) => problem.answer(id),
    }
}

/// The verdict on the request that the gateway describes.
pub(crate) fn judge(
    connection: &Connection,
    headers: &HeaderMap,
    pin: Option<&str>,
    door: Door,
    family: &Family,
    id: &Id,
) -> Result<Verdict, Problem> {
    connection.check_ready()?;
    let note = |check| {
        let caller = Caller { ip: connection.peer(), agent: None, request_id: id.id() };
        connection.engine().note_refused_call(door, Code::OperationNotAllowed, check, caller);
        connection.doors().counters.gateway_refused.count();
    };
    if !connection.is_trusted() {
        note("untrusted peer");
        return Err(Problem::untrusted_peer());
    }
    let undescribed = |Undescribed { check, detail }| {
        note(check);
        Problem::gateway_headers(detail)
    };
    let described = family.read(headers, connection.trusted()).map_err(undescribed)?;
    let overrides = headers::method_overrides(headers).map_err(undescribed)?;
    let provider = connection.provider(headers, id)?;
    Ok(connection.engine().decide(&Question {
        provider,
        credentials: &headers::credentials(headers),
        client_ip: Some(described.client_ip),
        request: Some(RequestLine {
            method: &described.method,
            target: &described.target,
            host: Some(&*described.host).filter(|host| !host.is_empty()),
            method_overrides: overrides.as_slice(),
        }),
        pin,
        requires: &[],
        door,
        agent: headers::agent(headers),
        request_id: id.id(),
    }))
}

/// 200 with who asks.
pub(crate) fn accepted(headers: &HeaderMap, verdict: &Verdict, id: &Id) -> Answer {
    let mut answer = Answer::new(Full::new(Bytes::new()));
    let mut all = HeaderMap::with_capacity(HEADERS_ROOM);
    identity::insert(&mut all, verdict);
    all.insert(X_AUTH_CREDENTIAL, headers::key_sources(headers));
    all.insert(CACHE_CONTROL, NO_STORE);
    all.insert(X_REQUEST_ID, id.to_header());
    *answer.headers_mut() = all;
    answer
}
