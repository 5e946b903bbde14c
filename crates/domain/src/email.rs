//! E-mail addresses: by them people are known in the whole installation.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

use crate::name::{is_invisible, search_form};

/// The most characters of an e-mail address (RFC 5321, 4.5.3.1.3).
pub const EMAIL_LENGTH_MAX: usize = 254;

/// An e-mail address, checked as far as that is possible without sending to it: trimmed, NFC.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(Box<str>);

/// A text that is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an e-mail address such as ann@example.com")]
pub struct InvalidEmail;

// === impl Email ===

impl Email {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two addresses are the same: NFKC and case folded, so that a full-width or upper-case twin of an
    /// address is no second person.
    pub fn search_form(&self) -> String {
        search_form(&self.0)
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(&self.0, |(local, _)| local)
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text: String = text.trim().nfc().collect();
        let unfit = |c: char| c.is_control() || c.is_whitespace() || is_invisible(c);
        // Composed forms such as a full-width `＠` must not hide where the domain begins.
        let ats = search_form(&text).matches('@').count();
        let (local, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let fits = ats == 1 && !local.is_empty() && !domain.is_empty() && text.chars().count() <= EMAIL_LENGTH_MAX;
        if fits && !text.chars().any(unfit) { Ok(Self(text.into())) } else { Err(InvalidEmail) }
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Email {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Email {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::wire::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_told_from_other_texts() {
        for text in ["ann@example.com", " ann@example.com ", "a@b", "ann+x@ex-ample.co.uk", "żółw@example.com"] {
            assert_eq!(text.parse::<Email>().map(|email| email.to_string()), Ok(text.trim().to_owned()), "{text}");
        }
        let long = format!("{}@b", "a".repeat(254));
        for text in
            ["", "ann", "@example.com", "ann@", "a b@c", "a@b\nc", "a@b@c", "a\u{ff20}b@c", "an\u{200b}n@b", &long]
        {
            assert_eq!(text.parse::<Email>(), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn look_alikes_are_one_address() {
        let form = |text: &str| text.parse::<Email>().expect("an address").search_form();
        for alike in ["ANN@Example.COM", "ａnn@example.com", "ann@ｅxample.com", "aNN@example.com"] {
            assert_eq!(form(alike), form("ann@example.com"), "{alike}");
        }
        assert_eq!(form("jose\u{301}@example.com"), form("JOSÉ@example.com"));
        assert_ne!(form("аnn@example.com"), form("ann@example.com"), "Cyrillic: no folding makes it the Latin letter");
    }
}
