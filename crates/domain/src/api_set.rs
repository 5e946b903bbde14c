//! API sets, also shown as access rights: named sets of operations or of whole APIs.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{ApiId, ApiSetId, OrganizationId};
use crate::limit::Limit;
use crate::name::{Name, Slug};
use crate::operation::OperationPattern;

/// The slug of the set that is a wildcard over the organization's APIs.
pub const FULL_ACCESS_SLUG: &str = "full-access";
/// The most patterns a set or a key may have.
pub const PATTERNS_MAX: usize = 2_000;
/// The most of them that may have a `@` or a `!`: they are gone through one by one at each request.
pub const SPECIAL_PATTERNS_MAX: usize = 200;
/// The most sets a key may have.
pub const SETS_PER_KEY_MAX: usize = 200;

/// An API set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiSet {
    /// Its id.
    pub id: ApiSetId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Unique in the organization.
    pub slug: Slug,
    /// What people call it.
    pub name: Name,
    /// What it means.
    pub kind: ApiSetKind,
    /// APIs it holds whole: all their operations, now and later.
    pub apis: Vec<ApiId>,
    /// Operations it holds, by pattern.
    pub operations: Vec<ApiPattern>,
    /// For requests for what it holds, by whichever keys hold it.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// The template that it was made from, as `<template>/<right>`.
    #[serde(default)]
    pub template: Option<Box<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// What a set means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApiSetKind {
    /// What its lists say.
    Plain,
    /// Everything of the organization's APIs, listed or not, now and later; never the built-in API.
    Full,
    /// Belongs to one API (the one of its `apis`): what every key that holds anything of that API has too.
    General,
    /// Belongs to the built-in API: stands for authorities by its slug (see `authority`).
    BuiltIn,
}

/// A pattern over the operation names of one API: `github:issues/*` with the API by its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ApiPattern {
    /// The API.
    pub api: ApiId,
    /// What stands behind the colon, and the `!` before the API.
    pub pattern: OperationPattern,
}

// === impl ApiPattern ===

impl ApiPattern {
    /// As it stands on the wire: `github:issues/*`, `!github:issues/delete@v3`.
    pub fn text(&self, api_slug: &str) -> String {
        self.pattern.of_api(api_slug)
    }
}
