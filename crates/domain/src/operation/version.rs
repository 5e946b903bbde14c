//! Versions in the paths of an API: `/v3/event`.
//!
//! A mistake here is a bypass: an exception for `v3` must hold for every spelling that an upstream could take for `v3`.
//! So versions are compared folded and without leading zeros, and digits that only some programs know are refused.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::base_path::MatchKind;
use super::router::Refusal;
use crate::path::fold;

/// The most versions of one API.
pub const VERSIONS_MAX: usize = 60;
/// The longest name of a version, and the longest pattern, in bytes.
pub const VERSION_BYTES_MAX: usize = 32;
/// What stands for "no version in the path" where versions are named. No version is called so: each has a digit.
pub const UNVERSIONED: &str = "none";
/// The pattern that an import gives an API whose document carries such versions.
pub const DEFAULT_VERSION_PATTERN: &str = "v#";

/// What the versions of an API look like: letters, `.`, `-` and `_` as they stand, `#` for one or more digits. `v#` is
/// `v3` and `v71`, `#-#-#` is `2024-01-31`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionPattern(Box<str>);

/// The versions of an API.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    pattern: Option<VersionPattern>,
    /// As they are named, and in the form in which spellings are alike.
    listed: Box<[(Box<str>, Box<str>)]>,
}

/// Under which version a path asks for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u8);

/// A set of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionSet(u64);

/// A text that is no pattern of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected letters, `.`, `-` and `_` with at least one `#`, which stands for digits, such as `v#`; at most 32 bytes"
)]
pub struct InvalidVersionPattern;

// === impl VersionPattern ===

impl VersionPattern {
    /// Reads `v#`.
    pub fn parse(text: &str) -> Result<Self, InvalidVersionPattern> {
        let known = |byte: u8| byte.is_ascii_alphabetic() || b"#.-_".contains(&byte);
        // Two `#` in a row would share digits in more than one way.
        let fits = text.len() <= VERSION_BYTES_MAX && text.bytes().all(known) && !text.contains("##");
        if fits && text.contains('#') { Ok(Self(text.into())) } else { Err(InvalidVersionPattern) }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text could be the name of a version: of this pattern, not too long, in ASCII.
    pub fn is_version(&self, text: &str) -> bool {
        text.len() <= VERSION_BYTES_MAX && text.is_ascii() && self.fits(&fold::folded(text)) == Some(true)
    }

    /// Whether folded text is of this pattern; `Some(false)`: only if digits beyond ASCII count, as they do for some.
    fn fits(&self, folded: &str) -> Option<bool> {
        let mut rest = folded;
        let mut ascii = true;
        for byte in self.0.bytes() {
            if byte == b'#' {
                let end = rest.find(|c: char| !c.is_numeric()).unwrap_or(rest.len());
                let (digits, tail) = rest.split_at(end);
                if digits.is_empty() {
                    return None;
                }
                ascii &= digits.is_ascii();
                rest = tail;
            } else {
                rest = rest.strip_prefix(char::from(byte.to_ascii_lowercase()))?;
            }
        }
        rest.is_empty().then_some(ascii)
    }
}

impl fmt::Display for VersionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for VersionPattern {
    type Err = InvalidVersionPattern;

    fn from_str(text: &str) -> Result<Self, InvalidVersionPattern> {
        Self::parse(text)
    }
}

impl Serialize for VersionPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VersionPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

// === impl Versions ===

impl Versions {
    /// Those of an API; `listed` beyond [`VERSIONS_MAX`] count as not listed.
    pub fn new<N: AsRef<str>>(pattern: Option<&VersionPattern>, listed: &[N]) -> Self {
        let names = listed.iter().map(AsRef::as_ref).take(VERSIONS_MAX);
        let listed = names.map(|name| (name.into(), canonical(&fold::folded(name)).into())).collect();
        Self { pattern: pattern.cloned(), listed }
    }

