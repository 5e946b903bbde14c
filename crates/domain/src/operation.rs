//! Operations of an API, and which of them a request asks for.
//!
//! [`Router`] turns method and path into the operations that a key must hold, all of them. Nothing here knows keys.

mod base_path;
mod dominance;
mod literals;
mod mixed;
mod pattern;
mod router;
mod template;
mod version;

#[cfg(test)]
mod routing_tests;
#[cfg(test)]
mod spellings;
#[cfg(test)]
mod version_tests;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use base_path::{BasePath, BasePathProblem, MatchKind, Remainder};
pub use pattern::{OperationPattern, OperationPatternProblem};
pub use router::{Matches, OperationIndices, Refusal, Router, RouterProblem};
pub use template::{Template, TemplateProblem};
pub use version::{
    DEFAULT_VERSION_PATTERN, InvalidVersionPattern, UNVERSIONED, VERSION_BYTES_MAX, VERSIONS_MAX, Version,
    VersionPattern, VersionSet, Versions, is_same_version,
};

/// Most operations of one API.
pub const MAX_OPERATIONS: usize = 100_000;
/// Longest name of an operation, in bytes.
pub const MAX_OPERATION_NAME_BYTES: usize = 256;
/// Longest path template, in bytes.
pub const MAX_TEMPLATE_BYTES: usize = 2 * 1024;
/// Most parts (texts and parameters) of one segment of a template.
pub const MAX_SEGMENT_PARTS: usize = 16;
/// Longest method, in bytes.
pub const MAX_METHOD_BYTES: usize = 32;
/// Most operations that one request may match at once; more is refused.
pub const MAX_MATCHES: usize = 16;
/// Most steps of one look-up; a document that needs more is refused for that path.
pub const MAX_LOOKUP_STEPS: u32 = 4_096;

/// An operation of an API: method and path template. Its place in the API's list is its place in the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its name within the API: the document's `operationId`, else made from method and path.
    pub name: Box<str>,
    /// The method in upper case, as requests spell it.
    pub method: Box<str>,
    /// The path template, without the API's base path and without a version.
    pub template: Box<str>,
    /// The template's parameters that take one or more segments; all others take exactly one.
    pub multi_segment: Vec<Box<str>>,
    /// One line for people.
    pub summary: Box<str>,
    /// The document's tags.
    pub tags: Vec<Box<str>>,
    /// The versions of the API that have it, [`UNVERSIONED`] among them; empty = every one. Where they differ in method or
    /// template there is one of these for each, with one name and no version in common.
    #[serde(default)]
    pub versions: Vec<Box<str>>,
}

/// A request's method: a token (RFC 9110, 9.1) of at most [`MAX_METHOD_BYTES`], compared exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Method<'m>(&'m str);

/// The method that a header such as `X-HTTP-Method-Override` or `_method` asks for.
///
/// Frameworks write it in upper case before they compare it, so it is judged that way.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MethodOverride {
    bytes: [u8; MAX_METHOD_BYTES],
    len: u8,
}

/// A text that is no method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a method: a token of at most 32 characters such as GET")]
pub struct MethodProblem;

// === impl Method ===

impl<'m> Method<'m> {
    /// Takes the method as it stands in the request line.
    pub fn parse(text: &'m str) -> Result<Self, MethodProblem> {
        let fits = (1..=MAX_METHOD_BYTES).contains(&text.len());
        if fits && text.bytes().all(is_token_byte) { Ok(Self(text)) } else { Err(MethodProblem) }
    }

    /// As it stands in the request line.
    pub const fn as_str(self) -> &'m str {
        self.0
    }

    /// Whether it is `HEAD`, which counts as `GET`.
    pub fn is_head(self) -> bool {
        self.0 == "HEAD"
    }
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

// === impl MethodOverride ===

impl MethodOverride {
    /// Takes the decoded value of a header or of `_method`; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, MethodProblem> {
        let method = Method::parse(text.trim_ascii())?.0.as_bytes();
        let mut bytes = [0; MAX_METHOD_BYTES];
        for (to, from) in bytes.iter_mut().zip(method) {
            *to = from.to_ascii_uppercase();
        }
        Ok(Self { bytes, len: u8::try_from(method.len()).map_err(|_| MethodProblem)? })
    }

    /// The method to judge.
    pub fn method(&self) -> Method<'_> {
        Method(std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default())
    }
}

impl fmt::Debug for MethodOverride {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.method(), f)
    }
}

/// `tchar` of RFC 9110, 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_a_short_token() {
        for method in ["GET", "get", "PROPFIND", "M-SEARCH"] {
            assert_eq!(Method::parse(method).map(Method::as_str), Ok(method));
        }
        for text in ["", "GE T", "GET\r", "GÉT", "GET/", &"A".repeat(33)] {
            assert_eq!(Method::parse(text), Err(MethodProblem), "{text:?}");
        }
        assert!(Method::parse("HEAD").unwrap().is_head());
        assert!(!Method::parse("head").unwrap().is_head());
    }

    #[test]
    fn an_override_is_judged_in_upper_case() {
        assert_eq!(MethodOverride::parse(" delete\t").unwrap().method().as_str(), "DELETE");
        assert_eq!(MethodOverride::parse(""), Err(MethodProblem));
        assert_eq!(MethodOverride::parse("DELETE,GET"), Err(MethodProblem));
    }
}
