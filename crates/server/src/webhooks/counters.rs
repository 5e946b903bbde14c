//! What the sending of events tells about itself.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use claviger_domain::Timestamp;
use claviger_store::webhook_deliveries::Depth;

/// Counters since the start, and how much waited when it was last looked.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    delivered: AtomicU64,
    failed: AtomicU64,
    given_up: AtomicU64,
    waiting: AtomicI64,
    /// Microseconds; 0 while nothing waits.
    oldest: AtomicI64,
}

/// A reading of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Events that receivers took.
    pub(crate) delivered: u64,
    /// Attempts that failed.
    pub(crate) failed: u64,
    /// Events that are not tried any more.
    pub(crate) given_up: u64,
    /// Events that wait, on all nodes together.
    pub(crate) waiting: i64,
    /// When the oldest of them was put in.
    pub(crate) oldest: Option<Timestamp>,
}

// === impl Counters ===

impl Counters {
    pub(super) fn note_delivered(&self) {
        self.delivered.fetch_add(1, Relaxed);
    }

    pub(super) fn note_failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    pub(super) fn note_given_up(&self) {
        self.given_up.fetch_add(1, Relaxed);
    }

    pub(super) fn note_depth(&self, depth: Depth) {
        self.waiting.store(depth.waiting, Relaxed);
        self.oldest.store(depth.oldest.map_or(0, Timestamp::as_micros), Relaxed);
    }

    /// What was counted so far.
    pub(crate) fn read(&self) -> Reading {
        let oldest = self.oldest.load(Relaxed);
        Reading {
            delivered: self.delivered.load(Relaxed),
            failed: self.failed.load(Relaxed),
            given_up: self.given_up.load(Relaxed),
            waiting: self.waiting.load(Relaxed),
            oldest: (oldest != 0).then(|| Timestamp::from_micros(oldest)),
        }
    }
}
