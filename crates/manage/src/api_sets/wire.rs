//! API sets on the wire.

use std::collections::HashMap;

use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::{ApiId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::limits::{self, LimitView};

/// An API set.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiSetView {
    #[schema(example = "set_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    id: String,
    #[schema(example = "issues")]
    slug: String,
    name: String,
    /// `plain`; `full`: everything of the organization's APIs; `general`: what every key that holds anything of its API
    /// has too; `built_in`: stands for rights in the management API.
    #[schema(value_type = String, example = "plain")]
    kind: ApiSetKind,
    /// APIs it holds whole, by slug; of a General set the API it belongs to.
    apis: Vec<String>,
    /// Operations it holds, as `<api slug>:<pattern>`; with `@<version>` in that version alone, with `!` before it taken out.
    operations: Vec<String>,
    /// For requests for what it holds, by whichever keys hold it.
    limits: Vec<LimitView>,
    /// The template that it was made from, as `<template>/<right>`.
    #[schema(required)]
    template: Option<String>,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

/// A set after a change, with the version that its entity tag shows.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The set.
    pub set: ApiSetView,
    /// Its version.
    pub version: i64,
}

// === impl ApiSetView ===

impl ApiSetView {
    /// The set's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The view of `set`; `slugs` has those of the APIs it names.
    pub fn new(set: &ApiSet, slugs: &HashMap<ApiId, String>) -> Self {
        let patterns = set.operations.iter();
        let named = patterns.filter_map(|one| Some(one.text(slugs.get(&one.api)?)));
        Self {
            id: set.id.to_string(),
            slug: set.slug.to_string(),
            name: set.name.to_string(),
            kind: set.kind,
            apis: set.apis.iter().filter_map(|api| slugs.get(api).cloned()).collect(),
            operations: named.collect(),
            limits: limits::views(&set.limits),
            template: set.template.as_deref().map(str::to_owned),
            created_at: set.created_at,
            updated_at: set.updated_at,
        }
    }
}
