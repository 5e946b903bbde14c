//! What the file of the audit log tells about itself.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// Counters since the start.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    written: AtomicU64,
    failures: AtomicU64,
    missed: AtomicU64,
    is_failing: AtomicBool,
}

/// A reading of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Entries that stand in the file.
    pub(crate) written: u64,
    /// Attempts to write that failed.
    pub(crate) failures: u64,
    /// Entries that had been removed from the database before they were written.
    pub(crate) missed: u64,
    /// Whether the last attempt failed.
    pub(crate) is_failing: bool,
}

// === impl Counters ===

impl Counters {
    pub(super) fn note_written(&self, entries: u64, missed: u64) {
        self.written.fetch_add(entries, Relaxed);
        self.missed.fetch_add(missed, Relaxed);
    }

    /// Notes an attempt; whether it turned out otherwise than the one before.
    pub(super) fn note_attempt(&self, is_failure: bool) -> bool {
        self.failures.fetch_add(u64::from(is_failure), Relaxed);
        self.is_failing.swap(is_failure, Relaxed) != is_failure
    }

    /// What was counted so far.
    pub(crate) fn read(&self) -> Reading {
        Reading {
            written: self.written.load(Relaxed),
            failures: self.failures.load(Relaxed),
            missed: self.missed.load(Relaxed),
            is_failing: self.is_failing.load(Relaxed),
        }
    }
}
