//! May this request pass? Decided from memory.
//!
//! The [`Engine`] holds a replica of keys, APIs and sets, which the server loads and feeds from the store; no request ever
//! reaches a database. `decide` holds the order of the checks, `selection` which credential counts, `choose_api` to
//! which API a request belongs, `replica` how changes apply whole.

mod authenticate;
mod bearer;
mod catalog;
mod choose_api;
mod composite;
mod config;
mod decide;
mod explain;
mod fetch;
mod grants;
mod held_api;
mod held_key;
mod key_table;
mod limits;
mod living;
mod load;
mod metrics;
mod owner;
mod people;
mod presented;
mod question;
mod reading;
mod record;
mod redact;
mod refusals;
mod replica;
mod route;
mod selection;
mod sign_ins;
mod signers;
mod takes;
mod tenant;
#[cfg(test)]
mod testing;
mod tokenless;
mod usage;
mod uses_elsewhere;
mod verdict;
mod web_service;

use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use claviger_domain::change::{LastUse, Position, Step};
use claviger_domain::credential_source::CredentialSource;
use claviger_domain::digest::{CredentialDigest, Pepper};
use claviger_domain::path::RequestPath;
use claviger_domain::sign_in_key::SessionKey;
use claviger_domain::signature::SigningSeal;
use claviger_domain::usage::{SessionUse, UsageBatch};
use claviger_domain::uses_elsewhere::UsesElsewhere;
use claviger_domain::verdict::{CODES, Code};
use claviger_domain::{Clock, OrganizationId, Random, RequestId, Timestamp};
use parking_lot::Mutex;

use crate::bearer::Bearer;
use crate::catalog::Catalog;
use crate::composite::{DigestKeys, Surroundings, complete};
use crate::decide::{Inquiry, Judgement, Target, api_asked, judge, preflight};
use crate::held_key::HeldKey;
use crate::key_table::KeyTable;
use crate::limits::{Ask, Asker, Checked, Demands, LimitStates, Limits, Mode};
use crate::reading::Reading;
use crate::record::Record;
use crate::refusals::Refusals;
use crate::replica::{CatalogGuard, Load, Replica};
use crate::route::Route;
use crate::selection::{Audience, Selection, select};
use crate::takes::takes;
use crate::tokenless::TokenlessCalls;
use crate::usage::Gatherer;
use crate::uses_elsewhere::HeldUsesElsewhere;
use crate::verdict::ProvedKey;

pub use crate::authenticate::ManagementCaller;
pub use crate::config::Config;
pub use crate::explain::{AskedVersion, CheckResult, ExplainQuestion, ExplainedCheck, Explanation, Subject};
pub use crate::limits::{
    Asking, BlockAsked, Counted, Granted, LeaseId, LimitCounter, LimitUsage, LimitedBy, LimitsConfig, LimitsMetrics,
    LimitsOf, Otherwise, QuotaAsked, QuotaKeeper, QuotaStanding, RateAsked, RateKeeper, RateTaken, Settled,
    StandingLimit, Unavailable, Unspent, Wait,
};
pub use crate::load::Loader;
pub use crate::metrics::Metrics;
pub use crate::presented::{FIELDS_MAX, FieldMask, Presented};
pub use crate::question::{Caller, DoorTokenError, Provider, Question, RequestLine};
pub use crate::verdict::{ApiUserView, KeyView, LimitView, Verdict};
pub use crate::web_service::{CallingSession, WantedSession, WebServiceCall, WebServiceCaller, WebServiceRefused};

/// The decision engine. Shared by all doors as `Arc<Engine>`; every method may be called from any thread.
pub struct Engine {
    config: Config,
    pepper: Pepper,
    /// What tokens of API users' sessions are digested with.
    session_key: Option<SessionKey>,
    clock: Arc<dyn Clock>,
    replica: Replica,
    gatherer: Gatherer,
    refusals: Refusals,
    /// Uses of sessions that the other nodes are to know of.
    session_uses: Mutex<Vec<SessionUse>>,
    tokenless: TokenlessCalls,
    /// What APIs in report-only mode let pass, by what it would have been.
    reported: [AtomicU64; CODES.len()],
    load_time: Mutex<Option<Duration>>,
    loads: AtomicU64,
    steps: AtomicU64,
    /// Until when verdicts may be given, in microseconds of the monotonic clock.
    judges_until: AtomicU64,
    uses_elsewhere: HeldUsesElsewhere,
    limits: Arc<Limits>,
    request_ids: RequestIds,
}

/// [`Engine::judges_until`] without an end.
const FOR_EVER: u64 = u64::MAX;

