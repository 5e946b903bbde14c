//! Writing down what was decided.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use claviger_domain::usage::{Door, Refusal, SessionUse};
use claviger_domain::verdict::{CODES, Code};
use claviger_domain::{KeyId, OrganizationId, RequestId, Timestamp};

use crate::Engine;
use crate::held_key::HeldKey;
use crate::question::{Caller, Question, RequestLine};
use crate::redact::{kept_method, kept_path};
use crate::selection::{Known, UsedSecret};
use crate::sign_ins::HeldSession;
use crate::takes::Takes;
use crate::usage::{KeyEvent, kept_agent};

/// The most uses of sessions that wait to be written.
const SESSION_USES_MAX: usize = 100_000;

/// What is known of a request when it has been decided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) door: Door,
    pub(crate) now: Timestamp,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) agent: Option<&'a str>,
    pub(crate) request_id: RequestId,
    /// Whose log a refusal belongs to.
    pub(crate) organization: Option<OrganizationId>,
    /// Whose door it was; `None` where that is Claviger's own.
    pub(crate) provider: Option<OrganizationId>,
    /// The key whose secret was right, and whether it was the one before the last rotation.
    pub(crate) key: Option<(Known, bool)>,
    /// The same key, to note its use at.
    pub(crate) held: Option<&'a HeldKey>,
    /// The session that it came with.
    pub(crate) session: Option<&'a HeldSession>,
    /// The key of a value that opens nothing.
    pub(crate) known: Option<Known>,
    pub(crate) request: Option<RequestLine<'a>>,
    /// The API that it is counted under, and what it takes of the key's rights there.
    pub(crate) takes: Option<Takes<'a>>,
    pub(crate) api: Option<&'a str>,
    pub(crate) operation: Option<&'a str>,
}

// === impl Record ===

impl<'a> Record<'a> {
    pub(crate) fn new(door: Door, now: Timestamp, caller: &Caller<'a>) -> Self {
        let Caller { ip, agent, request_id } = *caller;
        Self {
            door,
            now,
            ip,
            agent,
            request_id,
            organization: None,
            provider: None,
            key: None,
            held: None,
            session: None,
            known: None,
            request: None,
            takes: None,
            api: None,
            operation: None,
        }
    }

    pub(crate) fn of_question(question: &Question<'a>, now: Timestamp) -> Self {
        let caller = Caller { ip: question.client_ip, agent: question.agent, request_id: question.request_id };
        Self {
            organization: Some(question.provider.organization),
            provider: Some(question.provider.organization),
            request: question.request,
            ..Self::new(question.door, now, &caller)
        }
    }

    /// Notes a key whose secret was right.
    pub(crate) fn set_key(&mut self, key: &'a HeldKey, secret: &UsedSecret) {
        let organization = key.profile.organization;
        self.organization = Some(organization);
        self.key = Some((Known { key: key.id, organization }, *secret != UsedSecret::Current));
        self.held = Some(key);
    }

    fn refusal(
        &self,
        organization: OrganizationId,
        key: Option<KeyId>,
        code: Code,
        check: &str,
        passed: bool,
    ) -> Refusal {
        Refusal {
            at: self.now,
            organization,
            key,
            door: self.door,
            code,
            check: check.to_owned(),
            ip: self.ip,
            agent: self.agent.map(|agent| kept_agent(agent).into()),
            method: self.request.map(|request| kept_method(request.method)),
            path: self.request.map(|request| kept_path(request.target)),
            api: self.api.map(str::to_owned),
            operation: self.operation.map(str::to_owned),
            request_id: self.request_id,
            passed,
        }
    }
}

// === impl Engine (recording) ===

impl Engine {
    /// Counts a decision, notes what the key did, and queues a refusal for the diagnostic log.
    pub(crate) fn record(&self, record: &Record<'_>, code: Code, check: &'static str) {
        let is_news = code.is_use() && record.held.is_some_and(|key| key.note_use(record.now));
        let event = record.key.map(|(Known { key, organization }, old_secret)| KeyEvent {
            key,
            organization,
            old_secret,
            is_news,
            ip: record.ip,
            agent: record.agent,
            takes: record.takes,
        });
        if let Some(session) = record.session.filter(|session| code.is_use() && session.note_use(record.now)) {
            self.note_session_use(session, record.now);
        }
        self.gatherer.record(record.now, record.door, code, event, record.organization);
        if !code.is_use() {
            self.record_refusal(record, code, check, false);
        }
    }

    /// Keeps a use of a session for the other nodes; where too many wait, a later use tells.
    fn note_session_use(&self, session: &HeldSession, at: Timestamp) {
        let mut waiting = self.session_uses.lock();
        if waiting.len() < SESSION_USES_MAX {
            waiting.push(SessionUse { session: session.id, organization: session.organization, at });
        }
    }

    /// Counts and logs what an API in report-only mode let pass.
    pub(crate) fn report(&self, record: &Record<'_>, code: Code, check: &'static str) {
        self.reported[code as usize].fetch_add(1, Ordering::Relaxed);
        self.record_refusal(record, code, check, true);
    }

    /// What APIs in report-only mode let pass, by what it would have been.
    pub(crate) fn reported(&self) -> Vec<(Code, u64)> {
        let counts = self.reported.iter().map(|count| count.load(Ordering::Relaxed));
        CODES.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect()
    }

    /// Writes a call into the diagnostic log that a door refused before there was a question: without the door token it
    /// needs, from a peer that is no trusted proxy, with headers that do not describe one request. It goes into the
    /// default organization's log, as no other is known.
    pub fn note_refused_call(&self, door: Door, code: Code, check: &'static str, caller: Caller<'_>) {
        let mut record = Record::new(door, self.clock.now(), &caller);
        record.organization = self.replica.catalog().default_organization();
        self.record_refusal(&record, code, check, false);
    }

    pub(crate) fn record_refusal(&self, record: &Record<'_>, code: Code, check: &'static str, passed: bool) {
        let Some(organization) = record.organization else { return };
        let known = record.key.map(|(known, _)| known).or(record.known);
        let own = known.filter(|known| known.organization == organization).map(|known| known.key);
        // Another tenant's key reads like an unknown one here.
        let check_here = if known.is_some() && own.is_none() { "unknown" } else { check };
        self.refusals.add(organization, own.is_some(), record.now, || {
            record.refusal(organization, own, code, check_here, passed)
        });
        // A guest's refusal concerns the provider too; of the key its log says nothing.
        if let (Some(provider), Some(_)) = (record.provider.filter(|provider| *provider != organization), record.key) {
            self.refusals.add(provider, false, record.now, || record.refusal(provider, None, code, check, passed));
        }
        if let (Some(known), None) = (known, own) {
            // Its own organization learns that it is tried elsewhere, and nothing of what was asked for there.
            self.refusals.add(known.organization, true, record.now, || {
                let blind = Record { request: None, api: None, operation: None, ..*record };
                blind.refusal(known.organization, Some(known.key), code, check, false)
            });
        }
    }
}
