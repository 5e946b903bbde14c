//! All limits are checked, then all are taken, or none.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use claviger_domain::limit::{Bucket, LimitKind, Quota, Zone};
use claviger_domain::verdict::Code;
use claviger_domain::{OrganizationId, Timestamp};

use super::applying::Demands;
use super::backend::{BlockAsked, RateAsked, RateTaken, Unavailable};
use super::counters::Locked;
use super::held::{Demand, LimitState, LimitStates};
use super::quota::Look;
use super::wait::{Ask, Settled};
use super::{Limits, Otherwise};

const NANOS: u64 = 1_000_000_000;
/// After how many seconds it is worth to try again where it is not known.
const UNKNOWN_RETRY_SECONDS: u32 = 1;

/// In which calendars limits are checked, and when.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// Where the periods of an organization begin; asked for only where a block is.
    pub(crate) zone: &'a (dyn Fn(OrganizationId) -> Zone + Sync),
    pub(crate) now: Timestamp,
}

/// What a check is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode<'s> {
    /// A request, with what was settled before.
    Take(&'s Settled),
    /// An explanation: nothing is taken, nobody is asked.
    Look,
}

/// What came of all limits.
#[derive(Debug)]
pub(crate) enum Checked {
    /// All are taken.
    Passes,
    /// None is taken.
    Refused {
        code: Code,
        check: &'static str,
        /// In how many seconds the same request passes; `None`: never, as far as is known.
        retry_after: Option<u32>,
    },
    /// Others have to be asked.
    Waits(Ask),
}

/// What is found of one limit.
enum Found {
    /// There is room; the bucket after it.
    Rate(Bucket),
    /// There is room in another place, where it is taken already.
    Elsewhere,
    Quota,
    /// The limit is passed over.
    Open,
    Refused {
        retry_after: Option<u32>,
    },
    AskRate,
    AskBlock,
}

/// What is known of a rate that may be counted elsewhere.
enum Elsewhere {
    /// It is counted here.
    NotCounted,
    NotAsked,
    Said(Result<RateTaken, Unavailable>),
}

/// When a request that was refused passes, as far as is known.
#[derive(Debug, Clone, Copy)]
enum Again {
    In(u32),
    Never,
}

// === impl Limits (checking) ===

impl Limits {
    /// Checks what applies, takes it all if all of it has room, and tells what is left.
    pub(crate) fn check(
        self: &Arc<Self>,
        demands: &Demands<'_>,
        asker: &Asker<'_>,
        mode: Mode<'_>,
        states: &mut LimitStates,
    ) -> Checked {
        let now = self.now();
        let mut locked = self.counters.lock(demands.iter().map(|demand| demand.counter));
        let (mut rate_refused, mut quota_refused, mut is_asked) = (None, None, None);
        for (at, demand) in demands.iter().enumerate() {
            let (found, state) = self.find(&mut locked, demand, asker, mode, now);
            states.push(state);
            match found {
                Found::Refused { retry_after } => {
                    states.refuse(at, retry_after);
                    if matches!(mode, Mode::Take(_)) {
                        self.counts.note_refused(demand);
                    }
                    let refused = if demand.held.rate.is_some() { &mut rate_refused } else { &mut quota_refused };
                    *refused = Some(Again::of(retry_after).later(*refused));
                }
                Found::AskBlock => is_asked = Some(true),
                Found::AskRate => is_asked = is_asked.or(Some(false)),
                Found::Rate(_) | Found::Elsewhere | Found::Quota | Found::Open => {}
            }
        }
        if let Some(refused) = refusal(rate_refused, quota_refused) {
            // Of what had room nothing is taken either.
            for (at, demand) in demands.iter().enumerate() {
                if !states.has_refused(at) {
                    states.set(at, self.find(&mut locked, demand, asker, Mode::Look, now).1);
                }
            }
            drop(locked);
            if let Mode::Take(settled) = mode {
                self.give_back_rates(demands, settled);
            }
            return refused;
        }
        match (mode, is_asked) {
            (Mode::Look, _) => Checked::Passes,
            (Mode::Take(_), Some(true)) => Checked::Waits(Ask::Blocks(blocks(&mut locked, demands, asker, now))),
            (Mode::Take(_), Some(false)) => Checked::Waits(Ask::Rates(rates(demands))),
            (Mode::Take(settled), None) => {
                self.take(locked, demands, asker, settled, now);
                Checked::Passes
            }
        }
    }

