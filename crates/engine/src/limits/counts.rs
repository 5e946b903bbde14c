//! What is counted of limits, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::held::{Demand, Source};
use super::{LimitsMetrics, Otherwise};

/// The two kinds of limits.
const KINDS: [&str; 2] = ["rate", "quota"];
/// On what limits stand.
const PLACES: [&str; 3] = ["key", "owner", "set"];
/// What became of limits that could not be asked.
const RESULTS: [&str; 3] = ["open", "closed", "divided"];

/// Counted since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    waited: AtomicU64,
    unavailable: AtomicU64,
    without_room: AtomicU64,
    refused: [[AtomicU64; PLACES.len()]; KINDS.len()],
    otherwise: [[AtomicU64; RESULTS.len()]; KINDS.len()],
}

// === impl Counts ===

impl Counts {
    /// Notes a request that waits for a keeper.
    pub(super) fn note_waiting(&self) {
        self.waited.fetch_add(1, Relaxed);
    }

    /// Notes that a keeper could not be asked, or answered too late.
    pub(super) fn note_unavailable(&self) {
        self.unavailable.fetch_add(1, Relaxed);
    }

    /// Notes a limit for whose counter there is no room.
    pub(super) fn note_without_room(&self) {
        self.without_room.fetch_add(1, Relaxed);
    }

    /// Notes a limit that refuses a request.
    pub(super) fn note_refused(&self, demand: &Demand<'_>) {
        let place = match demand.source {
            Source::Owner(_) => 1,
            Source::Set { .. } => 2,
            Source::Key(_) | Source::Nothing => 0,
        };
        self.refused[kind(demand)][place].fetch_add(1, Relaxed);
    }

    /// Notes what becomes of a limit whose keeper cannot be asked.
    pub(super) fn note_otherwise(&self, demand: &Demand<'_>, otherwise: Otherwise) {
        let result = match otherwise {
            Otherwise::Open => 0,
            Otherwise::Closed => 1,
            Otherwise::Divided => 2,
        };
        self.otherwise[kind(demand)][result].fetch_add(1, Relaxed);
    }

    /// What was counted so far; `counters` are in memory, of at most `counters_max`.
    pub(super) fn read(&self, counters: usize, counters_max: usize) -> LimitsMetrics {
        LimitsMetrics {
            counters,
            counters_max,
            waited: self.waited.load(Relaxed),
            unavailable: self.unavailable.load(Relaxed),
            without_room: self.without_room.load(Relaxed),
            refused: by(&self.refused, &PLACES),
            otherwise: by(&self.otherwise, &RESULTS),
        }
    }
}

fn kind(demand: &Demand<'_>) -> usize {
    usize::from(demand.held.rate.is_none())
}

/// Counts by kind and something else, each with both words.
fn by(counts: &[[AtomicU64; 3]; 2], words: &[&'static str; 3]) -> [(&'static str, &'static str, u64); 6] {
    std::array::from_fn(|at| {
        let (kind, other) = (at / words.len(), at % words.len());
        (KINDS[kind], words[other], counts[kind][other].load(Relaxed))
    })
}
