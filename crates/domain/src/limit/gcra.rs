//! The bucket of a rate: the generic cell rate algorithm (ITU-T I.371). All of a counter is one instant, the *theoretical
//! arrival time*: when the bucket will be full again. A request moves it on by what it costs, and passes if it is then no
//! farther away than a whole burst.

use super::Rate;

/// A rate, made for asking. All times are nanoseconds of a clock that never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gcra {
    /// What a request of cost 1 moves the instant on by: rounded up, so that never more pass than the rate says. That is an
    /// error of less than one nanosecond a request.
    interval: u64,
    /// A whole burst.
    capacity: u64,
    /// How many requests of cost 1 that is.
    burst: u64,
}

/// When the bucket will be full again; 0 is one that was never asked.
pub type Bucket = u64;

/// A request that is one too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// In how many nanoseconds the same request would pass, if none came between; `None`: never.
    pub retry_in: Option<u64>,
}

const NANOS: u64 = 1_000_000_000;

// === impl Gcra ===

impl Gcra {
    /// The whole of a rate.
    pub fn new(rate: &Rate) -> Self {
        let interval = match rate.limit {
            0 => u64::MAX,
            limit => (u64::from(rate.window_seconds) * NANOS).div_ceil(limit).max(1),
        };
        Self::of_interval(interval, rate.burst)
    }

    /// The part of one of `nodes` nodes that count apart. Each has one of a burst at least, so that a burst of fewer than
    /// there are nodes is as many as there are nodes.
    #[must_use]
    pub fn share(self, nodes: u64) -> Self {
        if nodes <= 1 {
            return self;
        }
        Self::of_interval(self.interval.saturating_mul(nodes), (self.burst / nodes).max(1))
    }

    /// Nanoseconds that a request of cost 1 takes, and of a whole burst: for whoever counts elsewhere.
    pub const fn parts(&self) -> (u64, u64) {
        (self.interval, self.capacity)
    }

    fn of_interval(interval: u64, burst: u64) -> Self {
        Self { interval, capacity: interval.saturating_mul(burst), burst }
    }

    /// Whether a request of this cost passes, and the bucket after it.
    ///
    /// # Errors
    /// [`Refused`]; then the bucket stays as it was.
    pub fn take(&self, bucket: Bucket, now: u64, cost: u64) -> Result<Bucket, Refused> {
        let charge = self.interval.saturating_mul(cost);
        if self.is_never() || charge > self.capacity {
            return Err(Refused { retry_in: None });
        }
        let after = self.counted_at(bucket, now).saturating_add(charge);
        let distance = after.saturating_sub(now);
        if distance <= self.capacity { Ok(after) } else { Err(Refused { retry_in: Some(distance - self.capacity) }) }
    }

    /// How many requests of cost 1 would pass now.
    pub fn remaining(&self, bucket: Bucket, now: u64) -> u64 {
        if self.is_never() {
            return 0;
        }
        let used = self.counted_at(bucket, now).saturating_sub(now);
        self.capacity.saturating_sub(used) / self.interval
    }

    /// In how many nanoseconds the bucket is full again.
    pub fn full_in(&self, bucket: Bucket, now: u64) -> u64 {
        self.counted_at(bucket, now).saturating_sub(now)
    }

    /// Whether nothing passes, ever.
    const fn is_never(&self) -> bool {
        self.interval == u64::MAX
    }

