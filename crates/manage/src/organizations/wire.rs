//! An organization on the wire.

use claviger_domain::Timestamp;
use claviger_domain::organization::Organization;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An organization.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrganizationView {
    id: String,
    slug: String,
    name: String,
    /// IANA name of the zone in which its days begin.
    time_zone: String,
    /// What its keys begin with.
    key_prefix: String,
    allowed_ips: Vec<String>,
    /// Whether door calls without a token are made for it.
    default: bool,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

// === impl OrganizationView ===

impl From<&Organization> for OrganizationView {
    fn from(organization: &Organization) -> Self {
        Self {
            id: organization.id.to_string(),
            slug: organization.slug.to_string(),
            name: organization.name.to_string(),
            time_zone: organization.time_zone.clone(),
            key_prefix: organization.key_prefix.as_str().to_owned(),
            allowed_ips: Vec::new(),
            default: organization.is_default,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}

impl OrganizationView {
    /// What an audit entry shows: all that a person can set.
    pub(super) fn audited(&self) -> Value {
        const FIELDS: [&str; 5] = ["slug", "name", "time_zone", "key_prefix", "default"];
        let mut all = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(members) = &mut all {
            members.retain(|name, _| FIELDS.contains(&name.as_str()));
        }
        all
    }
}