    /// Takes all of it: the locks were held since it was found.
    fn take(
        self: &Arc<Self>,
        mut locked: Locked<'_>,
        demands: &Demands<'_>,
        asker: &Asker<'_>,
        settled: &Settled,
        now: u64,
    ) {
        let mut low: Option<BlockAsked> = None;
        for demand in demands.iter() {
            match demand.held.limit.kind {
                LimitKind::Rate(_) => {
                    if let (Found::Rate(after), _) = self.find_rate(&mut locked, demand, Mode::Take(settled), now) {
                        locked.set_bucket(demand.counter, after);
                    }
                }
                LimitKind::Quota(quota) => {
                    let Some(state) = locked.quota(demand.counter) else { continue };
                    state.take(demand.cost);
                    if low.is_none() && state.is_low(now) && state.begin_asking() {
                        low = Some(block(demand, quota, asker, state.wanted(1)));
                    }
                }
            }
        }
        drop(locked);
        if let Some(asked) = low {
            self.ask_for_block(asked);
        }
    }

    fn find(
        &self,
        locked: &mut Locked<'_>,
        demand: &Demand<'_>,
        asker: &Asker<'_>,
        mode: Mode<'_>,
        now: u64,
    ) -> (Found, LimitState) {
        match &demand.held.limit.kind {
            LimitKind::Rate(_) => self.find_rate(locked, demand, mode, now),
            LimitKind::Quota(quota) => self.find_quota(locked, demand, quota, asker, mode, now),
        }
    }

    fn find_rate(&self, locked: &mut Locked<'_>, demand: &Demand<'_>, mode: Mode<'_>, now: u64) -> (Found, LimitState) {
        let state = |remaining, full_in: u64| LimitState {
            source: demand.source,
            remaining,
            reset_seconds: Some(seconds(full_in)),
            has_refused: false,
        };
        let Some(whole) = demand.held.rate else { return (Found::Open, state(0, 0)) };
        match self.elsewhere(demand, mode) {
            Elsewhere::NotAsked => return (Found::AskRate, state(0, 0)),
            Elsewhere::Said(Ok(taken)) => {
                let state = state(taken.remaining, taken.full_in);
                let retry_after = taken.retry_in.map(retry_seconds);
                return (if taken.passes { Found::Elsewhere } else { Found::Refused { retry_after } }, state);
            }
            Elsewhere::Said(Err(Unavailable)) => match self.config.rates_otherwise {
                Otherwise::Open => return (self.unasked(demand, Otherwise::Open), state(demand.held.most(), 0)),
                Otherwise::Closed => return (self.unasked(demand, Otherwise::Closed), state(0, 0)),
                Otherwise::Divided => self.counts.note_otherwise(demand, Otherwise::Divided),
            },
            Elsewhere::NotCounted => {}
        }
        let rate = whole.share(self.nodes.load(Ordering::Relaxed));
        let bucket = locked.bucket(demand.counter);
        match rate.take(bucket, now, demand.cost) {
            Ok(_) if !locked.has_room(demand.counter, now) => (self.without_room(mode), state(demand.held.most(), 0)),
            Ok(after) => {
                let shown = if matches!(mode, Mode::Look) { bucket } else { after };
                (Found::Rate(after), state(rate.remaining(shown, now), rate.full_in(shown, now)))
            }
            Err(refused) => {
                let retry_after = refused.retry_in.map(retry_seconds);
                (Found::Refused { retry_after }, state(rate.remaining(bucket, now), 0))
            }
        }
    }

    fn find_quota(
        &self,
        locked: &mut Locked<'_>,
        demand: &Demand<'_>,
        quota: &Quota,
        asker: &Asker<'_>,
        mode: Mode<'_>,
        now: u64,
    ) -> (Found, LimitState) {
        let mut state = LimitState { source: demand.source, remaining: 0, reset_seconds: None, has_refused: false };
        if quota.limit == 0 {
            return (Found::Refused { retry_after: None }, state);
        }
        if !locked.has_room(demand.counter, now) {
            return (self.without_room(mode), state);
        }
        let look = locked.look(demand.counter, demand.organization, *quota, now, demand.cost);
        let Some(held) = locked.quota(demand.counter) else { return (self.without_room(mode), state) };
        let until_reset = held.resets_at().map(|at| seconds_until(asker.now, at));
        let taken = if matches!((look, mode), (Look::Enough, Mode::Take(_))) { demand.cost } else { 0 };
        (state.remaining, state.reset_seconds) = (held.remaining().saturating_sub(taken), until_reset);
        let found = match (look, mode) {
            (Look::Enough, _) => Found::Quota,
            (Look::Dry, _) => Found::Refused { retry_after: until_reset.map(|reset| reset.max(1)) },
            (Look::Ask | Look::Down, Mode::Look) => {
                state.remaining = quota.limit;
                Found::Open
            }
            (Look::Ask, Mode::Take(settled)) if settled.may_wait() && self.quotas.read().is_some() => Found::AskBlock,
            (Look::Ask | Look::Down, Mode::Take(_)) => self.unasked(demand, self.config.quotas_otherwise),
        };
        (found, state)
    }

