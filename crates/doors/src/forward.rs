//! `/v1/authorize`: forward authentication for Caddy, Traefik, HAProxy and APISIX. What it answers is passed on as it
//! is: the status, the problem body, or the identity headers.

use std::sync::Arc;

use claviger_domain::credential_source::CredentialSource;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_engine::{Caller, Question, RequestLine, Verdict};
use http::StatusCode;

use crate::answer::Answer;
use crate::credentials::Credentials;
use crate::headers::{Described, FORWARDED, Family, Found, Undescribed};
use crate::identity;
use crate::lines::Lines;
use crate::problem::{Problem, refusal};
use crate::request_id::Id;
use crate::service::Connection;

/// What a gateway door knows after its question.
pub(crate) struct Judged<'h> {
    pub(crate) verdict: Verdict,
    /// Where the keys of the API stand, if not where they usually do.
    pub(crate) sources: Option<Arc<[CredentialSource]>>,
    lines: Lines<'h>,
    found: Found<'h>,
    described: Described<'h>,
}

/// Answers one call.
pub(crate) fn answer(connection: &Connection, lines: Lines<'_>, pin: Option<&str>, id: &Id, answer: &mut Answer) {
    match judge(connection, lines, pin, Door::Authorize, &FORWARDED, id) {
        Ok(judged) if judged.verdict.code == Code::Valid => accepted(&judged, id, answer),
        Ok(judged) => refusal(&judged.verdict, judged.sources.as_deref(), id, answer),
        Err(problem) => problem.answer(id, answer),
    }
}

/// The verdict on the request that the gateway describes.
pub(crate) fn judge<'h>(
    connection: &Connection,
    lines: Lines<'h>,
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
    let found = family.find(lines);
    let described = family.describe(&found, &connection.trusted()).map_err(undescribed)?;
    let overrides = found.method_overrides(lines).map_err(undescribed)?;
    let provider = connection.provider(found.door_token(lines), id)?;
    let request = RequestLine {
        method: &described.method,
        target: &described.target,
        host: Some(&*described.host).filter(|host| !host.is_empty()),
        method_overrides: overrides.as_slice(),
    };
    let sources = connection.engine().credential_sources(provider, pin, Some(&request));
    let verdict = connection.engine().decide(&Question {
        provider,
        credentials: &Credentials::found(&found, lines, &described.target, sources.as_deref()).presented,
        client_ip: Some(described.client_ip),
        request: Some(request),
        pin,
        requires: &[],
        preflight: found.is_preflight(),
        door,
        agent: found.agent(),
        request_id: id.id(),
    });
    connection.check_shed(verdict.code, Some(described.client_ip))?;
    Ok(Judged { verdict, sources, lines, found, described })
}

/// 200 with who asks.
pub(crate) fn accepted(judged: &Judged<'_>, id: &Id, answer: &mut Answer) {
    let Judged { verdict, sources, lines, found, described } = judged;
    let credentials = Credentials::found(found, *lines, &described.target, sources.as_deref());
    answer.begin(StatusCode::OK, id);
    identity::write(verdict, &credentials.places_of(verdict.fields), answer);
}
