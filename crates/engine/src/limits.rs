//! Limits at a decision: which apply, what is left of them, and who is asked where this node cannot know by itself.
//!
//! All limits that apply are checked, then all are taken, or none. What a node can decide alone it decides at once: rates that are
//! counted here, quotas of which it has a block in hand. Else the decision says that it has to [`Wait`], and is made again with
//! what was [`Settled`].

mod applying;
mod backend;
mod check;
mod counters;
mod counts;
mod held;
mod quota;
mod standing;
#[cfg(test)]
mod tests;
mod wait;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use claviger_domain::Clock;

use counters::Counters;
use counts::Counts;

pub(crate) use applying::Demands;
pub use backend::{
    Asking, BlockAsked, Granted, LeaseId, QuotaAsked, QuotaKeeper, QuotaStanding, RateAsked, RateKeeper, RateTaken,
    Unavailable, Unspent,
};
pub(crate) use check::{Asker, Checked, Mode};
pub(crate) use held::{HeldLimit, LimitState, LimitStates, Source};
pub use standing::{Counted, LimitCounter, LimitUsage, LimitedBy, LimitsOf, StandingLimit};
pub(crate) use wait::Ask;
pub use wait::{Settled, Wait};

/// How limits are counted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitsConfig {
    /// The most counters in memory. Those that are full again make room; while none is, a request that needs a new one goes as
    /// [`LimitsConfig::quotas_otherwise`] says.
    pub counters_max: usize,
    /// How long a request waits for a keeper, at most.
    pub wait: Duration,
    /// Which way requests with a quota go while its keeper cannot be asked.
    pub quotas_otherwise: Otherwise,
    /// Which way requests with a rate go while its keeper cannot be asked.
    pub rates_otherwise: Otherwise,
}

/// What holds while a keeper cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Otherwise {
    /// The limit is passed over.
    Open,
    /// The limit refuses.
    Closed,
    /// Each node counts its part: the rate divided by the live nodes. Of a quota there is no such part, so it refuses.
    Divided,
}

/// What the engine tells of limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitsMetrics {
    /// Counters in memory.
    pub counters: usize,
    /// The most that there may be.
    pub counters_max: usize,
    /// Requests since the start that waited for a keeper.
    pub waited: u64,
    /// Times since the start that a keeper could not be asked, or answered too late.
    pub unavailable: u64,
    /// Limits since the start for whose counters there was no room.
    pub without_room: u64,
    /// Limits since the start that refused a request, by kind and on what they stand.
    pub refused: [(&'static str, &'static str, u64); 6],
    /// Limits since the start whose keeper could not be asked, by kind and what became of them.
    pub otherwise: [(&'static str, &'static str, u64); 6],
}

/// All that is counted on this node.
pub(crate) struct Limits {
    config: LimitsConfig,
    clock: Arc<dyn Clock>,
    counters: Counters,
    quotas: RwLock<Option<Arc<dyn QuotaKeeper>>>,
    rates: RwLock<Option<Arc<dyn RateKeeper>>>,
    /// Whether rates are counted elsewhere.
    rates_elsewhere: AtomicBool,
    /// How many nodes share what is counted here.
    nodes: AtomicU64,
    counts: Counts,
}

// === impl LimitsConfig ===

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            counters_max: 4_000_000,
            wait: Duration::from_millis(50),
            quotas_otherwise: Otherwise::Closed,
            rates_otherwise: Otherwise::Divided,
        }
    }
}

// === impl Limits ===

impl Limits {
    pub(crate) fn new(config: LimitsConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            counters: Counters::new(config.counters_max),
            config,
            clock,
            quotas: RwLock::new(None),
            rates: RwLock::new(None),
            rates_elsewhere: AtomicBool::new(false),
            nodes: AtomicU64::new(1),
            counts: Counts::default(),
        }
    }

    pub(crate) fn keep_quotas(&self, keeper: Arc<dyn QuotaKeeper>) {
        *self.quotas.write() = Some(keeper);
    }

    pub(crate) fn keep_rates(&self, keeper: Option<Arc<dyn RateKeeper>>) {
        self.rates_elsewhere.store(keeper.is_some(), Ordering::Relaxed);
        *self.rates.write() = keeper;
    }

    pub(crate) fn note_live_nodes(&self, nodes: u64) {
        self.nodes.store(nodes.max(1), Ordering::Relaxed);
    }

    pub(crate) fn blocks_to_give_back(&self, all: bool) -> Vec<Unspent> {
        self.counters.blocks_to_give_back(self.now(), all)
    }

    pub(crate) fn metrics(&self) -> LimitsMetrics {
        self.counts.read(self.counters.len(), self.config.counters_max)
    }

    /// Nanoseconds of the monotonic clock.
    fn now(&self) -> u64 {
        u64::try_from(self.clock.monotonic().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").field("config", &self.config).finish_non_exhaustive()
    }
}
