//! What the doors count themselves; verdicts are counted by the engine.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use claviger_domain::histogram::{Durations, Histogram, MEMORY_BOUNDS_MICROS};
use claviger_domain::usage::Door;
use tokio::time::Instant;

use crate::service::Doors;
use crate::shares::Shares;

/// One request in this many is timed: two looks at the clock for each would be a twentieth of a decision.
pub const TIMED_ONE_IN: u32 = 16;

/// A reading of the counters since the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// Connections open now.
    pub connections_open: u64,
    /// Connections that were one too many.
    pub connections_rejected: u64,
    /// Connections of addresses that had their share.
    pub connections_of_address_rejected: u64,
    /// Bodies that were one too many at once.
    pub bodies_rejected: u64,
    /// Requests without a right key of addresses that sent too many of them.
    pub shed_of_address: u64,
    /// Requests without a right key when there were too many of them.
    pub shed: u64,
    /// TLS handshakes that failed, took too long, or were one too many.
    pub handshakes_failed: u64,
    /// Calls that no verdict could be given for: not ready.
    pub busy: u64,
    /// Calls without the door token they need, or with a wrong one.
    pub door_token_refused: u64,
    /// Calls of peers that are no trusted proxies, and calls whose headers do not describe one request.
    pub gateway_refused: u64,
    /// Malformed questions, bodies over the limit included.
    pub malformed: u64,
    /// How long it took to make an answer once the request was read, of one request in [`TIMED_ONE_IN`].
    pub answer_times: Vec<(Door, Durations)>,
}

/// Reads the counters of doors that are open, or were.
#[derive(Debug, Clone)]
pub struct Readings {
    pub(crate) doors: Arc<Doors>,
    pub(crate) connections: Shares,
}

/// The counters. Only refusals are counted here, so they stand in no hot path; of the times see [`AnswerTimes`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections_rejected: Counter,
    pub(crate) connections_of_address_rejected: Counter,
    pub(crate) bodies_rejected: Counter,
    pub(crate) shed_of_address: Counter,
    pub(crate) shed: Counter,
    pub(crate) handshakes_failed: Counter,
    pub(crate) busy: Counter,
    pub(crate) door_token_refused: Counter,
    pub(crate) gateway_refused: Counter,
    pub(crate) malformed: Counter,
    pub(crate) answer_times: AnswerTimes,
}

/// How long it took to make answers, a door.
#[derive(Debug)]
pub(crate) struct AnswerTimes([(Door, Histogram); TIMED.len()]);

/// The doors whose answers are timed.
const TIMED: [Door; 6] = [Door::Authorize, Door::Nginx, Door::Verify, Door::Envoy, Door::EnvoyGrpc, Door::Introspect];

/// One of the counters.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

// === impl Readings ===

impl Readings {
    /// A reading of the doors' own counters.
    pub fn read(&self) -> Metrics {
        self.doors.counters.read(self.connections.taken())
    }
}

// === impl Counters ===

impl Counters {
    pub(crate) fn read(&self, connections_open: usize) -> Metrics {
        Metrics {
            connections_open: connections_open as u64,
            connections_rejected: self.connections_rejected.read(),
            connections_of_address_rejected: self.connections_of_address_rejected.read(),
            bodies_rejected: self.bodies_rejected.read(),
            shed_of_address: self.shed_of_address.read(),
            shed: self.shed.read(),
            handshakes_failed: self.handshakes_failed.read(),
            busy: self.busy.read(),
            door_token_refused: self.door_token_refused.read(),
            gateway_refused: self.gateway_refused.read(),
            malformed: self.malformed.read(),
            answer_times: self.answer_times.read(),
        }
    }
}

// === impl AnswerTimes ===

impl AnswerTimes {
    /// Runs `answer`, and times it if it is its turn: each thread counts for itself.
    pub(crate) fn time<T>(&self, door: Door, answer: impl FnOnce() -> T) -> T {
        thread_local! {
            static UNTIMED: Cell<u32> = const { Cell::new(0) };
        }
        let left = UNTIMED.get();
        UNTIMED.set(left.checked_sub(1).unwrap_or(TIMED_ONE_IN - 1));
        if left > 0 {
            return answer();
        }
        let began = Instant::now();
        let answered = answer();
        if let Some((_, histogram)) = self.0.iter().find(|(timed, _)| *timed == door) {
            histogram.observe(began.elapsed());
        }
        answered
    }

    fn read(&self) -> Vec<(Door, Durations)> {
        self.0.iter().map(|(door, histogram)| (*door, histogram.read())).collect()
    }
}

impl Default for AnswerTimes {
    fn default() -> Self {
        Self(TIMED.map(|door| (door, Histogram::new(MEMORY_BOUNDS_MICROS))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_in_sixteen_is_timed() {
        let times = AnswerTimes::default();
        for number in 0..TIMED_ONE_IN * 3 {
            assert_eq!(times.time(Door::Nginx, || number), number);
        }
        let counts: Vec<_> = times.read().into_iter().map(|(door, durations)| (door, durations.count)).collect();
        assert_eq!(counts, TIMED.map(|door| (door, if door == Door::Nginx { 3 } else { 0 })));
    }
}
