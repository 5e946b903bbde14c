//! Living keys by the digest of their current secret: a hash table of which each bucket is one line of the cache.
//!
//! Among a million keys a look-up waits for memory and for little else. A table with its fingerprints apart from its
//! pointers waits twice before it sees the key; here they stand side by side.

use std::sync::Arc;

use claviger_domain::digest::CredentialDigest;

use crate::fetch::fetch;
use crate::held_key::HeldKey;

/// Keys of a bucket.
const PLACES: usize = 7;
/// Of a hundred places so many are taken before there are more.
const FILLED_MAX: usize = 80;
/// The buckets of the first key.
const BUCKETS_MIN: usize = 8;

/// Keys by digest. Digests are keyed and uniformly random, so parts of them serve as hash.
#[derive(Debug, Default)]
pub(crate) struct Living {
    buckets: Box<[Bucket]>,
    count: usize,
}

#[derive(Debug, Default)]
#[repr(align(64))]
struct Bucket {
    /// A byte of the digest of the key at the same place, 0 where there is none; behind them how many keys belong here and
    /// stand further on, as it was full. Once that is the greatest number it stays.
    tags: [u8; PLACES + 1],
    keys: [Option<Arc<HeldKey>>; PLACES],
}

// === impl Living ===

impl Living {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// All of them, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<HeldKey>> {
        self.buckets.iter().flat_map(|bucket| bucket.keys.iter().flatten())
    }

    /// The key of this digest.
    pub(crate) fn find(&self, digest: &CredentialDigest) -> Option<&Arc<HeldKey>> {
        let (bucket, place) = self.place_of(digest)?;
        self.buckets[bucket].keys[place].as_ref()
    }

    /// Asks memory for the bucket that a digest belongs to.
    pub(crate) fn fetch_bucket(&self, digest: &CredentialDigest) {
        if let Some(bucket) = self.buckets.get(self.home(digest)) {
            fetch(bucket);
        }
    }

    /// Asks memory for the key that may have this digest; whether there may be one.
    pub(crate) fn fetch_key(&self, digest: &CredentialDigest) -> bool {
        let Some(bucket) = self.buckets.get(self.home(digest)) else { return false };
        let key = bucket.likely(digest).next();
        if let Some((_, key)) = key {
            fetch(&key.digest);
            fetch(&key.profile);
        }
        key.is_some()
    }

    /// Adds a key whose digest is not there.
    pub(crate) fn insert(&mut self, key: Arc<HeldKey>) {
        if (self.count + 1) * 100 > self.buckets.len() * PLACES * FILLED_MAX {
            self.grow();
        }
        self.count += 1;
        self.put(key);
    }

    /// Takes the key of this digest out.
    pub(crate) fn remove(&mut self, digest: &CredentialDigest) -> Option<Arc<HeldKey>> {
        let (bucket, place) = self.place_of(digest)?;
        let mut at = self.home(digest);
        while at != bucket {
            let passed = &mut self.buckets[at].tags[PLACES];
            *passed -= u8::from(*passed != u8::MAX);
            at = self.behind(at);
        }
        self.count -= 1;
        let bucket = &mut self.buckets[bucket];
        bucket.tags[place] = 0;
        bucket.keys[place].take()
    }

    fn place_of(&self, digest: &CredentialDigest) -> Option<(usize, usize)> {
        if self.buckets.is_empty() {
            return None;
        }
        let mut at = self.home(digest);
        for _ in 0..self.buckets.len() {
            let bucket = &self.buckets[at];
            if let Some(place) = bucket.place_of(digest) {
                return Some((at, place));
            }
            if bucket.passed() == 0 {
                return None;
            }
            at = self.behind(at);
        }
        None
    }

    /// Half as many buckets again, so that they are well filled at any number of keys.
    fn grow(&mut self) {
        let buckets = BUCKETS_MIN.max(self.buckets.len() + self.buckets.len() / 2);
        let before = std::mem::replace(&mut self.buckets, (0..buckets).map(|_| Bucket::default()).collect());
        for key in before.into_iter().flat_map(|bucket| bucket.keys).flatten() {
            self.put(key);
        }
    }

    /// Puts a key into the first bucket with room, of which there is one.
    fn put(&mut self, key: Arc<HeldKey>) {
        let mut at = self.home(&key.digest);
        loop {
            let bucket = &mut self.buckets[at];
            if let Some(place) = bucket.keys.iter().position(Option::is_none) {
                bucket.tags[place] = tag(&key.digest);
                bucket.keys[place] = Some(key);
                return;
            }
            bucket.tags[PLACES] = bucket.passed().saturating_add(1);
            at = self.behind(at);
        }
    }

    /// The bucket that a digest belongs to.
    fn home(&self, digest: &CredentialDigest) -> usize {
        let [.., a, b, c, d] = *digest.as_bytes();
        // A fraction of the whole range, of the number of buckets: D. Lemire, "Fast random integer generation in an
        // interval", 2019.
        ((u64::from(u32::from_le_bytes([a, b, c, d])) * self.buckets.len() as u64) >> 32) as usize
    }

    fn behind(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets.len() { 0 } else { bucket + 1 }
    }
}

