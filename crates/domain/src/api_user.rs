//! API users: who signs in under an application, and their sessions.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Random, Timestamp};
use crate::digest::CredentialDigest;
use crate::email::Email;
use crate::hex::hex;
use crate::id::{ApiSessionId, ApiUserId, ApplicationId, KeyId, OrganizationId, UserId};
use crate::key::{Actor, Disabled};
use crate::name::Name;
use crate::secret::Secret;

/// The most API users of an application.
pub const API_USERS_MAX: usize = 100_000;
/// The most sessions of an API user; the one that was used longest ago ends when there is one more.
pub const API_SESSIONS_MAX: usize = 100;
/// How long a session lasts at the most, in minutes, until something else is configured.
pub const API_SESSION_MINUTES: u32 = 1_440;
/// How long a session lasts without a use, in minutes, until something else is configured.
pub const API_SESSION_IDLE_MINUTES: u32 = 240;
/// How often other nodes are told that a session is in use.
pub const API_SESSION_NEWS_PERIOD: Duration = Duration::from_mins(5);
/// Characters of a session's or static token: 32 random bytes in hexadecimal.
pub const API_TOKEN_LENGTH: usize = 64;
/// Entries of an API user's history that are kept.
pub const API_USER_EVENTS_MAX: usize = 1_000;
/// The most characters of what names something in another system.
pub const EXTERNAL_LENGTH_MAX: usize = 100;
/// The most bytes of a session's parameters, and of a user's preferences, as JSON.
pub const PARAMS_BYTES_MAX: usize = 4_096;

/// On what the protected service bases the rights to records: 1 to 5, which it interprets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub enum PermissionType {
    /// The profile user's rights.
    User,
    /// Records of the contact's account.
    Account,
    /// The same, and of accounts below it.
    AccountAndLower,
    /// The same, and of the whole hierarchy.
    AccountHierarchy,
    /// Records of the contact itself.
    Contact,
}

/// A number that is no permission type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to 5")]
pub struct NoPermissionType;

/// Somebody in the protected service's own system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// What that system calls them.
    pub id: String,
    /// Their address.
    pub email: Email,
}

/// What a sign-in asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    /// The password.
    #[default]
    Password,
    /// The password, and a code where one-time codes are set up.
    #[serde(rename = "password_2fa")]
    PasswordAndCode,
}

/// Who signs in under an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiUser {
    /// Its id.
    pub id: ApiUserId,
    /// The tenant.
    pub organization: OrganizationId,
    /// The application; never changes.
    pub application: ApplicationId,
    /// Unique in the application.
    pub user_name: Name,
    /// Taken out of service.
    pub disabled: Option<Disabled>,
    /// On what the rights to records are based.
    pub permission_type: PermissionType,
    /// Whom the user stands for in the protected service's system.
    pub contact: Option<Contact>,
    /// The person whose rights bound the sessions.
    pub profile_user: UserId,
    /// What the protected service's system calls that person.
    pub profile_external: Option<String>,
    /// What a sign-in asks for.
    pub sign_in_method: SignInMethod,
    /// BCP 47 tag.
    pub language: String,
    /// The digest of a token that needs no sign-in.
    pub static_token: Option<CredentialDigest>,
    /// Who made it: a snapshot that outlives its creator.
    pub created_by: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// A session of an API user, as doors know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiSession {
    /// Its id.
    pub id: ApiSessionId,
    /// Of its token.
    pub digest: CredentialDigest,
    /// The tenant.
    pub organization: OrganizationId,
    /// The application under which it began.
    pub application: ApplicationId,
    /// Who signed in.
    pub user: ApiUserId,
    /// The key it began with: it goes with no other.
    pub key: KeyId,
    /// When it began.
    pub created_at: Timestamp,
    /// Its end, however busy it is.
    pub expires_at: Timestamp,
    /// How long it lasts without a use.
    pub idle: Duration,
    /// When it was last used, as far as the database knows.
    pub used_at: Timestamp,
    /// Whether it is for setting up one-time codes alone: it passes no door.
    pub enrolment_only: bool,
}

/// How long sessions of API users last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiSessionLimits {
    /// Without a use.
    pub idle: Duration,
    /// At the most.
    pub absolute: Duration,
}

