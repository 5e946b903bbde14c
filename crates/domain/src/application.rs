//! Applications: the external systems that keys are made for, and the types that say what their keys may do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Random, Timestamp};
use crate::credential::{is_native_shape, push_random_base62};
use crate::digest::CredentialDigest;
use crate::id::{ApiSetId, ApplicationId, ApplicationTypeId, OrganizationId};
use crate::ip_list::IpEntries;
use crate::key::{Actor, Disabled};
use crate::limit::Limit;
use crate::name::{Name, Slug};
use crate::secret::Secret;

/// The most applications of an organization.
pub const APPLICATIONS_MAX: usize = 10_000;
/// The most types of applications of an organization.
pub const APPLICATION_TYPES_MAX: usize = 200;
/// The most sets that a type may allow.
pub const SETS_PER_TYPE_MAX: usize = 100;
/// The most characters of a public URL.
pub const PUBLIC_URL_LENGTH_MAX: usize = 500;
/// The fewest characters of a password that somebody chooses for an application: a machine's, which nobody has to remember.
pub const APPLICATION_PASSWORD_LENGTH_MIN: usize = 12;
/// The most characters of such a password.
pub const APPLICATION_PASSWORD_LENGTH_MAX: usize = 256;
/// The longest time for which the password before stays valid.
pub const PASSWORD_OVERLAP_MAX: Duration = Duration::from_hours(30 * 24);

/// Characters of a password that is made: 190 bits and more.
const PASSWORD_LENGTH: usize = 32;

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

/// Whether an application of a type has a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// It must have a value.
    Required,
    /// It may have one.
    #[default]
    Optional,
    /// It has none, and no form shows it.
    Hidden,
}

/// Which fields applications of a type have, beside those that follow from how they sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TypeFields {
    /// The list of addresses.
    pub allowed_ips: Need,
    /// Where people reach it.
    pub public_url: Need,
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
    /// Which fields its applications have.
    #[serde(default)]
    pub fields: TypeFields,
    /// Whether it came with the program.
    pub predefined: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// What is stored of an application's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPassword {
    /// Its digest.
    pub digest: CredentialDigest,
    /// That of the one before, and until when it counts.
    pub previous: Option<(CredentialDigest, Timestamp)>,
    /// When it was set.
    pub set_at: Timestamp,
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
    /// What its keys share, unless a limit's scope says otherwise.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// Where people reach it, for the links in mails.
    pub public_url: Option<String>,
    /// What its calls prove themselves by, beside a key; none where its type asks for none.
    #[serde(default)]
    pub password: Option<StoredPassword>,
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

/// Why a text may not be an application's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApplicationPasswordProblem {
    /// Too short or too long.
    #[error("expected {APPLICATION_PASSWORD_LENGTH_MIN} to {APPLICATION_PASSWORD_LENGTH_MAX} characters")]
    Length,
    /// Nothing at all.
    #[error("must not be empty")]
    Empty,
    /// NUL, a line break, and the like.
    #[error("must not contain control characters")]
    Control,
    /// It would be taken for a key wherever it stands.
    #[error("must not have the form of a key")]
    NativeShape,
}

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

    /// Whether its applications have a password.
    pub const fn has_password(self) -> bool {
        matches!(self, Self::Session | Self::StaticToken)
    }

    /// Whether users sign in under its applications: then a key passes no door without a token of one of them.
    pub const fn has_users(self) -> bool {
        matches!(self, Self::Session | Self::StaticToken | Self::KeyAndToken)
    }
}

// === impl Need ===

impl Need {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Hidden => "hidden",
        }
    }
}

// === impl StoredPassword ===

impl StoredPassword {
    /// A new password, with the one before for a while.
    #[must_use]
    pub fn after(before: Option<&Self>, digest: CredentialDigest, overlap: Duration, now: Timestamp) -> Self {
        let previous = before.filter(|_| !overlap.is_zero()).map(|before| (before.digest, now.saturating_add(overlap)));
        Self { digest, previous, set_at: now }
    }