/// Request ids without a system call each: this process's random start, and a counter.
struct RequestIds {
    start: u128,
    count: AtomicU64,
}

// === impl Engine ===

impl Engine {
    /// An engine with an empty replica: not ready before the first load.
    #[allow(clippy::needless_pass_by_value, reason = "clock and randomness come in alike, as shared objects")]
    pub fn new(config: Config, pepper: Pepper, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            limits: Arc::new(Limits::new(config.limits, Arc::clone(&clock))),
            config,
            pepper,
            session_key: None,
            clock,
            replica: Replica::new(),
            gatherer: Gatherer::new(),
            refusals: Refusals::new(config.refusals_queued_max, config.refusals_per_second_max),
            session_uses: Mutex::default(),
            tokenless: TokenlessCalls::new(),
            reported: std::array::from_fn(|_| AtomicU64::new(0)),
            load_time: Mutex::default(),
            loads: AtomicU64::default(),
            steps: AtomicU64::default(),
            judges_until: AtomicU64::new(FOR_EVER),
            uses_elsewhere: HeldUsesElsewhere::none(),
            request_ids: RequestIds::new(&*random),
        }
    }

    /// Lets sessions of API users count: what their tokens are digested with.
    #[must_use]
    pub fn with_session_key(self, key: SessionKey) -> Self {
        Self { session_key: Some(key), ..self }
    }

    /// Lets signatures of keys that sign count: what opens the copies of their secrets.
    #[must_use]
    pub fn with_signing_seal(self, seal: SigningSeal) -> Self {
        Self { replica: self.replica.with_signing_seal(seal), ..self }
    }

    /// Begins to load everything; what is in force stays so until [`Loader::finish`].
    pub fn begin_load(self: &Arc<Self>) -> Loader {
        Loader::new(Arc::clone(self), self.clock.monotonic())
    }

    /// Whether there is a replica to decide from that is not too old. Elsewise doors answer `busy`.
    pub fn is_ready(&self) -> bool {
        self.position().is_some() && !self.is_stale()
    }

    /// Lets verdicts be given until this instant of the monotonic clock, `None`: without an end. An engine begins without
    /// one.
    pub fn judge_until(&self, end: Option<Duration>) {
        let end = end.map_or(FOR_EVER, |end| u64::try_from(end.as_micros()).unwrap_or(FOR_EVER));
        self.judges_until.store(end, Ordering::Relaxed);
    }

    /// Whether the end of [`Engine::judge_until`] has come.
    pub fn is_stale(&self) -> bool {
        let end = self.judges_until.load(Ordering::Relaxed);
        end != FOR_EVER && self.clock.monotonic() >= Duration::from_micros(end)
    }

    /// Applies a step of the change feed, whole: no request sees a part of it. One that was applied already is passed
    /// over.
    pub fn apply(&self, step: Step) {
        self.replica.apply(step);
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// When a living key was last used, as far as this node knows; by the digest of its current secret.
    pub fn last_used(&self, digest: &CredentialDigest) -> Option<Timestamp> {
        self.replica.last_used(digest)
    }

    /// Notes uses that the database knows of.
    pub fn learn_uses(&self, uses: &[LastUse]) {
        self.replica.learn_uses(uses);
    }

    /// Up to where changes are applied; `None` before the first load.
    pub fn position(&self) -> Option<Position> {
        self.replica.position()
    }

    /// Waits until the changes up to `position` are applied.
    pub async fn applied(&self, position: Position) {
        let mut positions = self.replica.positions();
        // The sender lives as long as the engine, so this ends by the position alone.
        let _ = positions.wait_for(|applied| applied.is_some_and(|applied| applied >= position)).await;
    }

    /// Decides, and records usage and refusal. Where others would have to be asked for a limit, it goes as is configured for when
    /// they cannot be: for callers that cannot wait.
    pub fn decide(&self, question: &Question<'_>) -> Verdict {
        // What waits for nothing is decided.
        loop {
            if let Ok(verdict) = self.decide_or_wait(question, Settled::now()) {
                return verdict;
            }
        }
    }

    /// Decides, and waits where others have to be asked for a limit: for [`LimitsConfig::wait`] at most.
    pub async fn decide_waiting(&self, question: &Question<'_>) -> Verdict {
        let mut settled = Settled::default();
        loop {
            match self.decide_or_wait(question, settled) {
                Ok(verdict) => return verdict,
                Err(wait) => settled = wait.settle().await,
            }
        }
    }

    /// Decides, and records usage and refusal; or says that it has to wait for what others say of a limit, and records nothing.
    ///
    /// # Errors
    /// [`Wait`]: it is to be settled, and the same question asked again with what came of it; a new one with
    /// [`Settled::default`].
    pub fn decide_or_wait(&self, question: &Question<'_>, settled: Settled) -> Result<Verdict, Wait> {
        let provider = question.provider.organization;
        let reading = self.read(question.credentials, provider);
        let (mut now, mut route, path) = (Timestamp::default(), None, OnceCell::new());
        let (catalog, selection) = self.replica.look_up(|catalog, keys| {
            // Memory is slow. What is needed of it is asked for first; what can be done without it is done meanwhile.
            let (mut is_likely, mut read_clock) = (false, || now = self.clock.now());
            match reading.only_digest() {
                Some(digest) => is_likely = keys.approach(digest, read_clock),
                None => read_clock(),
            }
            route = match (&question.request, catalog.tenant(provider)) {
                (Some(request), Some(provider)) if is_likely => {
                    let path = path.get_or_init(|| RequestPath::parse(request.target));
                    Some(Route::of(provider, request, path, question.pin))
                }
                _ => None,
            };
            let found = select(
                (&reading, question.credentials, &self.pepper),
                keys,
                Audience::Provider(provider, catalog),
                now,
            );
            complete(found, question.credentials, &self.surroundings(catalog, keys, now))
        });
        let inquiry = Inquiry {
            now,
            client_ip: question.client_ip,
            request: question.request,
            pin: question.pin,
            requires: question.requires,
            cost: question.cost,
            route: route.as_ref(),
            uses_elsewhere: &self.uses_elsewhere,
        };
        let mut record = Record::of_question(question, now);
        if let Selection::None { known, .. } = &selection {
            record.known = *known;
        }
        let selection = match selection {
            Selection::None { code: Code::Missing, .. } if question.preflight => {
                match catalog.tenant(provider).and_then(|tenant| preflight(tenant, &inquiry)) {
                    Some(target) => {
                        self.record(&record, Code::Valid, "");
                        return Ok(Verdict::new(Code::Valid, "", catalog, provider, None, target));
                    }
                    None => selection,
                }
            }
            selection => selection,
        };
        let limited = Some((&self.limits, Mode::Take(&settled)));
        let verdict = match conclude(catalog, question.provider, selection, &inquiry, limited) {
            Ok(verdict) => verdict,
            Err(ask) => return Err(Wait::new(&self.limits, ask, settled)),
        };
        if let Some((key, secret)) = verdict.held_key() {
            record.set_key(key, secret);
        }
        record.session = verdict.held_session();
        record.takes = takes(&verdict, question);
        if verdict.code != Code::Valid || verdict.would_be.is_some() {
            (record.api, record.operation) = (verdict.refused_api(), verdict.refused_operation());
        }
        self.record(&record, verdict.code, verdict.check);
        if verdict.code.is_use() && (verdict.target().takes_more || !question.requires.is_empty()) {
            self.note_more_rights(&verdict, question, now);
        }
        if let Some(code) = verdict.would_be {
            self.report(&record, code, verdict.check);
        }
        Ok(verdict)
    }

    /// What is presented. Signatures are held against the provider's keys, beside any look-up: it takes long.
    fn read(&self, presented: &Presented<'_>, provider: OrganizationId) -> Reading {
        let mut reading = Reading::of(presented, &self.pepper);
        if presented.signatures().next().is_some() {
            let (_, signers) = self.replica.look_up(|_, keys| keys.signers().of(provider));
            reading.hold_signatures(presented, signers.as_deref().unwrap_or_default());
        }
        reading
    }

    /// Tells who keeps the truth about quotas from now on.
    pub fn keep_quotas(&self, keeper: Arc<dyn QuotaKeeper>) {
        self.limits.keep_quotas(keeper);
    }

    /// Tells who counts rates from now on; `None`: each node its part.
    pub fn keep_rates(&self, keeper: Option<Arc<dyn RateKeeper>>) {
        self.limits.keep_rates(keeper);
    }

    /// Tells how many nodes share the rates that are counted here, this one included.
    pub fn note_live_nodes(&self, nodes: u64) {
        self.limits.note_live_nodes(nodes);
    }

    /// Blocks of quotas that are not spent from any more: those whose lease has ended, or another one took their place; with `all`
    /// every one, as at a stop.
    pub fn blocks_to_give_back(&self, all: bool) -> Vec<Unspent> {
        self.limits.blocks_to_give_back(all)
    }

    /// Whose key this is, for the key itself (`/v1/whoami`): its own organization is the provider, and no operation is
    /// checked. Records nothing, and is no use of the key.
    pub fn whoami(&self, credentials: &Presented<'_>, client_ip: Option<std::net::IpAddr>) -> Verdict {
        let now = self.clock.now();
        let reading = Reading::of(credentials, &self.pepper);
        let (catalog, selection) = self.replica.look_up(|catalog, keys| {
            let found = select((&reading, credentials, &self.pepper), keys, Audience::All, now);
            complete(found, credentials, &self.surroundings(catalog, keys, now))
        });
        let organization = match &selection {
            Selection::Key { key, .. } => key.profile.organization,
            Selection::None { .. } => Provider::NOBODY.organization,
        };
        let inquiry = Inquiry {
            now,
            client_ip,
            request: None,
            pin: None,
            requires: &[],
            cost: 0,
            route: None,
            uses_elsewhere: &self.uses_elsewhere,
        };
        match conclude(catalog, Provider { organization }, selection, &inquiry, None) {
            Ok(verdict) => verdict,
            Err(_) => unreachable!("without limits nobody is asked"),
        }
    }

    /// Where the keys of the API stand that a request names or belongs to, if not where they usually do. Asked before the
    /// credentials are read; costs nothing while no API has sources of its own.
    pub fn credential_sources(
        &self,
        provider: Provider,
        pin: Option<&str>,
        request: Option<&RequestLine<'_>>,
    ) -> Option<Arc<[CredentialSource]>> {
        if !self.replica.has_sources() {
            return None;
        }
        let catalog = self.replica.catalog();
        let tenant = catalog.tenant(provider.organization).filter(|tenant| tenant.has_sources)?;
        let api = tenant.apis().get(api_asked(tenant, pin, request)?)?;
        api.credential_sources.clone()
    }

    /// The first of `names` that is no set of the provider, by slug or id: the door answers it with 400.
    pub fn unknown_set(&self, provider: Provider, names: &[&str]) -> Option<usize> {
        let catalog = self.replica.catalog();
        let tenant = catalog.tenant(provider.organization);
        names.iter().position(|name| tenant.is_none_or(|tenant| tenant.set_named(name).is_none()))
    }

    /// How many organizations there are; with more than one, door calls need a token.
    pub fn organization_count(&self) -> usize {
        self.replica.catalog().organization_count()
    }

    /// How many door calls of the last hour were judged without a door token: those that a second organization will have
    /// refused.
    pub fn tokenless_calls_in_last_hour(&self) -> u64 {
        self.tokenless.in_last_hour(self.clock.now())
    }

    /// Takes what keys did and what was refused since the last time, a bounded part of it: call it until it is empty
    /// before a stop.
    pub fn drain_usage(&self) -> UsageBatch {
        let (refusals, refusals_dropped) = self.refusals.drain();
        let sessions = std::mem::take(&mut *self.session_uses.lock());
        UsageBatch {
            keys: self.gatherer.drain(self.config.usage_keys_max),
            refusals,
            refusals_dropped,
            sessions,
            subjects: self.gatherer.drain_strangers(),
            rights: self.gatherer.drain_rights(),
        }
    }

    /// The most keys that one batch of usage names: one of fewer left none for the next time.
    pub fn usage_keys_max(&self) -> usize {
        self.config.usage_keys_max
    }

    /// What this node knows of uses that others saw, from now on.
    pub fn note_uses_elsewhere(&self, known: UsesElsewhere) {
        self.uses_elsewhere.set(known);
    }

    /// What this node knows of uses that others saw.
    pub fn uses_elsewhere(&self) -> UsesElsewhere {
        self.uses_elsewhere.get()
    }

    /// A reading of all counters.
    pub fn metrics(&self) -> Metrics {
        Metrics {
            decisions: self.gatherer.decisions(),
            keys: self.replica.key_count(),
            organizations: self.organization_count(),
            position: self.position(),
            load_time: *self.load_time.lock(),
            loads: self.loads.load(Ordering::Relaxed),
            steps: self.steps.load(Ordering::Relaxed),
            usage_waiting: self.gatherer.waiting(),
            refusals_waiting: self.refusals.waiting(),
            refusals_dropped: self.refusals.dropped_total(),
            usage_dropped: self.gatherer.dropped(),
            reported: self.reported(),
            limits: self.limits.metrics(),
        }
    }

    /// A new id for a request.
    pub fn new_request_id(&self) -> RequestId {
        self.request_ids.next(self.clock.now())
    }

    /// What composite credentials are held against.
    fn surroundings<'a>(&'a self, catalog: &'a Catalog, table: &'a KeyTable, now: Timestamp) -> Surroundings<'a> {
        let keys = DigestKeys { pepper: &self.pepper, sessions: self.session_key.as_ref() };
        Surroundings { keys, catalog, table, uses_elsewhere: &self.uses_elsewhere, now }
    }

    pub(crate) fn finish_load(&self, load: Load, position: Position, began_at: Duration) {
        self.replica.replace(load, position);
        self.loads.fetch_add(1, Ordering::Relaxed);
        *self.load_time.lock() = Some(self.clock.monotonic().saturating_sub(began_at));
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("position", &self.position()).finish_non_exhaustive()
    }
}

