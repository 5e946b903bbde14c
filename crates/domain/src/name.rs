//! Names people give, and slugs that requests use.

mod unseen;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use unicode_normalization::UnicodeNormalization;

pub(crate) use unseen::is_invisible;

/// The most characters of a name.
pub const NAME_LENGTH_MAX: usize = 120;
/// The most characters of a description.
pub const DESCRIPTION_LENGTH_MAX: usize = 1_000;
/// The most characters of a slug.
pub const SLUG_LENGTH_MAX: usize = 63;

/// A name: trimmed, NFC, no control characters, 1 to [`NAME_LENGTH_MAX`] characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(Box<str>);

/// What a request calls an API, a set or an organization by: 1 to 63 of `[a-z0-9-]`, no hyphen at either end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slug(Box<str>);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Nothing left after trimming.
    #[error("must not be empty")]
    Empty,
    /// Too many characters.
    #[error("expected at most {0} characters")]
    TooLong(usize),
    /// A control character.
    #[error("must not contain control characters")]
    Control,
    /// A character that is shown as nothing, or turns the direction of what is shown.
    #[error("must not contain characters that are not shown (U+{0:04X})")]
    Invisible(u32),
}

/// A text that is no slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 63 characters of a-z, 0-9 and inner hyphens")]
pub struct InvalidSlug;

/// The form in which texts are searched and compared: NFKC, case folded by Unicode's full default folding.
///
/// It is made here and stored beside the text, because the two databases fold and sort differently. Characters that are shown as
/// nothing count as nothing.
pub fn search_form(text: &str) -> String {
    // The same, some twenty times as fast.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    caseless::default_case_fold_str(&text.nfkc().collect::<String>()).nfkc().filter(|c| !is_invisible(*c)).collect()
}

/// A free text as it is stored: NFC, trimmed, at most `max` characters, no control characters but line breaks.
pub fn free_text(text: &str, max: usize) -> Result<String, InvalidName> {
    let text: String = text.trim().nfc().collect();
    if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return Err(InvalidName::Control);
    }
    if text.chars().count() > max { Err(InvalidName::TooLong(max)) } else { Ok(text) }
}

// === impl Name ===

impl Name {
    /// A name that somebody gives now: one that is seen whole. Names that are stored are read by [`FromStr`], which knows
    /// nothing of this, so that none of before becomes unreadable.
    ///
    /// # Errors
    /// As [`FromStr`], and [`InvalidName::Invisible`].
    pub fn new(text: &str) -> Result<Self, InvalidName> {
        let name: Self = text.parse()?;
        match unseen::first(&name.0) {
            Some((_, c)) => Err(InvalidName::Invisible(u32::from(c))),
            None => Ok(name),
        }
    }

    /// A name made of any text: without what is not seen, cut to the longest a name may be. `None` where nothing is left.
    pub fn made_of(text: &str) -> Option<Self> {
        let plain: String = text.nfc().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut name: String = plain.trim().chars().take(NAME_LENGTH_MAX).collect();
        while let Some((place, _)) = unseen::first(&name) {
            name.remove(place);
        }
        Self::new(&name).ok()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two names are the same name.
    pub fn search_form(&self) -> String {
        search_form(&self.0)
    }
}

impl FromStr for Name {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let text = text.trim();
        // ASCII is composed as it is; composing takes longer than all the rest of reading a key.
        let name: String = if text.is_ascii() { text.to_owned() } else { text.nfc().collect() };
        match name.chars().count() {
            0 => Err(InvalidName::Empty),
            count if count > NAME_LENGTH_MAX => Err(InvalidName::TooLong(NAME_LENGTH_MAX)),
            _ if name.chars().any(char::is_control) => Err(InvalidName::Control),
            _ => Ok(Self(name.into())),
        }
    }
}

// === impl Slug ===

