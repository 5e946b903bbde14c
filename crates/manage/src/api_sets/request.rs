//! What requests say about a set.

use claviger_domain::name::{Name, Slug};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::{present, value};
use crate::limits::LimitInput;

/// A set to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApiSet {
    /// What people call it.
    #[schema(value_type = String, example = "Issues")]
    #[serde(deserialize_with = "crate::body::new_name")]
    pub name: Name,
    /// Unique in the organization; made from the name if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "issues")]
    pub slug: Option<Slug>,
    /// APIs it holds whole, by slug or id: all their operations, now and later.
    #[serde(default)]
    #[schema(example = json!([]))]
    pub apis: Vec<String>,
    /// Operations it holds, as `<api>:<operation>`; `*` at the end stands for any characters.
    #[serde(default)]
    #[schema(example = json!(["github:issues/*"]))]
    pub operations: Vec<String>,
    /// For requests for what it holds, by whichever keys hold it.
    #[serde(default)]
    pub limits: Vec<LimitInput>,
}

/// What to change of a set; what is not there stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditApiSet {
    /// What people call it.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub name: Option<Name>,
    /// Unique in the organization.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub slug: Option<Slug>,
    /// In the place of all APIs it holds whole.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>)]
    pub apis: Option<Vec<String>>,
    /// In the place of all operations it holds.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>)]
    pub operations: Option<Vec<String>>,
    /// In the place of all its limits; null or empty = without.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<LimitInput>>)]
    pub limits: Option<Option<Vec<LimitInput>>>,
}
