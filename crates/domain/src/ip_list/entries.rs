//! A list as a record carries it.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use super::IpEntry;
use super::range::position;

/// The lines of a list as they were written; one value for all records that carry the same list, so a copy is cheap.
#[derive(Clone, Default)]
pub struct IpEntries(Option<Arc<Shared>>);

struct Shared {
    digest: ListDigest,
    entries: Box<[IpEntry]>,
}

/// What a list holds, labels and ends included, in 128 bits of a SHA-256: by it lists are stored once and told apart.
///
/// Two lists of one digest would take two who work together (2^64 tries), and only at their own lists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListDigest(u128);

/// A text that is no digest of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 digits of 0-9 and a-f")]
pub struct InvalidListDigest;

// === impl IpEntries ===

impl IpEntries {
    /// What it holds; `None` where it holds nothing.
    pub fn digest(&self) -> Option<ListDigest> {
        self.0.as_ref().map(|shared| shared.digest)
    }
}

impl From<Vec<IpEntry>> for IpEntries {
    fn from(entries: Vec<IpEntry>) -> Self {
        if entries.is_empty() {
            return Self(None);
        }
        Self(Some(Arc::new(Shared { digest: ListDigest::of(&entries), entries: entries.into() })))
    }
}

impl FromIterator<IpEntry> for IpEntries {
    fn from_iter<I: IntoIterator<Item = IpEntry>>(entries: I) -> Self {
        entries.into_iter().collect::<Vec<_>>().into()
    }
}

impl Serialize for IpEntries {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for IpEntries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<IpEntry>::deserialize(deserializer).map(Self::from)
    }
}

impl Deref for IpEntries {
    type Target = [IpEntry];

    fn deref(&self) -> &[IpEntry] {
        self.0.as_ref().map(|shared| &*shared.entries).unwrap_or_default()
    }
}

impl PartialEq for IpEntries {
    fn eq(&self, other: &Self) -> bool {
        self.digest() == other.digest()
    }
}

impl Eq for IpEntries {}

impl fmt::Debug for IpEntries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&**self).finish()
    }
}

// === impl ListDigest ===

impl ListDigest {
    /// Every part has its length or a mark before it, so two different lists are two different inputs.
    fn of(entries: &[IpEntry]) -> Self {
        let mut hash = Sha256::new();
        for IpEntry { range, label, until } in entries {
            hash.update([u8::from(range.is_ipv4()), u8::from(until.is_some()), u8::from(label.is_some())]);
            hash.update(position(range.first()).to_be_bytes());
            hash.update(position(range.last()).to_be_bytes());
            hash.update(until.map_or(0, crate::Timestamp::as_micros).to_be_bytes());
            let label = label.as_deref().unwrap_or_default();
            hash.update((label.len() as u64).to_be_bytes());
            hash.update(label);
        }
        let bytes: [u8; 32] = hash.finalize().into();
        Self(bytes.iter().take(16).fold(0, |digest, byte| digest << 8 | u128::from(*byte)))
    }
}

impl fmt::Display for ListDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ListDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ListDigest {
    type Err = InvalidListDigest;

    fn from_str(text: &str) -> Result<Self, InvalidListDigest> {
        let fits = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let digest = u128::from_str_radix(text, 16).ok().filter(|_| fits);
        digest.map(Self).ok_or(InvalidListDigest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::ip_list::IpRange;

    fn range(text: &str) -> IpEntry {
        text.parse::<IpRange>().expect("a range").into()
    }

    #[test]
    fn lists_are_equal_if_every_line_is() {
        let list = |entries: &[IpEntry]| IpEntries::from(entries.to_vec());
        let plain = range("192.0.2.0/24");
        let alike = [
            list(&[]),
            list(std::slice::from_ref(&plain)),
            list(&[range("192.0.2.0-192.0.3.0")]),
            list(&[range("::192.0.2.0/120")]),
            list(&[plain.clone(), plain.clone()]),
            list(&[IpEntry { label: Some("".into()), ..plain.clone() }]),
            list(&[IpEntry { label: Some("office".into()), ..plain.clone() }]),
            list(&[IpEntry { until: Some(Timestamp::from_micros(0)), ..plain.clone() }]),
            list(&[IpEntry { until: Some(Timestamp::from_micros(1)), ..plain.clone() }]),
        ];
        for (at, one) in alike.iter().enumerate() {
            for (other_at, other) in alike.iter().enumerate() {
                assert_eq!(one == other, at == other_at, "{one:?} {other:?}");
            }
        }
        assert_eq!(list(&[range("192.0.2.0-192.0.2.255")]), alike[1], "another spelling of the same network");
    }

    #[test]
    fn an_empty_list_has_no_digest_and_a_digest_survives_its_text() {
        assert!(IpEntries::default().is_empty() && IpEntries::from(Vec::new()).digest().is_none());
        let digest = IpEntries::from(vec![range("2001:db8::/32")]).digest().expect("it is not empty");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for text in ["", "0", &"g".repeat(32), &"A".repeat(32), &format!("+{}", "0".repeat(31)), &"0".repeat(33)] {
            assert_eq!(text.parse::<ListDigest>(), Err(InvalidListDigest), "{text}");
        }
    }
}
