//! Names of limits.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most characters of a limit's name.
pub const LIMIT_NAME_LENGTH_MAX: usize = 32;

/// A limit's name: 1 to 32 of `[a-z0-9_.-]`, a letter or digit first. It stands as it is in JSON and in
/// the structured fields `RateLimit` and `RateLimit-Policy`, so nothing in it needs escaping there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LimitName(Box<str>);

/// A text that is no name of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {LIMIT_NAME_LENGTH_MAX} characters of a-z, 0-9, `_`, `.` and `-`, a letter or digit first")]
pub struct InvalidLimitName;

// === impl LimitName ===

impl LimitName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LimitName {
    type Err = InvalidLimitName;

    fn from_str(text: &str) -> Result<Self, InvalidLimitName> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let fits = (1..=LIMIT_NAME_LENGTH_MAX).contains(&text.len())
            && text.bytes().all(|byte| plain(byte) || matches!(byte, b'_' | b'.' | b'-'))
            && text.bytes().next().is_some_and(plain);
        if fits { Ok(Self(text.into())) } else { Err(InvalidLimitName) }
    }
}

impl fmt::Display for LimitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for LimitName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for LimitName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::wire::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_needs_no_escaping_anywhere() {
        for good in ["minute", "per-day.2", "1", "a_b"] {
            assert_eq!(good.parse::<LimitName>().map(|name| name.to_string()), Ok(good.to_owned()));
        }
        let long = "a".repeat(LIMIT_NAME_LENGTH_MAX + 1);
        for bad in ["", "-a", ".a", "Minute", "a b", "a\"b", "a;b", "é", "a\n", &long] {
            assert_eq!(bad.parse::<LimitName>(), Err(InvalidLimitName), "{bad:?}");
        }
    }
}
