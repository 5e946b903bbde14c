//! Credential sources: where in a request an API's keys stand.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most sources of an API.
pub const CREDENTIAL_SOURCES_MAX: usize = 8;
/// The most bytes of the name of a header or query parameter.
pub const SOURCE_NAME_BYTES_MAX: usize = 64;

/// What stands before the name of a query parameter.
const QUERY: &str = "query:";
/// Headers that say something else at a door or on the way to it; so do all that begin with one of [`TAKEN_BEGINNINGS`].
const TAKEN: [&str; 22] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "origin",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-api-signature",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-real-ip",
    "x-token",
];
const TAKEN_BEGINNINGS: [&str; 8] =
    ["access-control-", "proxy-", "sec-", "x-auth-", "x-claviger-", "x-forwarded-", "x-original-", "x-rewrite-"];

/// A place where a key may stand: `basic`, `bearer`, the name of a header, or `query:` and the name of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CredentialSource {
    /// The password (or a whole pair) in `Authorization: Basic`.
    Basic,
    /// The value of `Authorization: Bearer`.
    Bearer,
    /// A header whose value is the key; lower case.
    Header(Box<str>),
    /// A parameter of the query. Off unless chosen: what stands in a URL is written into logs.
    Query(Box<str>),
}

/// Why a text is no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceProblem {
    /// Neither a word nor a name of a header.
    #[error("expected `basic`, `bearer`, the name of a header such as `X-Api-Key`, or `query:` and a parameter's name")]
    NoName,
    /// Too long.
    #[error("a name may have {SOURCE_NAME_BYTES_MAX} characters at most")]
    TooLong,
    /// A header that says something else.
    #[error("this header has another meaning on the way to the door; for Authorization write `basic` or `bearer`")]
    Taken,
}

/// What counts where an API says nothing else: Basic, Bearer, and `X-Api-Key`.
pub fn default_sources() -> [CredentialSource; 3] {
    [CredentialSource::Basic, CredentialSource::Bearer, CredentialSource::Header("x-api-key".into())]
}

// === impl CredentialSource ===

impl FromStr for CredentialSource {
    type Err = SourceProblem;

    fn from_str(text: &str) -> Result<Self, SourceProblem> {
        if text.len() > SOURCE_NAME_BYTES_MAX + QUERY.len() {
            return Err(SourceProblem::TooLong);
        }
        if let Some(name) = text.strip_prefix(QUERY) {
            return parameter(name).map(Self::Query);
        }
        match text.to_ascii_lowercase().as_str() {
            "basic" => Ok(Self::Basic),
            "bearer" => Ok(Self::Bearer),
            name => header(name).map(Self::Header),
        }
    }
}

/// A header's name as gateways pass it on: no underscores, which nginx drops and services take for hyphens.
fn header(name: &str) -> Result<Box<str>, SourceProblem> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !plain || !name.starts_with(|first: char| first.is_ascii_alphabetic()) || name.ends_with('-') {
        return Err(SourceProblem::NoName);
    }
    if name.len() > SOURCE_NAME_BYTES_MAX {
        return Err(SourceProblem::TooLong);
    }
    let taken = TAKEN.contains(&name) || TAKEN_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    if taken { Err(SourceProblem::Taken) } else { Ok(name.into()) }
}

/// A parameter's name that stands in a query as it is, without escapes.
fn parameter(name: &str) -> Result<Box<str>, SourceProblem> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(SourceProblem::NoName);
    }
    if name.len() > SOURCE_NAME_BYTES_MAX {
        return Err(SourceProblem::TooLong);
    }
    // The router reads it as a method.
    if name == "_method" { Err(SourceProblem::Taken) } else { Ok(name.into()) }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic => f.write_str("basic"),
            Self::Bearer => f.write_str("bearer"),
            Self::Header(name) => f.write_str(name),
            Self::Query(name) => write!(f, "{QUERY}{name}"),
        }
    }
}

impl Serialize for CredentialSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CredentialSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_written_as_they_are_read() {
        for (text, written) in [
            ("basic", "basic"),
            ("Bearer", "bearer"),
            ("X-Api-Key", "x-api-key"),
            ("Token", "token"),
            ("query:api_key", "query:api_key"),
            ("query:Key.v2", "query:Key.v2"),
        ] {
            assert_eq!(text.parse::<CredentialSource>().map(|it| it.to_string()).as_deref(), Ok(written), "{text}");
        }
    }

    #[test]
    fn what_is_no_header_or_another_ones_is_refused() {
        let long = "x".repeat(SOURCE_NAME_BYTES_MAX + 1);
        for (text, problem) in [
            ("", SourceProblem::NoName),
            ("X Api Key", SourceProblem::NoName),
            ("X_Api_Key", SourceProblem::NoName),
            ("X-Api-Key:", SourceProblem::NoName),
            ("-x", SourceProblem::NoName),
            ("x-", SourceProblem::NoName),
            ("klucz-ż", SourceProblem::NoName),
            ("a\r\nb", SourceProblem::NoName),
            ("query:", SourceProblem::NoName),
            ("query:a=b", SourceProblem::NoName),
            ("query:a%20", SourceProblem::NoName),
            ("query:_method", SourceProblem::Taken),
            ("Authorization", SourceProblem::Taken),
            ("Host", SourceProblem::Taken),
            ("X-Claviger-Door", SourceProblem::Taken),
            ("X-Forwarded-For", SourceProblem::Taken),
            ("X-Auth-Key-Id", SourceProblem::Taken),
            (&long, SourceProblem::TooLong),
        ] {
            assert_eq!(text.parse::<CredentialSource>(), Err(problem), "{text:?}");
        }
    }
}
