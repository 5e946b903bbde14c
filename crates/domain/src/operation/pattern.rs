//! A pattern over the names of an API's operations: `issues/*`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::MAX_OPERATION_NAME_BYTES;

/// The text after `<api slug>:`: a name, or the beginning of names followed by `*`, which stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OperationPattern {
    /// Without the `*`.
    text: Box<str>,
    prefix: bool,
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
}

// === impl OperationPattern ===

impl OperationPattern {
    /// Reads the text after `<api slug>:`.
    pub fn parse(text: &str) -> Result<Self, OperationPatternProblem> {
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
        Ok(Self { text: text.into(), prefix })
    }

    /// Whether it covers the operation of this name.
    pub fn matches(&self, name: &str) -> bool {
        if self.prefix { name.starts_with(&*self.text) } else { name == &*self.text }
    }

    /// Whether it names one operation, without `*`.
    pub fn is_name(&self) -> bool {
        !self.prefix
    }
}

impl fmt::Display for OperationPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.text, if self.prefix { "*" } else { "" })
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
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
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
    fn what_is_no_pattern_says_why() {
        use OperationPatternProblem as Problem;
        for (text, problem) in [
            ("", Problem::Empty),
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
        for text in ["issues/*", "repos/get", "*"] {
            let stored = serde_json::to_string(&OperationPattern::parse(text).unwrap()).unwrap();
            assert_eq!(stored, format!("{text:?}"));
            assert_eq!(serde_json::from_str::<OperationPattern>(&stored).unwrap().to_string(), text);
        }
        assert!(serde_json::from_str::<OperationPattern>("\"*a\"").is_err());
    }
}
