//! An organization on the wire.

use claviger_domain::Timestamp;
use claviger_domain::organization::Organization;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::ip_list::IpView;

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
    /// Whom its people ask about their keys; null where nobody is named.
    #[schema(required, example = "it-desk@example.com")]
    admin_contact: Option<String>,
    /// From where its keys may be used at the doors, beside their own lists; empty = from anywhere. Left out in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_ips: Option<Vec<IpView>>,
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
            admin_contact: organization.admin_contact.as_ref().map(ToString::to_string),
            allowed_ips: Some(organization.allowed_ips.iter().map(IpView::from).collect()),
            default: organization.is_default,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}

impl OrganizationView {
    /// The same as a row of a list.
    pub(super) fn row(self) -> Self {
        Self { allowed_ips: None, ..self }
    }

    /// What an audit entry shows: all that a person can set.
    pub(super) fn audited(&self) -> Value {
        const FIELDS: [&str; 7] =
            ["slug", "name", "time_zone", "key_prefix", "admin_contact", "allowed_ips", "default"];
        let mut all = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(members) = &mut all {
            members.retain(|name, _| FIELDS.contains(&name.as_str()));
        }
        all
    }
}
