//! A pattern over the names of an API's operations: `issues/*`, `createEvent@v3`, `!createEvent@v3`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{MAX_OPERATION_NAME_BYTES, VERSION_BYTES_MAX, is_same_version};

/// The text after `<api slug>:`: a name, or the beginning of names followed by `*`, which stands for any characters; then
/// perhaps `@` and the version that alone is meant. With a `!` before it (on the wire it stands before the API) it takes
/// away instead of giving.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperationPattern {
    /// Without the `*`.
    text: Box<str>,
    prefix: bool,
    /// As it was written; all versions where there is none.
    version: Option<Box<str>>,
    exception: bool,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OperationPatternProblem {
    /// Nothing there.
    #[error("expected an operation's name or a pattern such as `issues/*`")]
    Empty,
    /// A `*` that is not the last character.
    #[error("`*` may stand only at the end of a pattern")]
    StarNotLast,
    /// More than [`MAX_OPERATION_NAME_BYTES`].
    #[error("an operation's name has at most 256 bytes")]
    TooLong,
    /// A control character, or white space around it.
    #[error("an operation's name has no control characters and no spaces around it")]
    NotAName,
    /// No version behind the `@`.
    #[error("expected a version behind the `@`, such as `@v3`; at most 32 bytes")]
    Version,
}

// === impl OperationPattern ===

impl OperationPattern {
    /// Reads the text after `<api slug>:`, with the `!` of an exception before it.
    pub fn parse(text: &str) -> Result<Self, OperationPatternProblem> {
        let (text, exception) = text.strip_prefix('!').map_or((text, false), |rest| (rest, true));
        // No name has an `@` (imports replace it), so the last one begins a version.
        let (text, version) = match text.rsplit_once('@') {
            Some((text, version)) => (text, Some(parse_version(version)?)),
            None => (text, None),
        };
        if text.is_empty() {
            return Err(OperationPatternProblem::Empty);
        }
        if text.len() > MAX_OPERATION_NAME_BYTES {
            return Err(OperationPatternProblem::TooLong);
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(OperationPatternProblem::NotAName);
        }
        let (text, prefix) = match text.strip_suffix('*') {
            Some(text) => (text, true),
            None => (text, false),
        };
        if text.contains('*') {
            return Err(OperationPatternProblem::StarNotLast);
        }
        Ok(Self { text: text.into(), prefix, version, exception })
    }

    /// Whether it gives the operation of this name, in one version at least. An exception gives nothing.
    pub fn matches(&self, name: &str) -> bool {
        !self.exception && self.names(name)
    }

    /// Whether it means the operation of this name, to give it or to take it away.
    pub fn names(&self, name: &str) -> bool {
        if self.prefix { name.starts_with(&*self.text) } else { name == &*self.text }
    }

    /// Whether it means one operation in all versions: without `*`, `@` and `!`.
    pub fn is_name(&self) -> bool {
        !self.prefix && self.version.is_none() && !self.exception
    }

    /// The name, or the beginning of names.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a `*` follows the text.
    pub fn is_prefix(&self) -> bool {
        self.prefix
    }

    /// The version that alone it means.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Whether it takes away.
    pub fn is_exception(&self) -> bool {
        self.exception
    }

    /// Whether it means the version of this name, in whatever spelling.
    pub fn means_version(&self, version: &str) -> bool {
        self.version.as_deref().is_none_or(|own| is_same_version(own, version))
    }

    /// Whether an operation could be meant by both, exceptions or not, in one version at least.
    pub fn may_meet(&self, other: &Self) -> bool {
        let same_version = self.version().zip(other.version()).is_none_or(|(own, other)| is_same_version(own, other));
        let names = match (self.prefix, other.prefix) {
            (true, true) => self.text.starts_with(&*other.text) || other.text.starts_with(&*self.text),
            (true, false) => self.names(&other.text),
            (false, _) => other.names(&self.text),
        };
        same_version && names
    }

