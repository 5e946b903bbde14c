//! A type of applications on the wire.

use std::collections::HashMap;

use claviger_domain::application::ApplicationType;
use claviger_domain::{ApiSetId, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// A type of applications.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApplicationTypeView {
    #[schema(example = "apt_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    id: String,
    #[schema(example = "partner")]
    slug: String,
    name: String,
    /// How its applications prove themselves.
    #[schema(example = "key_only")]
    sign_in: &'static str,
    /// What keys of its applications may do at the most, by slug.
    api_sets: Vec<String>,
    /// Which fields its applications have: `required`, `optional` or `hidden`.
    #[schema(value_type = Object)]
    fields: Map<String, Value>,
    predefined: bool,
    counts: TypeCounts,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

/// How much depends on a type.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct TypeCounts {
    /// Applications of this type.
    pub applications: i64,
}

/// A type after a change, with the version that its entity tag shows.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The type.
    pub kind: ApplicationTypeView,
    /// Its version.
    pub version: i64,
}

// === impl ApplicationTypeView ===

impl ApplicationTypeView {
    /// The type's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The view of `kind`; `slugs` has those of its sets.
    pub(super) fn new(kind: &ApplicationType, slugs: &HashMap<ApiSetId, String>, applications: i64) -> Self {
        Self {
            id: kind.id.to_string(),
            slug: kind.slug.to_string(),
            name: kind.name.to_string(),
            sign_in: kind.sign_in.as_str(),
            api_sets: kind.api_sets.iter().filter_map(|id| slugs.get(id).cloned()).collect(),
            fields: fields(kind),
            predefined: kind.predefined,
            counts: TypeCounts { applications },
            created_at: kind.created_at,
            updated_at: kind.updated_at,
        }
    }

    /// What an audit entry shows.
    pub(super) fn audited(&self) -> Value {
        json!({"slug": self.slug, "name": self.name, "sign_in": self.sign_in, "api_sets": self.api_sets, "fields": self.fields})
    }
}

/// What a form for applications of this type shows.
fn fields(kind: &ApplicationType) -> Map<String, Value> {
    let password = if kind.sign_in.has_password() { "required" } else { "hidden" };
    let (allowed_ips, public_url) = (kind.fields.allowed_ips.as_str(), kind.fields.public_url.as_str());
    let fields =
        [("name", "required"), ("password", password), ("allowed_ips", allowed_ips), ("public_url", public_url)];
    fields.into_iter().map(|(name, need)| (name.to_owned(), json!(need))).collect()
}
