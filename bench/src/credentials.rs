//! The credentials of the fixture: made from their numbers, so that the generator knows them and nothing is kept.

use claviger_domain::Secret;
use claviger_domain::credential::{Environment, KeyPrefix, generate_key};
use claviger_domain::testing::FixedRandom;

/// Credentials whose numbers begin here are of no key.
const UNKNOWN_FIRST: u64 = 1 << 40;

/// Credentials of one length, one behind the other: a draw costs one cache miss.
#[derive(Clone)]
pub struct Credentials {
    bytes: Vec<u8>,
    length: usize,
    /// The number of the first.
    first: u64,
}

/// The secret of the key of this number.
pub fn secret(number: u64) -> Secret {
    generate_key(&KeyPrefix::default(), Environment::Live, &FixedRandom::new(number))
}

/// The name of the key of this number: less than 24 bytes.
pub fn key_name(number: u64) -> String {
    format!("bench key {number:08}")
}

// === impl Credentials ===

impl Credentials {
    /// Those of the first `count` keys.
    pub fn known(count: u64) -> Self {
        Self::numbered(0, count)
    }

    /// `count` well-formed ones of no key.
    pub fn unknown(count: u64) -> Self {
        Self::numbered(UNKNOWN_FIRST, count)
    }

    /// The same with the last character of each changed, which belongs to the checksum.
    pub fn with_bad_checksums(mut self) -> Self {
        for last in self.bytes.iter_mut().skip(self.length - 1).step_by(self.length) {
            *last = if *last == b'0' { b'1' } else { b'0' };
        }
        self
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        (self.bytes.len() / self.length) as u64
    }

    /// Bytes of each.
    pub fn length(&self) -> usize {
        self.length
    }

    /// The one at `place`.
    pub fn get(&self, place: u64) -> &[u8] {
        let start = place as usize * self.length;
        &self.bytes[start..start + self.length]
    }

    /// The number of the one at `place`.
    pub fn number(&self, place: u64) -> u64 {
        self.first + place
    }

    /// Those of `count` keys from the one numbered `first` on.
    pub fn numbered(first: u64, count: u64) -> Self {
        let length = secret(first).expose().len();
        let mut bytes = Vec::with_capacity(length * count as usize);
        for number in first..first + count {
            bytes.extend_from_slice(secret(number).expose().as_bytes());
        }
        Self { bytes, length, first }
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::credential::{Form, form};

    use super::*;

    #[test]
    fn known_unknown_and_mistyped_ones_are_what_they_are_called() {
        let (known, unknown) = (Credentials::known(3), Credentials::unknown(3));
        assert_eq!(known.get(2), secret(2).expose().as_bytes());
        assert_ne!(known.get(2), unknown.get(2));
        let form_of = |all: &Credentials, place| form(std::str::from_utf8(all.get(place)).expect("ASCII"));
        assert!((0..3).all(|place| form_of(&known, place) == Form::Native && form_of(&unknown, place) == Form::Native));
        let bad = known.with_bad_checksums();
        assert!((0..3).all(|place| form_of(&bad, place) == Form::BadChecksum));
    }
}