impl Slug {
    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A slug made from a name: what is not a letter or digit becomes a hyphen; `fallback` if nothing is left.
    pub fn from_name(name: &str, fallback: &str) -> Self {
        let mut slug = String::new();
        for c in search_form(name).nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)) {
            if c.is_ascii_lowercase() || c.is_ascii_digit() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(SLUG_LENGTH_MAX);
        let slug = slug.trim_matches('-');
        Self(if slug.is_empty() { fallback.into() } else { slug.into() })
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        let fits = (1..=SLUG_LENGTH_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if fits { Ok(Self(text.into())) } else { Err(InvalidSlug) }
    }
}

macro_rules! text_on_the_wire {
    ($type:ident) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::wire::from_text(deserializer)
            }
        }
    };
}
text_on_the_wire!(Name);
text_on_the_wire!(Slug);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_composed_and_bounded() {
        let composed: Name = "  Cafe\u{301}  ".parse().expect("a name");
        assert_eq!(composed.as_str(), "Caf\u{e9}");
        assert_eq!("   ".parse::<Name>(), Err(InvalidName::Empty));
        assert_eq!("a\u{7}b".parse::<Name>(), Err(InvalidName::Control));
        assert_eq!("x".repeat(121).parse::<Name>(), Err(InvalidName::TooLong(120)));
    }

    #[test]
    fn a_new_name_is_seen_whole() {
        for (text, unseen) in [
            ("\u{200b}", 0x200b),
            ("Im\u{200b}port", 0x200b),
            ("gnp.\u{202e}exe", 0x202e),
            ("so\u{ad}ft", 0xad),
            ("\u{3164}", 0x3164),
            ("Im\u{200d}port", 0x200d),
            ("\u{200d}\u{fe0f}", 0x200d),
            ("\u{2800}", 0x2800),
            ("one\u{2028}two", 0x2028),
        ] {
            assert_eq!(Name::new(text), Err(InvalidName::Invisible(unseen)), "{}", text.escape_unicode());
            assert!(text.parse::<Name>().is_ok(), "one that is stored is read");
        }
        // A family of three, and Persian with its non-joiner.
        for text in ["👨\u{200d}👩\u{200d}👧", "می\u{200c}خواهم", "❤\u{fe0f}"] {
            assert_eq!(Name::new(text).map(|name| name.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(search_form("Im\u{200b}port"), search_form("import"));
        assert_eq!(search_form("می\u{200c}خواهم"), search_form("میخواهم"));
    }

    #[test]
    fn a_name_can_be_made_of_any_text() {
        let made = |text: &str| Name::made_of(text).map(|name| name.to_string());
        assert_eq!(made(" a\u{7}b\u{202e}c\u{200d}\u{200d} ").as_deref(), Some("a bc"));
        assert_eq!(made("می\u{200c}خواهم").as_deref(), Some("می\u{200c}خواهم"));
        for text in ["", " \u{0}", "\u{200b}", "\u{2800}\u{2028}"] {
            assert_eq!(made(text), None, "{}", text.escape_unicode());
        }
        let long = made(&"\u{200b}x".repeat(1_000)).expect("a name");
        assert!(long.len() <= NAME_LENGTH_MAX && long.chars().all(|c| c == 'x'), "{long}");
        assert_eq!(made(&format!("{} {}", "x".repeat(119), "y".repeat(9))).map(|name| name.len()), Some(119));
    }

    #[test]
    fn search_forms_ignore_case_in_every_script() {
        for (one, other) in [("ÉCOLE", "école"), ("Straße", "STRASSE"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("ｆｕｌｌ", "FULL")]
        {
            assert_eq!(search_form(one), search_form(other));
        }
    }

    #[test]
    fn slugs_are_made_from_names() {
        for (name, slug) in [("GitHub v3 REST API", "github-v3-rest-api"), ("Éco & Cie", "eco-cie"), ("日本", "api")]
        {
            assert_eq!(Slug::from_name(name, "api").as_str(), slug);
            assert!(slug.parse::<Slug>().is_ok());
        }
        for text in ["", "-a", "a-", "A", "a_b", "a b"] {
            assert_eq!(text.parse::<Slug>(), Err(InvalidSlug), "{text}");
        }
    }
}