    /// What is known of a rate that is counted elsewhere.
    fn elsewhere(&self, demand: &Demand<'_>, mode: Mode<'_>) -> Elsewhere {
        let Mode::Take(settled) = mode else { return Elsewhere::NotCounted };
        match settled.rate(demand.counter) {
            Some(said) => Elsewhere::Said(said),
            None if !self.rates_elsewhere.load(Ordering::Relaxed) => Elsewhere::NotCounted,
            None if settled.may_wait() => Elsewhere::NotAsked,
            None => Elsewhere::Said(Err(Unavailable)),
        }
    }

    /// What holds for a counter for which there is no room.
    fn without_room(&self, mode: Mode<'_>) -> Found {
        if matches!(mode, Mode::Take(_)) {
            self.counts.note_without_room();
        }
        otherwise(self.config.quotas_otherwise)
    }

    /// What holds for a limit of a request whose keeper cannot be asked.
    fn unasked(&self, demand: &Demand<'_>, configured: Otherwise) -> Found {
        self.counts.note_otherwise(demand, configured);
        otherwise(configured)
    }
}

/// Of a limit that cannot be counted at all there is no part: where it would be divided, it refuses.
const fn otherwise(configured: Otherwise) -> Found {
    match configured {
        Otherwise::Open => Found::Open,
        Otherwise::Closed | Otherwise::Divided => Found::Refused { retry_after: Some(UNKNOWN_RETRY_SECONDS) },
    }
}

/// The code of what failed first in the order of the checks, and the latest instant that any of it names.
fn refusal(rate: Option<Again>, quota: Option<Again>) -> Option<Checked> {
    let (code, check) = match (rate, quota) {
        (None, None) => return None,
        (Some(_), _) => (Code::RateLimited, "a rate"),
        (None, Some(_)) => (Code::QuotaExceeded, "a quota"),
    };
    let retry_after = match rate.into_iter().chain(quota).reduce(|one, other| one.later(Some(other)))? {
        Again::In(seconds) => Some(seconds),
        Again::Never => None,
    };
    Some(Checked::Refused { code, check, retry_after })
}

// === impl Again ===

impl Again {
    fn of(retry_after: Option<u32>) -> Self {
        retry_after.map_or(Self::Never, Self::In)
    }

    /// The later of two.
    fn later(self, other: Option<Self>) -> Self {
        match (self, other) {
            (Self::In(one), Some(Self::In(other))) => Self::In(one.max(other)),
            (Self::In(one), None) => Self::In(one),
            (Self::Never, _) | (_, Some(Self::Never)) => Self::Never,
        }
    }
}

/// Whole seconds, rounded up: nobody is told to come back too early.
fn seconds(nanos: u64) -> u32 {
    u32::try_from(nanos.div_ceil(NANOS)).unwrap_or(u32::MAX)
}

fn retry_seconds(nanos: u64) -> u32 {
    seconds(nanos).max(1)
}

fn seconds_until(now: Timestamp, at: Timestamp) -> u32 {
    u32::try_from(at.saturating_since(now).as_nanos().div_ceil(u128::from(NANOS))).unwrap_or(u32::MAX)
}

/// The blocks that are needed; those that somebody asks for already are waited for alone.
fn blocks(locked: &mut Locked<'_>, demands: &Demands<'_>, asker: &Asker<'_>, now: u64) -> Vec<(BlockAsked, bool)> {
    let mut needed = Vec::new();
    for demand in demands.iter() {
        let LimitKind::Quota(quota) = demand.held.limit.kind else { continue };
        if locked.look(demand.counter, demand.organization, quota, now, demand.cost) == Look::Ask
            && let Some(state) = locked.quota(demand.counter)
        {
            let is_first = state.begin_asking();
            needed.push((block(demand, quota, asker, state.wanted(demand.cost)), is_first));
        }
    }
    needed
}

fn block(demand: &Demand<'_>, quota: Quota, asker: &Asker<'_>, wanted: u64) -> BlockAsked {
    BlockAsked {
        counter: demand.counter,
        organization: demand.organization,
        quota,
        zone: (asker.zone)(demand.organization),
        needed: demand.cost.max(1),
        wanted: wanted.max(demand.cost),
    }
}

/// The rates that are taken elsewhere.
pub(super) fn rates(demands: &Demands<'_>) -> Vec<RateAsked> {
    let asked =
        |demand: &Demand<'_>| Some(RateAsked { counter: demand.counter, rate: demand.held.rate?, cost: demand.cost });
    demands.iter().filter_map(asked).collect()
}
