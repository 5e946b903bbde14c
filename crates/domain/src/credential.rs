//! The shape of a credential: `<prefix>_<environment>_<secret><checksum>`.
//!
//! The secret is 32 base62 characters (190 bits), the checksum 6 base62 characters of the IEEE CRC32 of everything
//! before it, left-padded with `0` (the layout of GitHub's tokens). A bad checksum is refused before any look-up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::clock::Random;
use crate::secret::Secret;

/// Characters of the secret part.
pub const SECRET_LENGTH: usize = 32;
/// Characters of the checksum.
pub const CHECKSUM_LENGTH: usize = 6;
/// The fewest characters a credential of foreign shape may have.
pub const OPAQUE_LENGTH_MIN: usize = 22;
/// The most bytes a credential may have at any door.
pub const CREDENTIAL_LENGTH_MAX: usize = 4_096;
/// How many of its last characters a hint shows; for a native key they belong to the checksum.
pub const HINT_TAIL_LENGTH: usize = 4;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Which hosts a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Real traffic.
    #[default]
    Live,
    /// Test hosts.
    Test,
}

/// What an organization's keys begin with: 2 to 12 of `[a-z0-9]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyPrefix(Box<str>);

/// A text that is no key prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 2 to 12 characters of a-z and 0-9")]
pub struct InvalidKeyPrefix;

/// What a text looks like, before anything is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Of native shape, with a right checksum.
    Native,
    /// Of native shape, with a wrong checksum: mistyped or made up.
    BadChecksum,
    /// Of foreign shape and long enough to be an imported key.
    Opaque,
    /// Too short or too long to be any credential.
    Unfit,
}

/// Makes a new single key.
pub fn generate_key(prefix: &KeyPrefix, environment: Environment, random: &dyn Random) -> Secret {
    let mut text = String::with_capacity(prefix.as_str().len() + 6 + SECRET_LENGTH + CHECKSUM_LENGTH);
    text.push_str(prefix.as_str());
    text.push_str(match environment {
        Environment::Live => "_live_",
        Environment::Test => "_test_",
    });
    push_random_base62(&mut text, SECRET_LENGTH, random);
    let checksum = checksum(text.as_bytes());
    text.extend(checksum.iter().map(|&byte| char::from(byte)));
    Secret::new(text)
}

/// Classifies a presented text by its form alone.
pub fn form(text: &str) -> Form {
    if is_native_shape(text) {
        let (head, tail) = text.as_bytes().split_at(text.len() - CHECKSUM_LENGTH);
        return if checksum(head) == tail { Form::Native } else { Form::BadChecksum };
    }
    if (OPAQUE_LENGTH_MIN..=CREDENTIAL_LENGTH_MAX).contains(&text.len()) { Form::Opaque } else { Form::Unfit }
}

/// Whether `text` is of native shape, whatever its prefix: `^[a-z0-9]{2,12}_(live|test)_[0-9A-Za-z]{38}$`.
pub fn is_native_shape(text: &str) -> bool {
    const TAIL: usize = SECRET_LENGTH + CHECKSUM_LENGTH;
    let bytes = text.as_bytes();
    if bytes.len() < 2 + 6 + TAIL || bytes.len() > 12 + 6 + TAIL {
        return false;
    }
    let (head, tail) = bytes.split_at(bytes.len() - TAIL);
    let (prefix, environment) = head.split_at(head.len() - 6);
    (environment == b"_live_" || environment == b"_test_")
        && prefix.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        // All of them, without an early end: so the compiler looks at sixteen at a time.
        && tail.iter().fold(true, |all, byte| all & byte.is_ascii_alphanumeric())
}

/// What may be shown of a credential afterwards: for a native key prefix, environment and the last four characters
/// (`clv_live_…8Kx2`), for a foreign one only those four.
pub fn hint(credential: &Secret) -> String {
    let text = credential.expose();
    let tail_at = text.char_indices().rev().nth(HINT_TAIL_LENGTH - 1).map_or(0, |(at, _)| at);
    let head = if is_native_shape(text) { &text[..text.len() - SECRET_LENGTH - CHECKSUM_LENGTH] } else { "" };
    format!("{head}…{}", &text[tail_at..])
}

/// Appends `count` uniformly random base62 characters.
pub(crate) fn push_random_base62(text: &mut String, count: usize, random: &dyn Random) {
    let mut left = count;
    let mut bytes = zeroize::Zeroizing::new([0u8; 64]);
    while left > 0 {
        random.fill(&mut bytes[..]);
        // Six bits a byte, 62 and 63 thrown away: no modulo bias.
        for index in bytes.iter().map(|byte| usize::from(byte & 63)).filter(|&index| index < 62).take(left) {
            text.push(char::from(BASE62[index]));
            left -= 1;
        }
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut rest = crc32fast::hash(bytes) as usize;
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % 62];
        rest /= 62;
    }
    digits
}

// === impl KeyPrefix ===

impl KeyPrefix {
    /// The prefix as it stands before the first underscore.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for KeyPrefix {
    fn default() -> Self {
        Self("clv".into())
    }
}

impl FromStr for KeyPrefix {
    type Err = InvalidKeyPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidKeyPrefix> {
        let fits = (2..=12).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if fits { Ok(Self(text.into())) } else { Err(InvalidKeyPrefix) }
    }
}

impl Serialize for KeyPrefix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for KeyPrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::wire::from_text(deserializer)
    }
}

// === impl Environment ===

impl Environment {
    /// The word in keys, on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRandom;

    #[test]
    fn a_generated_key_is_native_and_its_hint_hides_it() {
        let key = generate_key(&KeyPrefix::default(), Environment::Live, &FixedRandom::new(3));
        let text = key.expose();
        assert!(text.starts_with("clv_live_") && text.len() == 9 + 38);
        assert_eq!(form(text), Form::Native);
        let hint = hint(&key);
        assert_eq!(hint, format!("clv_live_…{}", &text[text.len() - 4..]));
    }

    #[test]
    fn the_checksum_is_githubs_layout() {
        // A constant to pin alphabet, padding and polynomial: CRC32("123456789") = 0xCBF43926.
        assert_eq!(&checksum(b"123456789"), b"3jZRME");
        assert_eq!(checksum(b"").as_slice(), b"000000");
    }

    #[test]
    fn any_changed_character_is_a_bad_checksum() {
        let key = generate_key(&KeyPrefix::default(), Environment::Test, &FixedRandom::new(9));
        let text = key.expose();
        for at in 9..text.len() {
            let other = if &text[at..=at] == "a" { "b" } else { "a" };
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert_eq!(form(&changed), Form::BadChecksum, "{at}");
        }
    }

    #[test]
    fn foreign_shapes_are_told_by_length() {
        assert_eq!(form("short"), Form::Unfit);
        assert_eq!(form(&"x".repeat(21)), Form::Unfit);
        assert_eq!(form(&"x".repeat(22)), Form::Opaque);
        assert_eq!(form(&"x".repeat(CREDENTIAL_LENGTH_MAX + 1)), Form::Unfit);
        assert_eq!(form(&format!("C_live_{}", "a".repeat(38))), Form::Opaque);
    }
}
