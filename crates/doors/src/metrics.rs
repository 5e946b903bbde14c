//! What the doors count themselves; verdicts are counted by the engine.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A reading of the counters since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Connections open now.
    pub connections_open: u64,
    /// Connections that were one too many.
    pub connections_rejected: u64,
    /// Calls that no verdict could be given for: not ready.
    pub busy: u64,
    /// Calls without the door token they need, or with a wrong one.
    pub door_token_refused: u64,
    /// Calls of peers that are no trusted proxies, and calls whose headers do not describe one request.
    pub gateway_refused: u64,
    /// Malformed questions, bodies over the limit included.
    pub malformed: u64,
}

/// The counters. Only refusals are counted here, so they stand in no hot path.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections_rejected: Counter,
    pub(crate) busy: Counter,
    pub(crate) door_token_refused: Counter,
    pub(crate) gateway_refused: Counter,
    pub(crate) malformed: Counter,
}

/// One of them.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

// === impl Counters ===

impl Counters {
    pub(crate) fn read(&self, connections_open: usize) -> Metrics {
        Metrics {
            connections_open: connections_open as u64,
            connections_rejected: self.connections_rejected.read(),
            busy: self.busy.read(),
            door_token_refused: self.door_token_refused.read(),
            gateway_refused: self.gateway_refused.read(),
            malformed: self.malformed.read(),
        }
    }
}

// === impl Counter ===

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
