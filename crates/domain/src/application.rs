//! Applications: the external systems that keys are made for, and the types that say what their keys may do.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{ApiSetId, ApplicationId, ApplicationTypeId, OrganizationId};
use crate::ip_list::IpEntries;
use crate::key::{Actor, Disabled};
use crate::name::{Name, Slug};

/// The most applications of an organization.
pub const APPLICATIONS_MAX: usize = 10_000;
/// The most types of applications of an organization.
pub const APPLICATION_TYPES_MAX: usize = 200;
/// The most sets that a type may allow.
pub const SETS_PER_TYPE_MAX: usize = 100;
/// The most characters of a public URL.
pub const PUBLIC_URL_LENGTH_MAX: usize = 500;

/// How an application's calls prove themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignIn {
    /// Name, password and key, and the token of a session.
    Session,
    /// Name, password and key, and an API user's static token.
    StaticToken,
    /// A key and a static token.
    KeyAndToken,
    /// A key alone.
    KeyOnly,
    /// A key, or a signature under it.
    Signature,
}

/// A kind of application: how it signs in, and what its keys may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplicationType {
    /// Its id.
    pub id: ApplicationTypeId,
    /// The tenant.
    pub organization: OrganizationId,
    /// Unique among the organization's types.
    pub slug: Slug,
    /// What people call it.
    pub name: Name,
    /// How its applications prove themselves; never changes.
    pub sign_in: SignIn,
    /// What keys of its applications may do at the most, judged at each request.
    pub api_sets: Vec<ApiSetId>,
    /// Whether it came with the program.
    pub predefined: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// An external system that connects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    /// The tenant.
    pub organization: OrganizationId,
    /// Unique among the organization's applications.
    pub slug: Slug,
    /// Unique among the applications of its type; the user name of its sign-in, so without a colon.
    pub name: Name,
    /// Its type; never changes.
    pub kind: ApplicationTypeId,
    /// Inactive: none of its keys passes a door.
    pub disabled: Option<Disabled>,
    /// Where its keys may be used from; empty = anywhere.
    pub allowed_ips: IpEntries,
    /// Where people reach it, for the links in mails.
    pub public_url: Option<String>,
    /// Who made it: a snapshot that outlives its creator.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// Why a text is no name of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must not contain a colon: it ends the user name in Basic authentication")]
pub struct ColonInName;

// === impl SignIn ===

impl SignIn {
    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::StaticToken => "static_token",
            Self::KeyAndToken => "key_and_token",
            Self::KeyOnly => "key_only",
            Self::Signature => "signature",
        }
    }
}

// === impl Application ===

impl Application {
    /// Refuses a name that could not travel as a user name (RFC 7617, 2).
    pub fn check_name(name: &Name) -> Result<(), ColonInName> {
        if name.as_str().contains(':') { Err(ColonInName) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_colon_cannot_sign_in() {
        assert_eq!(Application::check_name(&"Client: two".parse().expect("a name")), Err(ColonInName));
        assert_eq!(Application::check_name(&"Client – zwei 日本".parse().expect("a name")), Ok(()));
    }

    #[test]
    fn words_on_the_wire_are_the_stored_ones() {
        for sign_in in [SignIn::Session, SignIn::StaticToken, SignIn::KeyAndToken, SignIn::KeyOnly, SignIn::Signature] {
            assert_eq!(serde_json::to_value(sign_in).expect("a word"), sign_in.as_str());
        }
    }
}
