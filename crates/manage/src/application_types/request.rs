//! What requests say about a type of applications.

use claviger_domain::application::SignIn;
use claviger_domain::name::{Name, Slug};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::value;

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
    /// How its applications prove themselves: by now `key_only`, a key alone.
    #[schema(value_type = String, example = "key_only")]
    pub sign_in: SignIn,
    /// What keys of its applications may do at the most: sets by slug or id.
    #[schema(example = json!(["full-access"]))]
    pub api_sets: Vec<String>,
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
}
