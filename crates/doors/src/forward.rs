//! `/v1/authorize`: forward authentication for Caddy, HAProxy and APISIX. What it answers is passed on as it
//! is: the status, the problem body, or the identity headers.

use std::borrow::Cow;
use std::sync::Arc;

use claviger_domain::credential_source::CredentialSource;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_engine::{Caller, Provider, Question, RequestLine, Verdict};
use http::StatusCode;

use crate::answer::Answer;
use crate::credentials::{Credentials, headers_of};
use crate::headers::{Described, FORWARDED, Family, Found, Undescribed};
use crate::identity::{self, Shape};
use crate::limits;
use crate::lines::Lines;
use crate::problem::{Problem, refusal};
use crate::request_id::Id;
use crate::service::Connection;
use crate::turn::{Turn, Unjudged};

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
    let judged = judge(connection, lines, pin, Door::Authorize, &FORWARDED, id, &mut answer.turn);
    answer_judged(&judged, id, answer);
}

/// Answers what was judged as it is: the identity headers, or the problem with its own status. What waits is not answered yet.
pub(crate) fn answer_judged(judged: &Result<Judged<'_>, Unjudged>, id: &Id, answer: &mut Answer) {
    match judged {
        Ok(judged) if judged.verdict.code == Code::Valid => accepted(judged, Shape::Headers, id, answer),
        Ok(judged) => refusal(&judged.verdict, judged.sources.as_deref(), id, answer),
        Err(Unjudged::Refused(problem)) => problem.answer(id, answer),
        Err(Unjudged::Waits) => {}
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
    turn: &mut Turn,
) -> Result<Judged<'h>, Unjudged> {
    let gate = Gate { connection, door, id };
    gate.check_peer()?;
    let found = family.find(lines);
    let described = gate.noted(family.describe(&found, &connection.trusted()))?;
    let provider = connection.provider(found.door_token(lines), id)?;
    gate.decide(Asked { lines, found, described, body: None }, provider, pin, USUAL_TERMS, turn)
}

/// A gateway door about to judge.
pub(crate) struct Gate<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) door: Door,
    pub(crate) id: &'c Id,
}

/// The request at the gateway, with everything that was read of it.
pub(crate) struct Asked<'h> {
    pub(crate) lines: Lines<'h>,
    pub(crate) found: Found<'h>,
    pub(crate) described: Described<'h>,
    /// Its body, where the gateway sends it.
    pub(crate) body: Option<Result<&'h [u8], &'static str>>,
}

/// What a request has to have beside the right to its operation, and what it takes of limits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'m> {
    /// Sets that the key must hold.
    pub(crate) requires: &'m [&'m str],
    pub(crate) cost: u64,
}

/// Where the question has no place to say so.
pub(crate) const USUAL_TERMS: Terms<'static> = Terms { requires: &[], cost: 1 };

// === impl Gate ===

impl Gate<'_> {
    /// Whether a verdict can be given, and to this peer.
    pub(crate) fn check_peer(&self) -> Result<(), Problem> {
        self.connection.check_ready()?;
        if self.connection.is_trusted() {
            return Ok(());
        }
        self.note("untrusted peer");
        Err(Problem::untrusted_peer())
    }

    /// What was read; what describes no request is noted.
    pub(crate) fn noted<T>(&self, read: Result<T, Undescribed>) -> Result<T, Problem> {
        read.map_err(|Undescribed { check, detail }| {
            self.note(check);
            Problem::gateway_headers(detail)
        })
    }

    /// The verdict, if it can be given in this turn.
    pub(crate) fn decide<'h>(
        &self,
        asked: Asked<'h>,
        provider: Provider,
        pin: Option<&str>,
        terms: Terms<'_>,
        turn: &mut Turn,
    ) -> Result<Judged<'h>, Unjudged> {
        let Self { connection, door, id } = *self;
        let Asked { lines, found, described, body } = asked;
        let overrides = self.noted(found.method_overrides(lines))?;
        let request = RequestLine {
            method: &described.method,
            target: &described.target,
            host: Some(&*described.host).filter(|host| !host.is_empty()),
            method_overrides: overrides.as_slice(),
        };
        let sources = connection.engine().credential_sources(provider, pin, Some(&request));
        let presented = Credentials::found(&found, lines, &described.target, sources.as_deref()).presented;
        let question = Question {
            provider,
            credentials: &body.map_or(presented, |body| presented.with_body(body)),
            client_ip: Some(described.client_ip),
            request: Some(request),
            pin,
            requires: terms.requires,
            cost: terms.cost,
            preflight: found.is_preflight(),
            door,
            agent: found.agent(),
            request_id: id.id(),
        };
        let verdict = connection.decide(&question, turn)?;
        connection.check_shed(verdict.code, Some(described.client_ip))?;
        Ok(Judged { verdict, sources, lines, found, described })
    }

    fn note(&self, check: &'static str) {
        let caller = Caller { ip: self.connection.peer(), agent: None, request_id: self.id.id() };
        self.connection.engine().note_refused_call(self.door, Code::OperationNotAllowed, check, caller);
        self.connection.doors().counters.gateway_refused.count();
    }
}

/// 200 with who asks.
pub(crate) fn accepted(judged: &Judged<'_>, shape: Shape, id: &Id, answer: &mut Answer) {
    answer.begin(StatusCode::OK, id);
    identity::write(&judged.verdict, &judged.places(), shape, answer);
    limits::write_headers(&judged.verdict, answer);
}

// === impl Judged ===

impl Judged<'_> {
    /// The places in which the key stood, and what came with it: what the gateway keeps from the protected service.
    pub(crate) fn places(&self) -> Cow<'static, str> {
        let Self { verdict, sources, lines, found, described } = self;
        Credentials::found(found, *lines, &described.target, sources.as_deref()).places_in(verdict)
    }

    /// The lines that stand where a key may stand, and hold neither it nor what came with it.
    pub(crate) fn spared(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let places = self.places();
        let is_place = |name: &str| places.split(", ").any(|place| place == name);
        let kept = headers_of(self.sources.as_deref());
        let spared: Vec<&str> = kept.filter(|name| !is_place(name)).collect();
        spared.into_iter().flat_map(|name| self.lines.all(name).map(move |value| (name, value)))
    }
}
