//! A role on the wire.

use std::collections::HashMap;

use claviger_domain::authority::{AUTHORITIES, Authorities};
use claviger_domain::role::{Levels, Role};
use claviger_domain::{ApiSetId, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A role.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RoleView {
    #[schema(example = "rol_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    id: String,
    #[schema(example = "partner-desk")]
    slug: String,
    name: String,
    /// Whether it came with the program: nobody changes it.
    predefined: bool,
    /// What its holders may do.
    authorities: Vec<&'static str>,
    levels: LevelsView,
    counts: RoleCounts,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

/// Upper bounds for keys; null = no bound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LevelsView {
    /// The longest lifetime that may be granted to a key, in days.
    #[schema(required)]
    max_lifetime_days: Option<u32>,
    /// The most living keys that one owner may come to have.
    #[schema(required)]
    max_keys: Option<u32>,
    /// The largest rate limit that may be granted, in requests a minute.
    #[schema(required)]
    max_rate: Option<u32>,
    /// The sets that may be granted, by slug; another organization's by id.
    #[schema(required)]
    api_sets: Option<Vec<String>>,
}

/// How much depends on a role.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct RoleCounts {
    /// People who have it.
    pub users: i64,
}

/// An authority.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuthorityView {
    #[schema(example = "keys.manage_own")]
    name: &'static str,
    #[schema(example = "Manage User API Key")]
    label: &'static str,
}

/// A role after a change, with the version that its entity tag shows.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The role.
    pub role: RoleView,
    /// Its version.
    pub version: i64,
}

// === impl views ===

impl RoleView {
    /// The role's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The view of `role`; `labels` has those of its sets.
    pub(super) fn new(role: &Role, labels: &HashMap<ApiSetId, String>, users: i64) -> Self {
        Self {
            id: role.id.to_string(),
            slug: role.slug.to_string(),
            name: role.name.to_string(),
            predefined: role.predefined,
            authorities: role.authorities.names().collect(),
            levels: LevelsView::new(&role.levels, labels),
            counts: RoleCounts { users },
            created_at: role.created_at,
            updated_at: role.updated_at,
        }
    }

    /// What an audit entry shows.
    pub(super) fn audited(&self) -> Value {
        json!({"slug": self.slug, "name": self.name, "authorities": self.authorities, "levels": self.levels})
    }
}

impl LevelsView {
    fn new(levels: &Levels, labels: &HashMap<ApiSetId, String>) -> Self {
        let named = |sets: &Vec<ApiSetId>| sets.iter().filter_map(|id| labels.get(id).cloned()).collect();
        Self {
            max_lifetime_days: levels.max_lifetime_days,
            max_keys: levels.max_keys,
            max_rate: levels.max_rate,
            api_sets: levels.api_sets.as_ref().map(named),
        }
    }
}

impl AuthorityView {
    /// All that an organization can give.
    pub fn all() -> Vec<Self> {
        let given = AUTHORITIES.iter().filter(|known| Authorities::ADMIN.has(known.authority));
        given.map(|known| Self { name: known.name, label: known.label }).collect()
    }
}