    /// The version that a segment of a path is, and whether it is spelled as it is listed. `None`: it is no version.
    ///
    /// # Errors
    /// Some programs would take it for a version and some would not.
    pub fn find(&self, segment: &str) -> Result<Option<(Version, MatchKind)>, Refusal> {
        let Some(pattern) = &self.pattern else { return Ok(None) };
        let folded = fold::folded(segment);
        match pattern.fits(&folded) {
            None => Ok(None),
            Some(false) => Err(Refusal::AmbiguousVersion),
            Some(true) => {
                let plain = canonical(&folded);
                let version = self.position(&plain).unwrap_or(Version::OTHER);
                let spelled = self.name(version).unwrap_or(&plain) == segment;
                Ok(Some((version, if spelled { MatchKind::Exact } else { MatchKind::Folded })))
            }
        }
    }

    /// The version of this name, however it is spelled; [`UNVERSIONED`] is one too. `None` if it is not listed.
    pub fn named(&self, name: &str) -> Option<Version> {
        if name == UNVERSIONED {
            return Some(Version::NONE);
        }
        self.position(&canonical(&fold::folded(name)))
    }

    /// The name of a listed version.
    pub fn name(&self, version: Version) -> Option<&str> {
        let place = usize::from(version.0).checked_sub(1)?;
        self.listed.get(place).map(|(name, _)| &**name)
    }

    /// Those in which an operation is: all where it names none.
    pub(crate) fn set_of(&self, names: &[Box<str>]) -> VersionSet {
        if names.is_empty() {
            return VersionSet::ALL;
        }
        let each = names.iter().map(|name| self.named(name).unwrap_or(Version::OTHER).only());
        each.fold(VersionSet::EMPTY, VersionSet::union)
    }

    fn position(&self, plain: &str) -> Option<Version> {
        let place = self.listed.iter().position(|(_, known)| **known == *plain)?;
        u8::try_from(place + 1).ok().map(Version)
    }
}

/// Whether two names are one version: they differ in case or leading zeros alone.
pub fn is_same_version(one: &str, other: &str) -> bool {
    canonical(&fold::folded(one)) == canonical(&fold::folded(other))
}

/// Folded text without the leading zeros of its numbers.
fn canonical(folded: &str) -> Cow<'_, str> {
    let bytes = folded.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_leading_zero =
        |at: usize| bytes[at] == b'0' && is_digit(at + 1) && at.checked_sub(1).is_none_or(|before| !is_digit(before));
    let Some(first) = (0..bytes.len()).find(|&at| is_leading_zero(at)) else { return Cow::Borrowed(folded) };
    let mut plain = folded[..first].to_owned();
    let mut in_zeros = false;
    for (at, character) in folded.char_indices().skip_while(|(at, _)| *at < first) {
        in_zeros = character == '0' && is_digit(at + 1) && (in_zeros || is_leading_zero(at));
        if !in_zeros {
            plain.push(character);
        }
    }
    Cow::Owned(plain)
}

// === impl Version ===

impl Version {
    /// The path has no version.
    pub const NONE: Self = Self(0);
    /// A version that the API does not list.
    pub const OTHER: Self = Self(63);

    /// The set of this one alone.
    pub fn only(self) -> VersionSet {
        VersionSet(1 << (self.0 & 63))
    }

    /// The versions whose operations a path of this version may mean: of one that is not listed nobody knows.
    pub(crate) fn reach(self) -> VersionSet {
        if self == Self::OTHER { VersionSet::ALL.without(Self::NONE.only()) } else { self.only() }
    }
}

// === impl VersionSet ===

impl VersionSet {
    /// None.
    pub const EMPTY: Self = Self(0);
    /// Each version, listed or not, and none.
    pub const ALL: Self = Self(u64::MAX);

    /// Whether a version is in it.
    pub fn has(self, version: Version) -> bool {
        self.0 & version.only().0 != 0
    }

