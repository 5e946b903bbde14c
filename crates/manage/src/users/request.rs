//! What requests say about a user, and its checks.

use claviger_domain::email::Email;
use claviger_domain::member::is_language;
use claviger_domain::name::Name;
use serde::Deserialize;
use utoipa::ToSchema;

use super::leaver::MoveKeys;
use crate::body::{present, value};
use crate::checks::Checks;
use crate::instant;

/// A person to invite.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// The person's address; nobody else in the organization has it.
    #[schema(value_type = String, example = "bob@example.com")]
    pub email: Email,
    /// What others see; made from the address if not given.
    #[serde(default, deserialize_with = "crate::body::new_name_or_none")]
    #[schema(value_type = Option<String>, example = "Bob")]
    pub name: Option<Name>,
    /// Unique in the organization; made from the address if not given.
    #[serde(default, deserialize_with = "crate::body::new_name_or_none")]
    #[schema(value_type = Option<String>, example = "bob")]
    pub username: Option<Name>,
    /// What they may do, by slug or id; nothing that the caller lacks.
    #[serde(default)]
    #[schema(example = json!(["developer"]))]
    pub roles: Vec<String>,
    /// An instant or a bare date (the whole day counts): out of service from then on; never if not given.
    #[serde(default)]
    #[schema(example = "2030-01-31")]
    pub account_expires_at: Option<String>,
    /// BCP 47 tag; `en` if not given.
    #[serde(default)]
    #[schema(example = "en")]
    pub language: Option<String>,
    /// IANA name; the organization's zone if not given.
    #[serde(default)]
    #[schema(example = "Europe/Warsaw")]
    pub time_zone: Option<String>,
}

/// What to change of a user; what is not there stays. Name, address, language and zone are the person's own: others change
/// them only while the person is in no other organization.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditUser {
    /// Unique in the organization.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub username: Option<Name>,
    /// In the place of all roles; they count with the next request.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>)]
    pub roles: Option<Vec<String>>,
    /// An instant or a bare date, in the future; null = never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub account_expires_at: Option<Option<String>>,
    /// What others see.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub name: Option<Name>,
    /// The person's address.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub email: Option<Email>,
    /// BCP 47 tag.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub language: Option<String>,
    /// IANA name.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub time_zone: Option<String>,
}

/// Why a user is taken out of service, and which keys go on elsewhere.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisableUser {
    /// In a person's words.
    #[serde(default)]
    pub reason: Option<String>,
    /// Keys that others depend on: they belong to an application from now on.
    #[serde(default)]
    pub move_keys: Option<MoveKeys>,
}

// === impl EditUser ===

impl EditUser {
    /// Whether it is about the membership, which is the organization's.
    pub(super) fn is_about_membership(&self) -> bool {
        self.username.is_some() || self.roles.is_some() || self.account_expires_at.is_some()
    }

    /// Whether it is about the person.
    pub(super) fn is_about_person(&self) -> bool {
        self.name.is_some() || self.email.is_some() || self.language.is_some() || self.time_zone.is_some()
    }
}

// === checks ===

/// Refuses what is no language and no zone.
pub(crate) fn place(checks: &mut Checks, language: Option<&str>, time_zone: Option<&str>) {
    let spoken = language.is_none_or(is_language);
    checks.ensure("language", spoken, "expected a BCP 47 tag such as en or de-AT");
    let zone = time_zone.is_none_or(|name| instant::zone(name).is_some());
    checks.ensure("time_zone", zone, "expected an IANA name such as Europe/Warsaw");
}
