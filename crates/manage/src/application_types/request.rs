//! What requests say about a type of applications.

use claviger_domain::application::{Need, SignIn, TypeFields};
use claviger_domain::name::{Name, Slug};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::value;
use crate::error::Error;

/// A type to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApplicationType {
    /// What people call it.
    #[schema(value_type = String, example = "Partner")]
    #[serde(deserialize_with = "crate::body::new_name")]
    pub name: Name,
    /// Unique among the organization's types; made from the name if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "partner")]
    pub slug: Option<Slug>,
    /// How its applications prove themselves: `key_only`, a key alone; `session`, name, password and key, and the token of a
    /// session; `static_token`, the same with a token that needs no sign-in; `key_and_token`, a key and such a token;
    /// `signature`, a key alone, from addresses that are listed.
    #[schema(value_type = String, example = "key_only")]
    pub sign_in: SignIn,
    /// What keys of its applications may do at the most: sets by slug or id.
    #[schema(example = json!(["full-access"]))]
    pub api_sets: Vec<String>,
    /// Which fields its applications have.
    #[serde(default)]
    pub fields: Option<FieldsInput>,
}

/// Which fields applications of a type have: `required`, `optional` or `hidden`.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldsInput {
    /// The list of addresses; `optional` if not given, and `required` where they sign.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "optional")]
    pub allowed_ips: Option<Need>,
    /// The public URL; `optional` if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "optional")]
    pub public_url: Option<Need>,
}

/// What to change of a type; what is not there stays. How it signs in never changes.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditApplicationType {
    /// What people call it.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub name: Option<Name>,
    /// Unique among the organization's types.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub slug: Option<Slug>,
    /// In the place of all sets; keys that are there have no more than these from this change on.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>)]
    pub api_sets: Option<Vec<String>>,
    /// Which fields its applications have; applications that are there stay as they are.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = FieldsInput)]
    pub fields: Option<FieldsInput>,
}

// === checks ===

/// The fields as they are stored; what is not named is as `before`, or by default.
pub(super) fn fields(
    sign_in: SignIn,
    input: Option<&FieldsInput>,
    before: Option<TypeFields>,
) -> Result<TypeFields, Error> {
    let by_default = if sign_in == SignIn::Signature { Need::Required } else { Need::Optional };
    let before = before.unwrap_or(TypeFields { allowed_ips: by_default, public_url: Need::Optional });
    let input = input.copied().unwrap_or_default();
    let fields = TypeFields {
        allowed_ips: input.allowed_ips.unwrap_or(before.allowed_ips),
        public_url: input.public_url.unwrap_or(before.public_url),
    };
    if sign_in == SignIn::Signature && fields.allowed_ips != Need::Required {
        let expected = "must be `required`: who sees a signed call could send it again from anywhere";
        return Err(Error::field("fields.allowed_ips", expected));
    }
    Ok(fields)
}