    /// Whether nothing is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this one and not in the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(pattern: &str, listed: &[&str]) -> Versions {
        Versions::new(Some(&pattern.parse().expect("a pattern")), listed)
    }

    #[test]
    fn a_pattern_stands_for_digits() {
        let fits = |pattern: &str, text: &str| VersionPattern::parse(pattern).expect("a pattern").is_version(text);
        for (pattern, text) in
            [("v#", "v3"), ("v#", "v71"), ("V#", "v1"), ("v#", "V1"), ("#-#-#", "2024-01-31"), ("v#beta#", "v1beta2")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("v#", "v"), ("v#", "v3x"), ("v#", "v3.0"), ("v#", "3"), ("v#", ""), ("v#.#", "v3"), ("v#", "v３")]
        {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
        for text in ["", "v", "v3", "v##", "v#/", "v#@", "v#é", "#x#x#x#x#x#x#x#x#x#x#x#x#x#x#x#x#"] {
            assert_eq!(VersionPattern::parse(text), Err(InvalidVersionPattern), "{text:?}");
        }
    }

    #[test]
    fn every_spelling_of_a_version_is_that_version() {
        let known = versions("v#", &["v1", "v3", "V10"]);
        let found = |segment: &str| known.find(segment);
        let three = known.named("v3").expect("listed");
        assert_eq!(found("v3"), Ok(Some((three, MatchKind::Exact))));
        for segment in ["V3", "v03", "v0003", "V03", "v３", "v3.", "v3 ", "v3\u{200b}", "ｖ3"] {
            assert_eq!(found(segment), Ok(Some((three, MatchKind::Folded))), "{segment:?}");
        }
        assert_eq!(found("V10").map(|found| found.map(|(_, kind)| kind)), Ok(Some(MatchKind::Exact)));
        assert_eq!(found("v10").map(|found| found.map(|(_, kind)| kind)), Ok(Some(MatchKind::Folded)));
        for segment in ["v30", "v", "v3x", "v3.0", "v-3", "x", "event"] {
            assert_ne!(found(segment).map(|found| found.map(|(version, _)| version)), Ok(Some(three)), "{segment:?}");
        }
        assert_eq!(found("v9"), Ok(Some((Version::OTHER, MatchKind::Exact))));
        assert_eq!(found("v09"), Ok(Some((Version::OTHER, MatchKind::Folded))));
        assert_eq!(found("v0"), Ok(Some((Version::OTHER, MatchKind::Exact))));
        // Python's `int` and `\d` know these digits, others do not.
        assert_eq!(found("v٣"), Err(Refusal::AmbiguousVersion));
        assert_eq!(found("v３٣"), Err(Refusal::AmbiguousVersion));
        assert_eq!(Versions::default().find("v3"), Ok(None));
    }

    #[test]
    fn leading_zeros_go_and_zeros_stay() {
        for (text, plain) in [
            ("v0", "v0"),
            ("v00", "v0"),
            ("v010", "v10"),
            ("v100", "v100"),
            ("2024-01-05", "2024-1-5"),
            ("0.00", "0.0"),
        ] {
            assert_eq!(canonical(text), plain, "{text}");
        }
        assert!(is_same_version("V01", "v1") && !is_same_version("v1", "v10"));
    }

    #[test]
    fn an_operation_is_in_the_versions_it_names_or_in_all() {
        let known = versions("v#", &["v1", "v2"]);
        let names = |list: &[&str]| list.iter().map(|name| Box::from(*name)).collect::<Vec<Box<str>>>();
        assert_eq!(known.set_of(&[]), VersionSet::ALL);
        let first = known.set_of(&names(&["v1", UNVERSIONED]));
        assert!(first.has(known.named("v1").expect("listed")) && first.has(Version::NONE));
        assert!(!first.has(known.named("v2").expect("listed")) && !first.has(Version::OTHER));
        assert!(known.set_of(&names(&["v7"])).has(Version::OTHER));
        assert!(!Version::OTHER.reach().has(Version::NONE) && Version::OTHER.reach().has(Version::OTHER));
    }
}
