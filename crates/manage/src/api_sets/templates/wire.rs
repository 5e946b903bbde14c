//! Templates on the wire.

use claviger_domain::api_set::ApiSetKind;
use serde::Serialize;
use utoipa::ToSchema;

use super::{OneOrMore, Template};

/// The templates.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Templates {
    /// All of them.
    pub data: Vec<TemplateView>,
}

/// A template of sets.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TemplateView {
    #[schema(example = "yespo")]
    slug: String,
    name: String,
    about: String,
    /// Its sets.
    sets: Vec<TemplateSetView>,
    /// The groups of operations that they are made of.
    groups: Vec<TemplateGroupView>,
}

/// A set of a template.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TemplateSetView {
    #[schema(example = "events")]
    slug: String,
    name: String,
    /// `plain` sets are made; `general` fills the General set of the API; `full` is the organization's Full access.
    #[schema(value_type = String, example = "plain")]
    kind: ApiSetKind,
    /// The groups that it holds, by slug.
    groups: Vec<String>,
}

/// A group of operations of a template.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TemplateGroupView {
    #[schema(example = "events")]
    slug: String,
    name: String,
    /// Methods and paths without version; several ways to say the same stand together. `{}` is a parameter, `*` any segment,
    /// `**` any number of them, `tag:` a tag of the document.
    #[schema(example = json!([["POST /event"]]))]
    operations: Vec<Vec<String>>,
}

/// What applying a template did, or would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Applied {
    /// The template.
    pub template: String,
    /// The API, by slug.
    pub api: String,
    /// Its sets, in the template's order.
    pub sets: Vec<AppliedSet>,
    /// Whether nothing was changed.
    pub dry_run: bool,
}

/// A set of a template after it was applied.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AppliedSet {
    /// Null for one that is not made: in a preview, or since nothing of the API matches it.
    #[schema(required)]
    pub id: Option<String>,
    /// Its slug in the organization.
    #[schema(example = "mail-events")]
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// `made`, `changed` (operations were added), `unchanged`, or `empty`: nothing of the API matches, so there is none.
    #[schema(example = "made")]
    pub state: &'static str,
    /// The operations that are added.
    #[schema(example = json!(["mail:createEvent"]))]
    pub added: Vec<String>,
    /// How many operations and patterns it lists then.
    pub operations_count: usize,
    /// What of the template matches no operation of the API.
    #[schema(example = json!(["DELETE /past_events"]))]
    pub unmatched: Vec<String>,
}

// === impl TemplateView ===

impl TemplateView {
    pub(super) fn new(template: &Template) -> Self {
        let sets = template.sets.iter().map(|set| TemplateSetView {
            slug: set.slug.clone(),
            name: set.name.clone(),
            kind: set.kind,
            groups: set.groups.clone(),
        });
        let ways = |one: &OneOrMore| match one {
            OneOrMore::One(matcher) => vec![matcher.to_string()],
            OneOrMore::More(matchers) => matchers.iter().map(ToString::to_string).collect(),
        };
        let groups = template.groups.iter().map(|(slug, group)| TemplateGroupView {
            slug: slug.clone(),
            name: group.name.clone(),
            operations: group.operations.iter().map(ways).collect(),
        });
        Self {
            slug: template.slug.clone(),
            name: template.name.clone(),
            about: template.about.clone(),
            sets: sets.collect(),
            groups: groups.collect(),
        }
    }
}
