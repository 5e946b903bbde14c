//! What requests say about an API user.

use claviger_domain::Secret;
use claviger_domain::api_user::{ApiUser, Contact, EXTERNAL_LENGTH_MAX, PermissionType, SignInMethod};
use claviger_domain::email::Email;
use claviger_domain::member::is_language;
use claviger_domain::name::{Name, free_text};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::{present, value};
use crate::checks::Checks;

/// An API user to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiUser {
    /// The application, by slug or id; it never changes.
    #[schema(example = "partner-portal")]
    pub application: String,
    /// Unique in the application; the contact's or the profile user's address if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "ann@example.com")]
    pub user_name: Option<Name>,
    /// Whether it may sign in at once; true if not given.
    #[serde(default = "yes")]
    pub active: bool,
    /// On what the protected service bases the rights to records: 1, the profile user's rights; 2, the contact's account; 3,
    /// and those below; 4, the whole hierarchy; 5, the contact alone.
    #[schema(minimum = 1, maximum = 5)]
    pub permission_type: i64,
    /// Whom it stands for in the protected service's system; required for the types 2 to 5, and none for 1.
    #[serde(default)]
    pub contact: Option<ContactInput>,
    /// The person whose rights bound its sessions, by id, user name or address.
    #[schema(example = "ada")]
    pub profile_user: String,
    /// What the protected service's system calls that person.
    #[serde(default)]
    pub profile_external: Option<String>,
    /// What a sign-in asks for: `password` or `password_2fa`; `password` if not given.
    #[serde(default)]
    #[schema(value_type = String, example = "password")]
    pub sign_in_method: SignInMethod,
    /// BCP 47 tag; `en` if not given.
    #[serde(default)]
    pub language: Option<String>,
    /// Its password: 12 to 256 characters, none that is quickly guessed. Without one an active user is mailed a
    /// link by which it chooses one, where mail is sent.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 12, max_length = 256)]
    pub password: Option<Secret>,
}

/// Somebody in the protected service's own system.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactInput {
    /// What that system calls them.
    #[schema(example = "C-1042")]
    pub id: String,
    /// Their address.
    #[schema(value_type = String, example = "ann@example.com")]
    pub email: Email,
}

/// What to change of an API user; what is not there stays. Its application never changes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditApiUser {
    /// Unique in the application.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub user_name: Option<Name>,
    /// Whether it may sign in; its sessions end where it may not.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub active: Option<bool>,
    /// On what the rights to records are based: 1 to 5.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = i64, minimum = 1, maximum = 5)]
    pub permission_type: Option<i64>,
    /// Whom it stands for; null = nobody.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<ContactInput>)]
    pub contact: Option<Option<ContactInput>>,
    /// The person whose rights bound its sessions.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub profile_user: Option<String>,
    /// What the protected service's system calls that person; null = nothing.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub profile_external: Option<Option<String>>,
    /// What a sign-in asks for.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub sign_in_method: Option<SignInMethod>,
    /// BCP 47 tag.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub language: Option<String>,
}

fn yes() -> bool {
    true
}

// === checks ===

/// A permission type.
pub(super) fn permission_type(checks: &mut Checks, number: i64) -> PermissionType {
    let read = PermissionType::try_from(number);
    if let Err(problem) = read {
        checks.refuse("permission_type", problem);
    }
    read.unwrap_or(PermissionType::User)
}

/// A contact as it is stored.
pub(super) fn contact(checks: &mut Checks, input: Option<&ContactInput>) -> Option<Contact> {
    let input = input?;
    let id = external(checks, "contact.id", Some(&input.id)).unwrap_or_default();
    checks.ensure("contact.id", !id.is_empty(), "must not be empty");
    Some(Contact { id, email: input.email.clone() })
}

/// What names something in another system; an empty text is none.
pub(super) fn external(checks: &mut Checks, field: &'static str, text: Option<&String>) -> Option<String> {
    let text = text.map(|text| text.trim()).filter(|text| !text.is_empty())?;
    match free_text(text, EXTERNAL_LENGTH_MAX) {
        Ok(text) => Some(text),
        Err(problem) => {
            checks.refuse(field, problem);
            None
        }
    }
}

/// A tag of a language.
pub(super) fn language(checks: &mut Checks, tag: &str) {
    checks.ensure("language", is_language(tag), "expected a language tag such as `en` or `pl-PL`");
}

/// Refuses a type without the contact it needs, and a contact that it does not know.
pub(super) fn needs(checks: &mut Checks, user: &ApiUser) {
    if user.permission_type.needs_contact() {
        checks.ensure("contact", user.contact.is_some(), "is required for the permission types 2 to 5");
    } else {
        checks.ensure("contact", user.contact.is_none(), "is nothing that the permission type 1 has");
    }
}