// === impl PermissionType ===

impl PermissionType {
    /// 1 to 5.
    pub const fn number(self) -> u8 {
        match self {
            Self::User => 1,
            Self::Account => 2,
            Self::AccountAndLower => 3,
            Self::AccountHierarchy => 4,
            Self::Contact => 5,
        }
    }

    /// The digit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "1",
            Self::Account => "2",
            Self::AccountAndLower => "3",
            Self::AccountHierarchy => "4",
            Self::Contact => "5",
        }
    }

    /// Whether the user stands for a contact.
    pub const fn needs_contact(self) -> bool {
        !matches!(self, Self::User)
    }
}

impl TryFrom<i64> for PermissionType {
    type Error = NoPermissionType;

    fn try_from(number: i64) -> Result<Self, NoPermissionType> {
        match number {
            1 => Ok(Self::User),
            2 => Ok(Self::Account),
            3 => Ok(Self::AccountAndLower),
            4 => Ok(Self::AccountHierarchy),
            5 => Ok(Self::Contact),
            _ => Err(NoPermissionType),
        }
    }
}

impl From<PermissionType> for i64 {
    fn from(kind: PermissionType) -> Self {
        Self::from(kind.number())
    }
}

// === impl SignInMethod ===

impl SignInMethod {
    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PasswordAndCode => "password_2fa",
        }
    }
}

// === impl ApiSession ===

impl ApiSession {
    /// From when on it counts no more, if it was last used at `used_at`.
    pub fn ends_at(&self, used_at: Timestamp) -> Timestamp {
        used_at.saturating_add(self.idle).min(self.expires_at)
    }
}

// === impl ApiSessionLimits ===

impl Default for ApiSessionLimits {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(u64::from(API_SESSION_IDLE_MINUTES)),
            absolute: Duration::from_mins(u64::from(API_SESSION_MINUTES)),
        }
    }
}

/// A token of a session, or one that needs none: 256 random bits.
pub fn generate_api_token(random: &dyn Random) -> Secret {
    let mut bytes = zeroize::Zeroizing::new([0; API_TOKEN_LENGTH / 2]);
    random.fill(bytes.as_mut());
    Secret::new(hex(bytes.as_ref()))
}

/// Whether a value has the form of a token: whatever has not is never looked for.
pub fn is_api_token(value: &[u8]) -> bool {
    value.len() == API_TOKEN_LENGTH && value.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedRandom;

    #[test]
    fn tokens_have_their_form_and_differ() {
        let random = FixedRandom::new(1);
        let (one, other) = (generate_api_token(&random), generate_api_token(&random));
        assert!(is_api_token(one.expose().as_bytes()) && one.expose() != other.expose());
        for text in ["", "a", &"A".repeat(64), &"a".repeat(63), &"g".repeat(64)] {
            assert!(!is_api_token(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn f_14_permission_types_are_one_to_five() {
        for number in 1..=5 {
            let kind = PermissionType::try_from(number).expect("a type");
            assert_eq!((i64::from(kind.number()), kind.as_str()), (number, number.to_string().as_str()));
            assert_eq!(kind.needs_contact(), number > 1);
        }
        assert!(PermissionType::try_from(0).is_err() && PermissionType::try_from(6).is_err());
    }

    #[test]
    fn w_13_a_session_ends_when_it_idles_and_at_its_absolute_end() {
        let at = |minutes: i64| Timestamp::from_micros(minutes * 60_000_000);
        let limits = ApiSessionLimits::default();
        let session = ApiSession {
            id: ApiSessionId::from_raw(1),
            digest: CredentialDigest::from_bytes([1; 32]),
            organization: OrganizationId::from_raw(1),
            application: ApplicationId::from_raw(1),
            user: ApiUserId::from_raw(1),
            key: KeyId::from_raw(1),
            created_at: at(0),
            expires_at: at(0).saturating_add(limits.absolute),
            idle: limits.idle,
            used_at: at(0),
            enrolment_only: false,
        };
        assert_eq!(session.ends_at(at(0)), at(240));
        assert_eq!(session.ends_at(at(1_300)), at(1_440));
    }
}
