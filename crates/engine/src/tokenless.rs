//! Door calls of the last hour that came without a door token: what a second organization will have refused.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use claviger_domain::Timestamp;

const MINUTES: usize = 60;
const MINUTE_MICROS: i64 = 60_000_000;

/// A counter for each of the last sixty minutes, the one under way included. Each holds the minute that it is of in its
/// upper half and the count in its lower one, so that one word is all there is to change.
#[derive(Debug)]
pub(crate) struct TokenlessCalls([AtomicU64; MINUTES]);

// === impl TokenlessCalls ===

impl TokenlessCalls {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// Counts a call.
    pub(crate) fn count(&self, now: Timestamp) {
        let minute = minute_of(now);
        // It always gives a new value, so this does not fail.
        let _ = self.0[minute as usize % MINUTES].fetch_update(Relaxed, Relaxed, |held| {
            Some(u64::from(minute) << 32 | count_in(held, minute).saturating_add(1).min(u64::from(u32::MAX)))
        });
    }

    /// How many there were in the last hour.
    pub(crate) fn in_last_hour(&self, now: Timestamp) -> u64 {
        let newest = minute_of(now);
        let oldest = newest.saturating_sub(MINUTES as u32 - 1);
        (oldest..=newest).map(|minute| count_in(self.0[minute as usize % MINUTES].load(Relaxed), minute)).sum()
    }
}

/// Minutes since 1970; they fit for 8,000 years.
fn minute_of(now: Timestamp) -> u32 {
    u32::try_from(now.as_micros().max(0) / MINUTE_MICROS).unwrap_or(u32::MAX)
}

/// What a counter says of this minute.
fn count_in(held: u64, minute: u32) -> u64 {
    if held >> 32 == u64::from(minute) { held & u64::from(u32::MAX) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000 + minute * MINUTE_MICROS)
    }

    #[test]
    fn an_hour_is_counted_and_no_more() {
        let calls = TokenlessCalls::new();
        (0..5).for_each(|_| calls.count(at(0)));
        calls.count(at(59));
        assert_eq!((calls.in_last_hour(at(59)), calls.in_last_hour(at(60))), (6, 1));
        calls.count(at(60));
        assert_eq!(calls.in_last_hour(at(60)), 2, "the sixtieth minute takes the place of the first");
        assert_eq!(calls.in_last_hour(at(10_000)), 0);
        assert_eq!(TokenlessCalls::new().in_last_hour(Timestamp::default()), 0);
    }

    #[test]
    fn threads_lose_no_call() {
        let calls = TokenlessCalls::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| calls.count(at(7))));
            }
        });
        assert_eq!(calls.in_last_hour(at(7)), 4_000);
    }
}