/// From the selected key to the verdict; with `limits` they are checked and taken behind all other checks.
fn conclude(
    catalog: CatalogGuard,
    provider: Provider,
    selection: Selection,
    inquiry: &Inquiry<'_>,
    limits: Option<(&Arc<Limits>, Mode<'_>)>,
) -> Result<Verdict, Ask> {
    let unjudged = Target { checked: decide::is_checked(inquiry), ..Target::default() };
    let organization = provider.organization;
    let (key, secret, fields, signed_in) = match selection {
        Selection::None { code, check, .. } => {
            return Ok(Verdict::new(code, check, catalog, organization, None, unjudged));
        }
        Selection::Key { key, secret, fields, signed_in } => (key, secret, fields, signed_in),
    };
    let mut states = LimitStates::default();
    let mut retry_after_seconds = None;
    let judged = Bearer::new(&catalog, organization, &key.profile, signed_in.as_ref()).map(|bearer| {
        let judgement = judge(&bearer, &key, inquiry);
        match limits {
            Some((limits, mode)) if judgement.passes() => {
                let limited = limit(&bearer, &key, inquiry, judgement, limits, mode, &mut states)?;
                retry_after_seconds = limited.1;
                Ok(limited.0)
            }
            _ => Ok(judgement),
        }
    });
    let Some(judged) = judged else {
        return Ok(Verdict::new(Code::NotFound, "unknown organization", catalog, organization, None, unjudged));
    };
    let Judgement { code, would_be, check, target } = judged?;
    let mut verdict =
        Verdict::new(code, check, catalog, organization, Some(ProvedKey { key, secret, signed_in }), target);
    (verdict.would_be, verdict.fields) = (would_be, fields);
    (verdict.limits, verdict.retry_after_seconds) = (states, retry_after_seconds);
    Ok(verdict)
}

/// What limits make of a judgement that would let a request pass, and after how many seconds it would. An API in report-only mode
/// counts, and lets pass what is too much.
fn limit(
    bearer: &Bearer<'_>,
    key: &HeldKey,
    inquiry: &Inquiry<'_>,
    judgement: Judgement,
    limits: &Arc<Limits>,
    mode: Mode<'_>,
    states: &mut LimitStates,
) -> Result<(Judgement, Option<u32>), Ask> {
    if key.profile.limits.is_empty() && bearer.bound.limits().is_empty() && !bearer.has_limited_sets() {
        return Ok((judgement, None));
    }
    let demands = Demands::of(bearer, key, inquiry, &judgement.target);
    if demands.is_empty() {
        return Ok((judgement, None));
    }
    let asker = Asker { zone: &|whose| bearer.zone_of(whose), now: inquiry.now };
    match limits.check(&demands, &asker, mode, states) {
        Checked::Passes => Ok((judgement, None)),
        Checked::Waits(ask) => Err(ask),
        Checked::Refused { code, check, retry_after } => {
            let refused = if decide::only_reports(bearer, &judgement.target) {
                Judgement { would_be: Some(code), check, ..judgement }
            } else {
                Judgement { code, check, ..judgement }
            };
            Ok((refused, retry_after))
        }
    }
}

// === impl RequestIds ===

impl RequestIds {
    fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        Self { start: u128::from_be_bytes(bytes), count: AtomicU64::new(0) }
    }

    /// UUIDv7 layout (RFC 9562, 5.7): milliseconds, then 74 bits that no other request has.
    fn next(&self, now: Timestamp) -> RequestId {
        let count = u128::from(self.count.fetch_add(1, Ordering::Relaxed));
        let millis = (now.as_micros().max(0) as u128 / 1_000) << 80;
        let unique = self.start.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let high = (unique >> 62 & 0xfff) << 64;
        let low = unique & ((1 << 62) - 1);
        RequestId::from_raw(millis | 7 << 76 | high | 2 << 62 | low)
    }
}
