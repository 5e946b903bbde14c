//! `/v1/authorize`: forward authentication for Caddy, Traefik, HAProxy and APISIX. What it answers is passed on as it
//! is: the status, the problem body, or the identity headers.

use std::sync::Arc;

use bytes::Bytes;
use claviger_domain::credential_source::CredentialSource;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_engine::{Caller, Question, RequestLine, Verdict};
use http::header::HeaderMap;
use http_body_util::Full;

use crate::credentials::Credentials;
use crate::headers::{Described, FORWARDED, Family, Found, Undescribed};
use crate::identity;
use crate::problem::{Answer, Problem, refusal};
use crate::request_id::Id;
use crate::service::Connection;

/// What a gateway door knows after its question.
pub(crate) struct Judged<'h> {
    pub(crate) verdict: Verdict,
    /// Where the keys of the API stand, if not where they usually do.
    pub(crate) sources: Option<Arc<[CredentialSource]>>,
    headers: &'h HeaderMap,
    found: Found<'h>,
    described: Described<'h>,
}

/// Answers one call.
pub(crate) fn answer(connection: &Connection, headers: &HeaderMap, pin: Option<&str>, id: &Id) -> Answer {
    match judge(connection, headers, pin, Door::Authorize, &FORWARDED, id) {
        Ok(judged) if judged.verdict.code == Code::Valid => accepted(&judged, id),
        Ok(judged) => refusal(&judged.verdict, judged.sources.as_deref(), id),
        Err(problem) => problem.answer(id),
    }
}

/// The verdict on the request that the gateway describes.
pub(crate) fn judge<'h>(
    connection: &Connection,
    headers: &'h HeaderMap,
    pin: Option<&str>,
    door: Door,
    family: &Family,
    id: &Id,
) -> Result<Judged<'h>, Problem> {
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
    let found = family.find(headers);
    let described = family.describe(&found, connection.trusted()).map_err(undescribed)?;
    let overrides = found.method_overrides(headers).map_err(undescribed)?;
    let provider = connection.provider(found.door_token(headers), id)?;
    let request = RequestLine {
        method: &described.method,
        target: &described.target,
        host: Some(&*described.host).filter(|host| !host.is_empty()),
        method_overrides: overrides.as_slice(),
    };
    let sources = connection.engine().credential_sources(provider, pin, Some(&request));
    let verdict = connection.engine().decide(&Question {
        provider,
        credentials: &Credentials::found(&found, headers, &described.target, sources.as_deref()).presented,
        client_ip: Some(described.client_ip),
        request: Some(request),
        pin,
        requires: &[],
        preflight: found.is_preflight(),
        door,
        agent: found.agent(),
        request_id: id.id(),
    });
    Ok(Judged { verdict, sources, headers, found, described })
}

/// 200 with who asks.
pub(crate) fn accepted(judged: &Judged<'_>, id: &Id) -> Answer {
    let Judged { verdict, sources, headers, found, described } = judged;
    let credentials = Credentials::found(found, headers, &described.target, sources.as_deref());
    let mut answer = Answer::new(Full::new(Bytes::new()));
    *answer.headers_mut() = identity::headers(verdict, credentials.places_of(verdict.fields), id);
    answer
}
