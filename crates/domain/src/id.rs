//! Typed, prefixed identifiers: `key_01jd…`, a UUIDv7 in 26 lower-case Crockford base32 characters.
//!
//! Ids of different kinds are different types and do not mix.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::{Random, Timestamp};

/// A kind of record that has ids. The list of kinds is append-only: a prefix, once given, keeps its meaning.
pub trait IdKind: 'static {
    /// What stands before the underscore: three letters.
    const PREFIX: &'static str;
}

/// The id of a record of kind `K`: 128 bits, 16 bytes in memory, text everywhere else.
pub struct Id<K> {
    raw: u128,
    kind: PhantomData<fn() -> K>,
}

/// A text that is not an id of the kind that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an id such as {prefix}_ followed by 26 characters")]
pub struct InvalidId {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $prefix:literal => $alias:ident;)*) => {
        /// The kinds of records; append-only.
        pub mod kind {
            $($(#[$doc])* #[derive(Debug)] pub enum $kind {}
            impl super::IdKind for $kind { const PREFIX: &'static str = $prefix; })*
        }
        $($(#[$doc])* pub type $alias = Id<kind::$kind>;)*
    };
}

kinds! {
    /// An organization: the tenant.
    Organization "org" => OrganizationId;
    /// A person who signs in.
    User "usr" => UserId;
    /// An external system that connects.
    Application "app" => ApplicationId;
    /// A sign-in under an application.
    ApiUser "apu" => ApiUserId;
    /// A key: the credential record.
    Key "key" => KeyId;
    /// An API under protection.
    Api "api" => ApiId;
    /// A named set of operations.
    ApiSet "set" => ApiSetId;
    /// A node: one running server.
    Node "nod" => NodeId;
    /// A kind of application.
    ApplicationType "apt" => ApplicationTypeId;
    /// One request to a door or the management API.
    Request "req" => RequestId;
    /// A role: what people may do.
    Role "rol" => RoleId;
    /// A person who has signed in, in one browser.
    Session "ses" => SessionId;
    /// A link that works once.
    Link "lnk" => LinkId;
    /// A mail that is to be sent.
    Mail "mai" => MailId;
    /// A session of an API user.
    ApiSession "aps" => ApiSessionId;
    /// Where an organization's events are sent.
    Webhook "whk" => WebhookId;
    /// An event on its way to a webhook: its `webhook-id`.
    WebhookDelivery "evt" => WebhookDeliveryId;
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// The value of each byte as a digit: a load parses an id for each key.
const VALUES: [u8; 256] = digit_values();
const NO_DIGIT: u8 = u8::MAX;
/// Characters after the underscore: 128 bits, five a character.
const DIGITS: usize = 26;
/// Digits that fit a word.
const DIGITS_OF_WORD: usize = 12;
/// Characters before the underscore.
const PREFIX_LENGTH: usize = 3;
/// Characters of an id's text.
pub const ID_TEXT_LENGTH: usize = PREFIX_LENGTH + 1 + DIGITS;

const fn digit_values() -> [u8; 256] {
    let mut values = [NO_DIGIT; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        values[ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    values
}

// === impl Id ===

impl<K: IdKind> Id<K> {
    /// A new id: UUIDv7 (RFC 9562 §5.7) of this millisecond and 74 random bits.
    pub fn new(now: Timestamp, random: &dyn Random) -> Self {
        let mut bytes = [0; 10];
        random.fill(&mut bytes);
        let millis = now.as_micros().max(0) as u64 / 1_000;
        Self::from_raw(uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid().as_u128())
    }

    /// The id with these 128 bits.
    pub const fn from_raw(raw: u128) -> Self {
        Self { raw, kind: PhantomData }
    }

    /// The 128 bits.
    pub const fn as_raw(self) -> u128 {
        self.raw
    }

    /// The id as text.
    pub fn to_text(self) -> [u8; ID_TEXT_LENGTH] {
        let mut text = [b'_'; ID_TEXT_LENGTH];
        let (prefix, digits) = text.split_at_mut(ID_TEXT_LENGTH - DIGITS);
        prefix[..PREFIX_LENGTH].copy_from_slice(K::PREFIX.as_bytes());
        // Word by word of twelve digits: shifting all 128 bits for each digit takes three times as long.
        let words = [(self.raw >> 120) as u64, (self.raw >> 60) as u64, self.raw as u64];
        let (first, rest) = digits.split_at_mut(DIGITS % DIGITS_OF_WORD);
        let (second, third) = rest.split_at_mut(DIGITS_OF_WORD);
        for (digits, mut word) in [first, second, third].into_iter().zip(words) {
            for digit in digits.iter_mut().rev() {
                *digit = ALPHABET[(word & 31) as usize];
                word >>= 5;
            }
        }
        text
    }
}

impl<K: IdKind> FromStr for Id<K> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId { prefix: K::PREFIX };
        let digits = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(invalid)?;
        // 26 digits hold 130 bits: the first may only be 0 to 7.
        if digits.len() != DIGITS || digits.as_bytes()[0] > b'7' {
            return Err(invalid);
        }
        let mut raw = 0;
        let (first, rest) = digits.as_bytes().split_at(DIGITS % DIGITS_OF_WORD);
        for digits in [first].into_iter().chain(rest.chunks(DIGITS_OF_WORD)) {
            let mut word = 0;
            for byte in digits {
                let value = VALUES[usize::from(*byte)];
                if value == NO_DIGIT {
                    return Err(invalid);
                }
                word = word << 5 | u64::from(value);
            }
            raw = raw << (5 * DIGITS_OF_WORD) | u128::from(word);
        }
        Ok(Self::from_raw(raw))
    }
}

impl<K: IdKind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_text()).map_err(|_| fmt::Error)?)
    }
}

impl<K: IdKind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.raw.cmp(&other.raw)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl<K: IdKind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: IdKind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::wire::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRandom;

    #[test]
    fn an_id_survives_its_text() {
        let id = KeyId::new(Timestamp::from_micros(1_700_000_000_000_000), &FixedRandom::new(7));
        let text = id.to_string();
        assert_eq!((text.len(), text.as_bytes()), (ID_TEXT_LENGTH, &id.to_text()[..]));
        assert_eq!(text.parse::<KeyId>(), Ok(id));
        assert_eq!(
            KeyId::from_raw(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210).to_string(),
            "key_014d2pf2dbsqqzxq5tk1v58cgg"
        );
        assert_eq!(KeyId::from_raw(u128::MAX).to_string().parse::<KeyId>(), Ok(KeyId::from_raw(u128::MAX)));
    }

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let random = FixedRandom::new(1);
        let earlier = KeyId::new(Timestamp::from_micros(1_000_000), &random);
        let later = KeyId::new(Timestamp::from_micros(2_000_000), &random);
        assert!(earlier < later && earlier.to_string() < later.to_string());
    }

    #[test]
    fn other_kinds_and_garbage_are_refused() {
        let id = KeyId::from_raw(5).to_string();
        assert!(id.parse::<ApiId>().is_err());
        for text in ["", "key_", "key_0", "key_zzzzzzzzzzzzzzzzzzzzzzzzzz", "key_0000000000000000000000000U", "key"] {
            assert!(text.parse::<KeyId>().is_err(), "{text}");
        }
    }
}
