//! Why there is no verdict. None of these says anything of a credential.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The doors could not be reached, or the connection broke.
    Unreachable(String),
    /// No answer within the deadline.
    Deadline,
    /// The server gives no verdicts at the moment (503), with the seconds after which it is worth to try again.
    Busy(Option<u64>),
    /// The door token is missing or wrong (403).
    DoorToken(Box<Problem>),
    /// The question makes no sense to the server (400), as `errors` says.
    Malformed(Box<Problem>),
    /// What answered is no door of Claviger, or one that this client does not understand. Redirects are among these: a key goes
    /// to no other place than the one that was named.
    Unexpected(String),
}

/// Why a client could not be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError(pub(crate) String);

/// A refusal as the server words it (RFC 9457).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Problem {
    /// `urn:claviger:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The stable word.
    pub code: String,
    /// One sentence for a person.
    pub detail: String,
    /// By this the server's logs name the question; empty where no server was asked.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// A field that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FieldError {
    /// Its name.
    pub field: String,
    /// What was expected.
    pub message: String,
}

// === impl Error ===

impl Error {
    /// Whether the server is away or gives no verdicts: what fail-open is for. A wrong door token, a malformed question and a
    /// stranger's answer are mistakes to mend, and let nobody pass.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Deadline | Self::Busy(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "Claviger's doors cannot be reached: {why}"),
            Self::Deadline => f.write_str("Claviger's doors did not answer within the deadline"),
            Self::Busy(_) => f.write_str("Claviger gives no verdicts at the moment"),
            Self::DoorToken(problem) => write!(f, "Claviger refuses the door token: {}", problem.detail),
            Self::Malformed(problem) => write!(f, "Claviger refuses the question: {}", problem.detail),
            Self::Unexpected(what) => write!(f, "unexpected answer from Claviger's doors: {what}"),
        }
    }
}

impl std::error::Error for Error {}

// === impl SettingError ===

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingError {}