    /// Whether it means everything that another means, exceptions or not.
    pub fn covers(&self, other: &Self) -> bool {
        let versions =
            self.version().is_none_or(|own| other.version().is_some_and(|other| is_same_version(own, other)));
        versions && (self.prefix || !other.prefix) && self.names(&other.text)
    }

    /// As it stands on the wire, behind the `!` of an exception and the name of its API.
    pub fn of_api(&self, api: &str) -> String {
        let sign = if self.exception { "!" } else { "" };
        format!("{sign}{api}:{}", Plain(self))
    }
}

fn parse_version(version: &str) -> Result<Box<str>, OperationPatternProblem> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let fits = (1..=VERSION_BYTES_MAX).contains(&version.len()) && version.bytes().all(known);
    if fits { Ok(version.into()) } else { Err(OperationPatternProblem::Version) }
}

/// A pattern without the `!`.
struct Plain<'p>(&'p OperationPattern);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0.text, if self.0.prefix { "*" } else { "" })?;
        self.0.version.as_deref().map_or(Ok(()), |version| write!(f, "@{version}"))
    }
}

impl fmt::Display for OperationPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.exception { "!" } else { "" }, Plain(self))
    }
}

impl FromStr for OperationPattern {
    type Err = OperationPatternProblem;

    fn from_str(text: &str) -> Result<Self, OperationPatternProblem> {
        Self::parse(text)
    }
}

impl Serialize for OperationPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OperationPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::wire::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_at_the_end_only() {
        let covers = |pattern: &str, name: &str| OperationPattern::parse(pattern).unwrap().matches(name);
        assert!(covers("issues/*", "issues/get"));
        assert!(covers("issues/*", "issues/a/b"));
        assert!(covers("issues/*", "issues/"));
        assert!(covers("*", "anything"));
        assert!(covers("repos/get", "repos/get"));
        assert!(!covers("issues/*", "issues"));
        assert!(!covers("issues/*", "Issues/get"));
        assert!(!covers("repos/get", "repos/get-content"));
    }

    #[test]
    fn a_version_and_an_exception_are_told_apart_from_the_name() {
        let pattern = |text: &str| OperationPattern::parse(text).unwrap();
        let one = pattern("createEvent@v3");
        assert!(one.matches("createEvent") && !one.is_name() && one.version() == Some("v3"));
        assert!(one.means_version("V03") && !one.means_version("v30") && pattern("a").means_version("v3"));
        let exception = pattern("!events/*@v3");
        assert!(exception.names("events/create") && !exception.matches("events/create"), "it gives nothing");
        assert!(exception.is_exception() && exception.is_prefix() && exception.text() == "events/");
        assert_eq!(exception.of_api("shop"), "!shop:events/*@v3");
        assert_eq!(one.of_api("shop"), "shop:createEvent@v3");
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        use OperationPatternProblem as Problem;
        for (text, problem) in [
            ("", Problem::Empty),
            ("!", Problem::Empty),
            ("@v3", Problem::Empty),
            ("a@", Problem::Version),
            ("a@v 3", Problem::Version),
            ("a@v3*", Problem::Version),
            (&format!("a@{}", "v".repeat(33)), Problem::Version),
            ("*/get", Problem::StarNotLast),
            ("a**", Problem::StarNotLast),
            (" a", Problem::NotAName),
            ("a\n", Problem::NotAName),
            ("a\0b", Problem::NotAName),
            (&"a".repeat(257), Problem::TooLong),
        ] {
            assert_eq!(OperationPattern::parse(text), Err(problem), "{text:?}");
        }
    }

    #[test]
    fn a_pattern_is_stored_as_written() {
        for text in ["issues/*", "repos/get", "*", "repos/get@v3", "!repos/*@2024-01-31", "!repos/get"] {
            let stored = serde_json::to_string(&OperationPattern::parse(text).unwrap()).unwrap();
            assert_eq!(stored, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<OperationPattern>(&stored).unwrap().to_string(), text);
        }
        assert!(serde_json::from_str::<OperationPattern>("\"*a\"").is_err());
    }
}
