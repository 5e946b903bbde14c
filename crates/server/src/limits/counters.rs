//! What limits over many nodes tell about themselves.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use claviger_domain::histogram::{Durations, Histogram};
use claviger_store::quotas::Lost;

/// Upper bounds in microseconds of how long answers of Redis take: no request waits longer than the last.
const REDIS_BOUNDS_MICROS: &[u64] = &[50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000];

/// Counters since the start.
#[derive(Debug, Default)]
pub struct Counters {
    blocks: [AtomicU64; Asked::ALL.len()],
    units_taken: AtomicU64,
    units_returned: AtomicU64,
    lost_blocks: AtomicU64,
    lost_units: AtomicU64,
    returns_waiting: AtomicUsize,
    live_nodes: AtomicUsize,
    asks_open: AtomicUsize,
    redis: [AtomicU64; Call::ALL.len()],
    redis_times: RedisTimes,
    /// Whether there is a Redis, and whether it does not answer.
    has_redis: AtomicBool,
    redis_is_away: AtomicBool,
}

/// How long answers of Redis took.
#[derive(Debug)]
struct RedisTimes(Histogram);

/// What came of asking for a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// There it is.
    Granted,
    /// Too little is left.
    NoneLeft,
    /// The database could not be asked.
    Unavailable,
}

/// What came of asking Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// It answered.
    Answered,
    /// Not in time.
    Late,
    /// It could not be reached, or answered with an error.
    Failed,
    /// Something else stood where a counter should.
    Foreign,
    /// It was not asked: it did not answer before.
    Skipped,
}

/// A reading of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Blocks asked for, by what came of it.
    pub blocks: Vec<(&'static str, u64)>,
    /// Questions for blocks that run or wait.
    pub asks_open: usize,
    /// Units taken in blocks.
    pub units_taken: u64,
    /// Units given back unspent.
    pub units_returned: u64,
    /// Blocks of nodes that ended out of order which this node wrote off.
    pub lost_blocks: u64,
    /// Their units.
    pub lost_units: u64,
    /// Blocks that wait to be given back.
    pub returns_waiting: usize,
    /// By how many nodes rates are divided.
    pub live_nodes: usize,
    /// Calls of Redis, by what came of it; none without one.
    pub redis: Vec<(&'static str, u64)>,
    /// How long its answers took; `None` without one.
    pub redis_took: Option<Durations>,
    /// Whether Redis answers; `None` without one.
    pub redis_up: Option<bool>,
}

// === impl Counters ===

impl Counters {
    pub(super) fn note_asked(&self, asked: Asked) {
        self.blocks[asked as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn note_ask_begun(&self) {
        self.asks_open.fetch_add(1, Relaxed);
    }

    pub(super) fn note_ask_ended(&self) {
        self.asks_open.fetch_sub(1, Relaxed);
    }

    pub(super) fn note_taken(&self, units: u64) {
        self.units_taken.fetch_add(units, Relaxed);
    }

    pub(super) fn note_returned(&self, units: u64) {
        self.units_returned.fetch_add(units, Relaxed);
    }

    pub(super) fn note_lost(&self, lost: Lost) {
        self.lost_blocks.fetch_add(lost.leases, Relaxed);
        self.lost_units.fetch_add(lost.units, Relaxed);
    }

    pub(super) fn note_returns_waiting(&self, count: usize) {
        self.returns_waiting.store(count, Relaxed);
    }

    /// Notes by how many nodes rates are divided.
    pub fn note_live_nodes(&self, count: usize) {
        self.live_nodes.store(count, Relaxed);
    }

    pub(super) fn note_redis(&self) {
        self.has_redis.store(true, Relaxed);
    }

    /// Notes an answer that took so long.
    pub(super) fn note_redis_took(&self, took: Duration) {
        self.redis_times.0.observe(took);
    }

    pub(super) fn note_call(&self, call: Call) {
        self.redis[call as usize].fetch_add(1, Relaxed);
    }

    pub(super) fn note_redis_away(&self, is_away: bool) {
        self.redis_is_away.store(is_away, Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Reading {
        let has_redis = self.has_redis.load(Relaxed);
        let calls = Call::ALL.iter().filter(|_| has_redis);
        Reading {
            blocks: Asked::ALL
                .iter()
                .map(|asked| (asked.as_str(), self.blocks[*asked as usize].load(Relaxed)))
                .collect(),
            asks_open: self.asks_open.load(Relaxed),
            units_taken: self.units_taken.load(Relaxed),
            units_returned: self.units_returned.load(Relaxed),
            lost_blocks: self.lost_blocks.load(Relaxed),
            lost_units: self.lost_units.load(Relaxed),
            returns_waiting: self.returns_waiting.load(Relaxed),
            live_nodes: self.live_nodes.load(Relaxed),
            redis: calls.map(|call| (call.as_str(), self.redis[*call as usize].load(Relaxed))).collect(),
            redis_took: has_redis.then(|| self.redis_times.0.read()),
            redis_up: has_redis.then(|| !self.redis_is_away.load(Relaxed)),
        }
    }
}

// === impl RedisTimes ===

impl Default for RedisTimes {
    fn default() -> Self {
        Self(Histogram::new(REDIS_BOUNDS_MICROS))
    }
}

// === impl Asked ===

impl Asked {
    const ALL: [Self; 3] = [Self::Granted, Self::NoneLeft, Self::Unavailable];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::NoneLeft => "none_left",
            Self::Unavailable => "unavailable",
        }
    }
}

// === impl Call ===

impl Call {
    const ALL: [Self; 5] = [Self::Answered, Self::Late, Self::Failed, Self::Foreign, Self::Skipped];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Late => "late",
            Self::Failed => "failed",
            Self::Foreign => "foreign",
            Self::Skipped => "skipped",
        }
    }
}
