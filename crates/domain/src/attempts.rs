//! Failed sign-ins: first they are slowed down, then they are locked out for a while. What is counted is somebody's tries at one
//! account from one range of addresses, or from one browser that has signed in before: a stranger locks out nobody else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::clock::Timestamp;

/// So many failures cost nothing.
pub const FREE_FAILURES: u32 = 3;
/// With so many, sign-in is locked.
pub const LOCKING_FAILURES: u32 = 10;
/// For so long.
pub const LOCKED_FOR: Duration = Duration::from_mins(15);
/// Failures are forgotten after so long without another one.
pub const FORGOTTEN_AFTER: Duration = Duration::from_hours(24);
/// How many counters there are in an installation: a failure takes the place of whatever was counted in its own.
pub const COUNTERS: u32 = 65_536;

/// Tries that were not followed by a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last_at: Timestamp,
}

/// What a further try is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It may be made.
    Now,
    /// Not before so long.
    Wait(Duration),
}

// === impl Attempts ===

impl Attempts {
    /// Whether another try may be made at `now`.
    pub fn turn(&self, now: Timestamp) -> Turn {
        let pause = match self.count {
            0..FREE_FAILURES => Duration::ZERO,
            LOCKING_FAILURES.. => LOCKED_FOR,
            // 1, 2, 4 … 64 seconds.
            count => Duration::from_secs(1 << (count - FREE_FAILURES)),
        };
        let passed = now.saturating_since(self.last_at);
        match pause.saturating_sub(passed) {
            Duration::ZERO => Turn::Now,
            left => Turn::Wait(left),
        }
    }

    /// With one more try at `now`, which counts as failed until it has succeeded. A lock that is over leaves one more try before
    /// the next lock.
    #[must_use]
    pub fn with_another(self, now: Timestamp) -> Self {
        let is_forgotten = now.saturating_since(self.last_at) >= FORGOTTEN_AFTER;
        let count = if is_forgotten { 1 } else { self.count.saturating_add(1).min(LOCKING_FAILURES) };
        Self { count, last_at: now }
    }

    /// Whether the last try, if it failed, has locked the door.
    pub fn is_locking(&self) -> bool {
        self.count >= LOCKING_FAILURES
    }

    /// Whether it is the first failure that slows down the next try.
    pub fn begins_to_slow(&self) -> bool {
        self.count == FREE_FAILURES
    }
}

/// The range that is counted as one: of IPv4 a /24, of IPv6 a /48.
pub fn range_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits() >> 8 << 8).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 80 << 80).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(1_768_478_400_000_000).saturating_add(Duration::from_secs(seconds))
    }

    #[test]
    fn tries_are_slowed_down_and_then_locked_out_for_a_while() {
        let mut attempts = Attempts::default();
        let mut pauses = Vec::new();
        for _ in 0..LOCKING_FAILURES {
            attempts = attempts.with_another(at(0));
            pauses.push(match attempts.turn(at(0)) {
                Turn::Now => 0,
                Turn::Wait(pause) => pause.as_secs(),
            });
        }
        assert_eq!(pauses, [0, 0, 1, 2, 4, 8, 16, 32, 64, 900]);
        assert!(attempts.is_locking());
        assert_eq!(attempts.turn(at(899)), Turn::Wait(Duration::from_secs(1)));
        assert_eq!(attempts.turn(at(900)), Turn::Now);
        let again = attempts.with_another(at(900));
        assert!(again.is_locking(), "the next failure locks again");
        assert_eq!(again.with_another(at(900 + 86_400)).count, 1, "a day later it is forgotten");
    }

    #[test]
    fn a_clock_that_goes_back_lets_nobody_in_early() {
        let attempts = Attempts { count: 5, last_at: at(100) };
        assert_eq!(attempts.turn(at(50)), Turn::Wait(Duration::from_secs(4)));
    }

    #[test]
    fn neighbours_share_a_range() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(range_of(ip("203.0.113.7")), ip("203.0.113.0"));
        assert_eq!(range_of(ip("::ffff:203.0.113.9")), ip("203.0.113.0"));
        assert_eq!(range_of(ip("2001:db8:1:2::3")), ip("2001:db8:1::"));
        assert_ne!(range_of(ip("203.0.114.7")), range_of(ip("203.0.113.7")));
    }
}