/// What stands beside the key for a first comparison; never 0.
fn tag(digest: &CredentialDigest) -> u8 {
    digest.as_bytes()[8].max(1)
}

// === impl Bucket ===

impl Bucket {
    fn passed(&self) -> u8 {
        self.tags[PLACES]
    }

    fn place_of(&self, digest: &CredentialDigest) -> Option<usize> {
        self.likely(digest).find(|(_, key)| equal(&key.digest, digest)).map(|(place, _)| place)
    }

    /// The keys with the tag of this digest, with their places. All tags are compared at once, as no processor can guess
    /// which one it will be.
    fn likely(&self, digest: &CredentialDigest) -> impl Iterator<Item = (usize, &Arc<HeldKey>)> {
        const ONES: u64 = 0x0101_0101_0101_0101;
        let different = u64::from_le_bytes(self.tags) ^ (u64::from(tag(digest)) * ONES);
        // The highest bit of each byte that is 0, and perhaps of one behind it that is 1; of the places alone.
        let mut equal = different.wrapping_sub(ONES) & !different & (ONES << 7) & (u64::MAX >> 8);
        std::iter::from_fn(move || {
            let place = equal.trailing_zeros() as usize / 8;
            equal &= equal.wrapping_sub(1);
            (place < PLACES).then_some(place)
        })
        .filter_map(|place| Some((place, self.keys[place].as_ref()?)))
    }
}

/// Whether two digests are equal, without an early end: the time says nothing about how much of one was guessed. (They
/// are keyed, so it would say little anyway.)
pub(crate) fn equal(one: &CredentialDigest, other: &CredentialDigest) -> bool {
    one.as_bytes().iter().zip(other.as_bytes()).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use claviger_domain::KeyId;
    use proptest::prelude::*;

    use super::*;
    use crate::held_key::Profiles;
    use crate::testing::key_of;

    /// Few bits that count, so that buckets overflow and digests have the tags of others.
    fn digest(number: u16) -> CredentialDigest {
        let mut bytes = [0; 32];
        bytes[0] = (number >> 8) as u8;
        bytes[8] = (number & 3) as u8;
        bytes[31] = (number as u8) & 0xf0;
        CredentialDigest::from_bytes(bytes)
    }

    #[test]
    fn a_bucket_is_a_cache_line() {
        assert_eq!((size_of::<Bucket>(), align_of::<Bucket>()), (64, 64));
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_map_finds(steps in proptest::collection::vec((any::<bool>(), 0u16..2_048), 0..800)) {
            let (mut living, mut map, mut profiles) = (Living::default(), BTreeMap::new(), Profiles::default());
            for (number, (adds, digest_number)) in steps.into_iter().enumerate() {
                let digest = digest(digest_number);
                let id = KeyId::from_raw(number as u128);
                if !adds {
                    let removed = living.remove(&digest).map(|key| key.id);
                    prop_assert_eq!(removed, map.remove(digest.as_bytes()));
                } else if map.insert(*digest.as_bytes(), id).is_none() {
                    let mut key = key_of(1);
                    (key.id, key.secret.digest) = (id, digest);
                    living.insert(Arc::new(HeldKey::new(&key, None, &mut profiles)));
                } else {
                    map.insert(*digest.as_bytes(), living.find(&digest).expect("it is there").id);
                }
            }
            prop_assert_eq!(living.len(), map.len());
            prop_assert_eq!(living.iter().count(), map.len());
            for number in 0..2_048 {
                let digest = digest(number);
                prop_assert_eq!(living.find(&digest).map(|key| key.id), map.get(digest.as_bytes()).copied());
            }
        }
    }

    #[test]
    fn no_key_is_passed_by_once_all_are_gone() {
        let (mut living, mut profiles) = (Living::default(), Profiles::default());
        for number in 0..=u16::MAX / 64 {
            let mut key = key_of(1);
            key.secret.digest = digest(number);
            if living.find(&key.secret.digest).is_none() {
                living.insert(Arc::new(HeldKey::new(&key, None, &mut profiles)));
            }
        }
        (0..=u16::MAX / 64).for_each(|number| drop(living.remove(&digest(number))));
        assert_eq!(living.len(), 0);
        assert!(living.buckets.iter().all(|bucket| bucket.passed() == 0 || bucket.passed() == u8::MAX));
    }
}
