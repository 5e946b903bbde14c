//! What a flood of wrong credentials gets: a verdict up to a rate for each address and for the door as a whole, 503 beyond
//! it. A right key is never counted here and never turned away, so nobody who shares an address with a flood is stopped.
//!
//! Counting takes a fixed table and two words of it, without a lock, and only where a verdict says that no key was right.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::time::Instant;

use crate::config::Config;
use crate::shares::network_of;

/// Counters of addresses. Two addresses share one by chance, in a way that nobody outside can foresee; each has two, and
/// the smaller one counts.
const COUNTERS: usize = 4_096;

/// Counts requests without a right key.
#[derive(Debug)]
pub(crate) struct Shed {
    /// Most of one address in a second; 0: no bound.
    most_of_address: u32,
    /// Most of all in a second; 0: no bound.
    most: u32,
    began: Instant,
    hashes: [RandomState; 2],
    addresses: [Box<[Second]>; 2],
    all: Second,
}

/// How many there were in one second: its number in the upper half, the count in the lower one, so that one word is all
/// there is to change.
#[derive(Debug, Default)]
struct Second(AtomicU64);

/// Why a request gets no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMany {
    /// Of this address.
    OfAddress,
    /// Of all.
    OfAll,
}

// === impl Shed ===

impl Shed {
    pub(crate) fn new(config: &Config) -> Self {
        let table = || (0..COUNTERS).map(|_| Second::default()).collect();
        Self {
            most_of_address: config.wrong_keys_per_second_of_address,
            most: config.wrong_keys_per_second,
            began: Instant::now(),
            hashes: [RandomState::new(), RandomState::new()],
            addresses: [table(), table()],
            all: Second::default(),
        }
    }

    /// Counts a request without a right key. An error where there were too many in this second.
    pub(crate) fn admit(&self, address: Option<IpAddr>, now: Instant) -> Result<(), TooMany> {
        let second = now.duration_since(self.began).as_secs() as u32;
        if self.most_of_address > 0
            && let Some(address) = address.map(network_of)
        {
            let counts = self
                .hashes
                .iter()
                .zip(&self.addresses)
                .map(|(hash, counters)| counters[hash.hash_one(address) as usize % COUNTERS].count(second));
            if counts.min().unwrap_or_default() > self.most_of_address {
                return Err(TooMany::OfAddress);
            }
        }
        if self.most > 0 && self.all.count(second) > self.most {
            return Err(TooMany::OfAll);
        }
        Ok(())
    }
}

// === impl Second ===

impl Second {
    /// Counts one more in `second`, and says how many there were in it.
    fn count(&self, second: u32) -> u32 {
        let counted = |held: u64| {
            let before = if held >> 32 == u64::from(second) { held as u32 } else { 0 };
            before.saturating_add(1)
        };
        let word = |held: u64| u64::from(second) << 32 | u64::from(counted(held));
        // It always gives a new value, so this does not fail.
        self.0.fetch_update(Relaxed, Relaxed, |held| Some(word(held))).map_or(0, counted)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    fn shed(of_address: u32, all: u32) -> Shed {
        Shed::new(&Config {
            wrong_keys_per_second_of_address: of_address,
            wrong_keys_per_second: all,
            ..Config::default()
        })
    }

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from(0x0a00_0000 + number).into()
    }

    #[test]
    fn an_address_has_its_rate_others_have_theirs_and_the_next_second_is_a_new_one() {
        let shed = shed(3, 0);
        let now = shed.began + Duration::from_secs(7);
        let of_seven = |now| (0..5).map(|_| shed.admit(Some(address(7)), now)).collect::<Vec<_>>();
        let (yes, no) = (Ok(()), Err(TooMany::OfAddress));
        assert_eq!(of_seven(now), [yes, yes, yes, no, no]);
        assert_eq!(shed.admit(Some(address(8)), now), Ok(()));
        assert_eq!(shed.admit(None, now), Ok(()), "without an address only all are counted");
        assert_eq!(of_seven(now + Duration::from_secs(1)), [yes, yes, yes, no, no]);
    }

    #[test]
    fn all_together_have_a_rate_too() {
        let shed = shed(100, 10);
        let turned_away = (0..25).filter(|number| shed.admit(Some(address(*number)), shed.began).is_err()).count();
        assert_eq!(turned_away, 15);
        assert_eq!(shed.admit(None, shed.began), Err(TooMany::OfAll));
    }

    #[test]
    fn zero_is_no_bound() {
        let shed = shed(0, 0);
        assert!((0..1_000).all(|_| shed.admit(Some(address(1)), shed.began).is_ok()));
    }

    #[test]
    fn a_flood_from_some_addresses_leaves_nearly_all_others_alone() {
        let shed = shed(10, 0);
        for flooding in 0..100 {
            let admitted = (0..1_000).filter(|_| shed.admit(Some(address(flooding)), shed.began).is_ok()).count();
            assert!(admitted <= 10, "{admitted}");
        }
        let hit = (1_000..2_000).filter(|number| shed.admit(Some(address(*number)), shed.began).is_err()).count();
        // By chance (100 / 4,096)² of them: one in 1,700.
        assert!(hit < 20, "{hit} of 1,000");
    }

    #[test]
    fn threads_lose_no_count() {
        let shed = shed(0, 4_000);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert!((0..1_000).all(|_| shed.admit(None, shed.began).is_ok())));
            }
        });
        assert_eq!(shed.admit(None, shed.began), Err(TooMany::OfAll));
    }
}
