//! What the store tells about itself.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use claviger_domain::change::Position;
use claviger_domain::histogram::{DATABASE_BOUNDS_MICROS, Durations, Histogram};

/// A reading since the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Metrics {
    /// How long writes that were committed took, from their call to the commit.
    pub committed: Durations,
    /// Writes that were not committed: refused by their own work, or by the database.
    pub not_committed: u64,
    /// Writes that were turned away because too many waited.
    pub turned_away: u64,
    /// Writes that run or wait their turn.
    pub writes_open: usize,
    /// How long looks at the change feed took: how fast the database answers.
    pub feed_looks: Durations,
    /// The newest change that a look found; `None` before the first.
    pub head: Option<Position>,
    /// How long ago the feed's reader was known to have everything; `None` before its first load.
    pub stale: Option<Duration>,
    /// Connections to the database.
    pub connections: Connections,
}

/// The pool of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Open and doing something.
    pub busy: usize,
    /// Open and free.
    pub idle: usize,
    /// Open at most.
    pub max: usize,
}

/// The counters behind it.
#[derive(Debug)]
pub(crate) struct Counters {
    committed: Histogram,
    not_committed: AtomicU64,
    turned_away: AtomicU64,
    feed_looks: Histogram,
    feed: Mutex<FeedState>,
}

/// How far the feed's reader is.
#[derive(Debug, Clone, Copy, Default)]
struct FeedState {
    head: Option<Position>,
    /// Monotonic time at which it was known to have everything.
    in_step_at: Option<Duration>,
}

// === impl Counters ===

impl Counters {
    /// Notes how a write ended.
    pub(crate) fn note_write(&self, took: Duration, is_committed: bool) {
        if is_committed {
            self.committed.observe(took);
        } else {
            self.not_committed.fetch_add(1, Relaxed);
        }
    }

    /// Notes a write that did not get a place.
    pub(crate) fn note_turned_away(&self) {
        self.turned_away.fetch_add(1, Relaxed);
    }

    /// Notes a look at the feed that found `head`.
    pub(crate) fn note_look(&self, took: Duration, head: Position) {
        self.feed_looks.observe(took);
        self.feed_state().head = Some(head);
    }

    /// Notes that the feed's reader had everything at `at`.
    pub(crate) fn note_in_step(&self, at: Duration) {
        let mut state = self.feed_state();
        state.in_step_at = state.in_step_at.max(Some(at));
    }

    pub(crate) fn read(&self, now: Duration, writes_open: usize, connections: Connections) -> Metrics {
        let FeedState { head, in_step_at } = *self.feed_state();
        Metrics {
            committed: self.committed.read(),
            not_committed: self.not_committed.load(Relaxed),
            turned_away: self.turned_away.load(Relaxed),
            writes_open,
            feed_looks: self.feed_looks.read(),
            head,
            stale: in_step_at.map(|at| now.saturating_sub(at)),
            connections,
        }
    }

    fn feed_state(&self) -> MutexGuard<'_, FeedState> {
        self.feed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            committed: Histogram::new(DATABASE_BOUNDS_MICROS),
            not_committed: AtomicU64::default(),
            turned_away: AtomicU64::default(),
            feed_looks: Histogram::new(DATABASE_BOUNDS_MICROS),
            feed: Mutex::default(),
        }
    }
}
