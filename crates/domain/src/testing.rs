//! Fixed sources of time and randomness for tests.

use std::sync::Mutex;
use std::time::Duration;

use crate::clock::{Clock, Random, Timestamp};

/// Repeatable, not random at all: a counter put through SHA-256.
#[derive(Debug)]
pub struct FixedRandom(Mutex<(u64, u64)>);

/// A clock that stands until it is moved.
#[derive(Debug)]
pub struct FixedClock(Mutex<(Timestamp, Duration)>);

// === impl FixedRandom ===

impl FixedRandom {
    /// The sequence number `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new((seed, 0)))
    }
}

impl Random for FixedRandom {
    fn fill(&self, bytes: &mut [u8]) {
        use sha2::{Digest, Sha256};
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(32) {
            state.1 += 1;
            let block = Sha256::digest([state.0.to_be_bytes(), state.1.to_be_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

// === impl FixedClock ===

impl FixedClock {
    /// Stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new((now, Duration::ZERO)))
    }

    /// Moves both times forward.
    pub fn advance(&self, by: Duration) {
        let mut state = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *state = (state.0.saturating_add(by), state.1 + by);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).1
    }
}
