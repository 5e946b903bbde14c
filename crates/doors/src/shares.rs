//! Places that are taken and given back: so many in all, and so many of one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

/// A number of places. Clones share them.
#[derive(Debug, Clone)]
pub struct Shares(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: usize,
    most_each: usize,
    taken: AtomicUsize,
    /// How many each address has; only those that have any, so never more than `most`.
    taken_each: Mutex<HashMap<IpAddr, usize>>,
}

/// A place; given back when dropped.
#[derive(Debug)]
pub struct Share {
    shares: Shares,
    address: Option<IpAddr>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoShare {
    /// All are taken.
    All,
    /// The address has its share.
    OfAddress,
}

// === impl Shares ===

impl Shares {
    /// `most` places, at most `most_each` for one address.
    pub fn new(most: usize, most_each: usize) -> Self {
        Self(Arc::new(Inner { most, most_each, taken: AtomicUsize::new(0), taken_each: Mutex::default() }))
    }

    /// Takes a place; without an address, one that counts in all only.
    pub fn take(&self, address: Option<IpAddr>) -> Result<Share, NoShare> {
        let inner = &*self.0;
        // Given back with the share, whatever comes.
        let mut share = Share { shares: self.clone(), address: None };
        if inner.taken.fetch_add(1, Relaxed) >= inner.most {
            return Err(NoShare::All);
        }
        if let Some(address) = address.map(network_of) {
            let mut each = inner.taken_each.lock();
            let taken = each.entry(address).or_default();
            if *taken >= inner.most_each {
                return Err(NoShare::OfAddress);
            }
            *taken += 1;
            share.address = Some(address);
        }
        Ok(share)
    }

    /// How many places are taken.
    pub fn taken(&self) -> usize {
        self.0.taken.load(Relaxed)
    }
}

// === impl Share ===

impl Drop for Share {
    fn drop(&mut self) {
        let inner = &*self.shares.0;
        inner.taken.fetch_sub(1, Relaxed);
        let Some(address) = self.address else { return };
        let mut each = inner.taken_each.lock();
        if let Some(taken) = each.get_mut(&address) {
            *taken -= 1;
            if *taken == 0 {
                each.remove(&address);
            }
        }
    }
}

/// What counts as one address: an IPv6 client has a whole /64.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn one_address_cannot_take_what_others_need() {
        let shares = Shares::new(4, 2);
        let one = [shares.take(Some(address("203.0.113.7"))), shares.take(Some(address("203.0.113.7")))];
        assert!(one.iter().all(Result::is_ok));
        assert_eq!(shares.take(Some(address("203.0.113.7"))).map(drop), Err(NoShare::OfAddress));
        let others = [shares.take(Some(address("203.0.113.8"))), shares.take(None)];
        assert!(others.iter().all(Result::is_ok));
        assert_eq!(shares.take(None).map(drop), Err(NoShare::All));
        drop(one);
        assert_eq!((shares.taken(), shares.0.taken_each.lock().len()), (2, 1));
        assert!(shares.take(Some(address("203.0.113.7"))).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_a_mapped_one_is_ipv4() {
        let shares = Shares::new(9, 1);
        let _held = [address("2001:db8::1"), address("::ffff:203.0.113.7")]
            .map(|address| shares.take(Some(address)).expect("a place"));
        for taken in ["2001:db8::ffff:2", "203.0.113.7"] {
            assert_eq!(shares.take(Some(address(taken))).map(drop), Err(NoShare::OfAddress), "{taken}");
        }
        assert!(shares.take(Some(address("2001:db8:0:1::1"))).is_ok());
    }
}