    /// Whether a digest is of a password that counts at `now`; both are always looked at.
    pub fn is(&self, digest: &CredentialDigest, now: Timestamp) -> bool {
        let is_current = self.digest == *digest;
        let is_previous = self.previous.is_some_and(|(previous, until)| previous == *digest && now < until);
        is_current | is_previous
    }
}

/// A password for an application.
pub fn generate_password(random: &dyn Random) -> Secret {
    let mut text = String::with_capacity(PASSWORD_LENGTH);
    push_random_base62(&mut text, PASSWORD_LENGTH, random);
    Secret::new(text)
}

/// Whether a text may be an application's password.
pub fn check_password(text: &Secret) -> Result<(), ApplicationPasswordProblem> {
    let length = text.expose().chars().count();
    if length < APPLICATION_PASSWORD_LENGTH_MIN {
        return Err(ApplicationPasswordProblem::Length);
    }
    check_foreign_password(text)
}

/// Whether a password that another system has given out may be an application's: it may be short, as the key beside it is what
/// nobody guesses.
pub fn check_foreign_password(text: &Secret) -> Result<(), ApplicationPasswordProblem> {
    let length = text.expose().chars().count();
    if length == 0 {
        Err(ApplicationPasswordProblem::Empty)
    } else if length > APPLICATION_PASSWORD_LENGTH_MAX {
        Err(ApplicationPasswordProblem::Length)
    } else if text.expose().chars().any(char::is_control) {
        Err(ApplicationPasswordProblem::Control)
    } else if is_native_shape(text.expose()) {
        Err(ApplicationPasswordProblem::NativeShape)
    } else {
        Ok(())
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
    fn a_password_that_was_set_leaves_the_one_before_for_the_overlap() {
        let digest = |byte| CredentialDigest::from_bytes([byte; 32]);
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        let first = StoredPassword::after(None, digest(1), Duration::from_mins(1), at(0));
        assert!(first.is(&digest(1), at(0)) && !first.is(&digest(2), at(0)));
        let second = StoredPassword::after(Some(&first), digest(2), Duration::from_mins(1), at(10));
        assert!(second.is(&digest(2), at(1_000)) && second.is(&digest(1), at(69)) && !second.is(&digest(1), at(70)));
        let third = StoredPassword::after(Some(&second), digest(3), Duration::ZERO, at(20));
        assert!(third.is(&digest(3), at(20)) && !third.is(&digest(2), at(20)) && !third.is(&digest(1), at(20)));
    }

    #[test]
    fn a_chosen_password_is_long_enough_and_no_key() {
        let check = |text: &str| check_password(&Secret::new(text.to_owned()));
        assert_eq!(check("twelve chars"), Ok(()));
        assert_eq!(check("eleven char"), Err(ApplicationPasswordProblem::Length));
        assert_eq!(check(&"x".repeat(257)), Err(ApplicationPasswordProblem::Length));
        assert_eq!(check("twelve\nchars"), Err(ApplicationPasswordProblem::Control));
        let key = format!("clv_live_{}", "a".repeat(38));
        assert_eq!(check(&key), Err(ApplicationPasswordProblem::NativeShape));
        let foreign = |text: &str| check_foreign_password(&Secret::new(text.to_owned()));
        assert_eq!((foreign("a"), foreign("")), (Ok(()), Err(ApplicationPasswordProblem::Empty)));
        assert_eq!(foreign(&"x".repeat(257)), Err(ApplicationPasswordProblem::Length));
        assert_eq!(foreign(&key), Err(ApplicationPasswordProblem::NativeShape));
        assert_eq!(check_password(&generate_password(&crate::testing::FixedRandom::new(1))), Ok(()));
    }

    #[test]
    fn words_on_the_wire_are_the_stored_ones() {
        for sign_in in [SignIn::Session, SignIn::StaticToken, SignIn::KeyAndToken, SignIn::KeyOnly, SignIn::Signature] {
            assert_eq!(serde_json::to_value(sign_in).expect("a word"), sign_in.as_str());
        }
    }
}