    /// The bucket's instant as it counts now. One that was full is full now. One that is farther away than empty can be, after
    /// a change of the rate or with a clock that stepped back, is empty and no more: so nobody waits longer than for a burst.
    fn counted_at(&self, bucket: Bucket, now: u64) -> u64 {
        bucket.clamp(now, now.saturating_add(self.capacity))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;
    use governor::{Quota, RateLimiter};
    use proptest::prelude::*;

    use super::*;

    fn gcra(limit: u64, window_seconds: u32, burst: u64) -> Gcra {
        Gcra::new(&Rate { limit, window_seconds, burst })
    }

    #[test]
    fn a_burst_passes_at_once_and_then_one_an_interval() {
        let rate = gcra(60, 60, 3);
        let (mut bucket, now) = (0, 5 * NANOS);
        for left in [2, 1, 0] {
            bucket = rate.take(bucket, now, 1).expect("part of the burst");
            assert_eq!(rate.remaining(bucket, now), left);
        }
        assert_eq!(rate.full_in(bucket, now), 3 * NANOS);
        let retry_in = rate.take(bucket, now, 1).expect_err("one too many").retry_in;
        assert_eq!(retry_in, Some(NANOS));
        assert!(rate.take(bucket, now + NANOS - 1, 1).is_err(), "a nanosecond early");
        assert!(rate.take(bucket, now + NANOS, 1).is_ok(), "when it was told");
    }

    #[test]
    fn cost_counts_and_more_than_a_burst_never_passes() {
        let rate = gcra(60, 60, 10);
        let bucket = rate.take(0, 0, 4).expect("four of ten");
        assert_eq!(rate.remaining(bucket, 0), 6);
        assert_eq!(rate.take(bucket, 0, 7), Err(Refused { retry_in: Some(NANOS) }));
        assert_eq!(rate.take(0, 0, 11), Err(Refused { retry_in: None }));
        assert_eq!(rate.take(0, 0, u64::MAX), Err(Refused { retry_in: None }));
        assert_eq!(rate.take(bucket, 0, 0), Ok(bucket), "what costs nothing takes nothing");
    }

    #[test]
    fn a_limit_of_zero_is_never() {
        let never = gcra(0, 60, 1);
        assert_eq!(
            (never.take(0, 9, 1), never.take(0, 9, 0)),
            (Err(Refused { retry_in: None }), Err(Refused { retry_in: None }))
        );
        assert_eq!(never.remaining(0, 9), 0);
        assert_eq!(never.share(7), never);
    }

    #[test]
    fn a_clock_that_steps_back_or_a_lowered_rate_costs_one_burst_at_most() {
        let rate = gcra(60, 60, 2);
        let late = rate.take(0, 1_000 * NANOS, 1).expect("the first");
        assert_eq!(rate.take(late, NANOS, 1), Err(Refused { retry_in: Some(NANOS) }), "not a thousand seconds");
        assert_eq!(rate.remaining(late, NANOS), 0);
    }

    #[test]
    fn nodes_together_have_no_more_than_the_rate() {
        let rate = gcra(100, 1, 10);
        let share = rate.share(4);
        assert_eq!((share.interval, share.burst), (4 * rate.interval, 2));
        assert_eq!(rate.share(1), rate);
        assert_eq!(rate.share(0), rate);
        assert_eq!(rate.share(100).burst, 1);
    }

    proptest! {
        /// The same requests at the same times pass here and in `governor`.
        #[test]
        fn it_decides_as_governor_does(
            interval in 1u64..5_000_000_000, burst in 1u32..50,
            steps in proptest::collection::vec((0u64..8_000_000_000, 1u32..8), 1..200),
        ) {
            let quota = Quota::with_period(Duration::from_nanos(interval)).expect("a period");
            let quota = quota.allow_burst(NonZeroU32::new(burst).expect("not zero"));
            let clock = FakeRelativeClock::default();
            let oracle = RateLimiter::direct_with_clock(quota, clock.clone());
            let ours = Gcra::of_interval(interval, u64::from(burst));
            let (mut bucket, mut now) = (0, 0);
            for (step, cost) in steps {
                now += step;
                clock.advance(Duration::from_nanos(step));
                let expected = matches!(oracle.check_n(NonZeroU32::new(cost).expect("not zero")), Ok(Ok(())));
                let taken = ours.take(bucket, now, u64::from(cost));
                prop_assert_eq!(taken.is_ok(), expected, "at {} for {}", now, cost);
                bucket = taken.unwrap_or(bucket);
            }
        }

        /// A refused request passes when it was told, and not a nanosecond sooner.
        #[test]
        fn it_tells_when_to_come_back(limit in 1u64..1_000_000, window in 1u32..10_000, burst in 1u64..100, cost in 1u64..100) {
            let rate = gcra(limit, window, burst);
            let mut bucket = 0;
            let refused = loop {
                match rate.take(bucket, 7, cost) {
                    Ok(after) => bucket = after,
                    Err(refused) => break refused,
                }
            };
            match refused.retry_in {
                None => prop_assert!(cost > burst),
                Some(wait) => {
                    prop_assert!(rate.take(bucket, 7 + wait - 1, cost).is_err());
                    prop_assert!(rate.take(bucket, 7 + wait, cost).is_ok());
                }
            }
        }

        /// In no window more pass than a burst and what refills in it, whatever is asked.
        #[test]
        fn never_more_than_the_rate_and_a_burst(
            limit in 1u64..1_000, window in 1u32..100, burst in 1u64..50,
            steps in proptest::collection::vec(0u64..3_000_000_000, 1..300),
        ) {
            let rate = gcra(limit, window, burst);
            let (mut bucket, mut now, mut passed) = (0, 0u64, 0u128);
            for step in steps {
                now += step;
                if let Ok(after) = rate.take(bucket, now, 1) {
                    (bucket, passed) = (after, passed + 1);
                }
            }
            let refilled = u128::from(now) * u128::from(limit) / (u128::from(window) * u128::from(NANOS));
            prop_assert!(passed <= u128::from(burst) + refilled);
        }
    }
}
