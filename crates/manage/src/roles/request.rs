//! What requests say about a role, and its checks.

use claviger_domain::authority::{Authorities, Authority};
use claviger_domain::name::{Name, Slug};
use claviger_domain::role::{LEVEL_DAYS_MAX, LEVEL_KEYS_MAX, LEVEL_RATE_MAX};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::body::{present, value};
use crate::checks::Checks;

/// The most names of a list of authorities.
const NAMES_MAX: usize = 100;

/// A role to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRole {
    /// What people call it.
    #[schema(value_type = String, example = "Partner desk")]
    #[serde(deserialize_with = "crate::body::new_name")]
    pub name: Name,
    /// Unique among the organization's roles; made from the name if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "partner-desk")]
    pub slug: Option<Slug>,
    /// What its holders may do, by name (`/authorities`); none that the maker lacks.
    #[schema(example = json!(["keys.manage_own"]))]
    pub authorities: Vec<String>,
    /// Up to what bounds; none wider than the maker's.
    #[serde(default)]
    pub levels: LevelsInput,
}

/// What to change of a role; what is not there stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditRole {
    /// What people call it.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub name: Option<Name>,
    /// Unique among the organization's roles.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub slug: Option<Slug>,
    /// In the place of all authorities; whoever has the role has these with their next request.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>)]
    pub authorities: Option<Vec<String>>,
    /// The bounds that are named; null takes one away.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = LevelsInput)]
    pub levels: Option<LevelsInput>,
}

/// Upper bounds for keys; null or not there = no bound.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelsInput {
    /// The longest lifetime that may be granted to a key, in days: 1 to 36,500.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 36500)]
    pub max_lifetime_days: Option<Option<u32>>,
    /// The most living keys that one owner may come to have: up to 1,000,000.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, maximum = 1_000_000)]
    pub max_keys: Option<Option<u32>>,
    /// The largest rate limit that may be granted, in requests a minute: up to 1,000,000,000.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, maximum = 1_000_000_000)]
    pub max_rate: Option<Option<u32>>,
    /// The sets that may be granted, by slug or id, and what the holders' own keys may do at the most.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    pub api_sets: Option<Option<Vec<String>>>,
}

// === checks ===

/// The authorities of these names.
pub(super) fn authorities(checks: &mut Checks, names: &[String]) -> Authorities {
    checks.ensure("authorities", names.len() <= NAMES_MAX, format!("expected at most {NAMES_MAX} names"));
    let mut known = Authorities::NONE;
    for (index, name) in names.iter().take(NAMES_MAX).enumerate() {
        match Authority::named(name) {
            Some(authority) => known = known.union(Authorities::of(&[authority])),
            None => checks.refuse(format!("authorities[{index}]"), "there is none by this name: see /authorities"),
        }
    }
    known
}

/// Refuses numbers that no level can have.
pub(super) fn numbers(checks: &mut Checks, levels: &LevelsInput) {
    for (field, number, least, most) in [
        ("levels.max_lifetime_days", levels.max_lifetime_days, 1, LEVEL_DAYS_MAX),
        ("levels.max_keys", levels.max_keys, 0, LEVEL_KEYS_MAX),
        ("levels.max_rate", levels.max_rate, 0, LEVEL_RATE_MAX),
    ] {
        let within = number.flatten().is_none_or(|number| (least..=most).contains(&number));
        checks.ensure(field, within, format!("expected {least} to {most}"));
    }
}
