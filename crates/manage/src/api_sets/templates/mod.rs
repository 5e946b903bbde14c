//! Templates of sets: what well-known systems offer as ready-made rights, for an API of one's own.
//!
//! They stand in `templates/api-sets.json`: facts of those systems' documentation as methods and paths without a version.

mod apply;
mod matching;
#[cfg(test)]
mod tests;
pub mod wire;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use claviger_domain::api_set::ApiSetKind;
use claviger_domain::authority::Authority;
use serde::Deserialize;

pub use apply::{ApplyTemplate, apply};

use matching::OperationMatcher;
use wire::TemplateView;

use crate::ctx::Ctx;
use crate::error::Error;

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../templates/api-sets.json")).unwrap_or_else(|_| unreachable!("tested"))
});

/// A template.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    slug: String,
    name: String,
    about: String,
    /// Where the system's paths stand; an API may have it in its base path or in its templates.
    #[serde(default)]
    base_path: String,
    groups: BTreeMap<String, Group>,
    sets: Vec<TemplateSet>,
}

/// Operations that the system's documentation names together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    /// Each of one way to say it, or of several of which one is enough.
    operations: Vec<OneOrMore>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(OperationMatcher),
    More(Vec<OperationMatcher>),
}

/// A right of the system, as a set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateSet {
    slug: String,
    name: String,
    #[serde(default = "plain")]
    kind: ApiSetKind,
    #[serde(default)]
    groups: Vec<String>,
}

fn plain() -> ApiSetKind {
    ApiSetKind::Plain
}

/// The templates there are.
pub fn list(ctx: &Ctx) -> Result<Vec<TemplateView>, Error> {
    ctx.organization_with(Authority::ApisRead)?;
    Ok(TEMPLATES.iter().map(TemplateView::new).collect())
}

fn find(slug: &str) -> Result<&'static Template, Error> {
    TEMPLATES.iter().find(|template| template.slug == slug).ok_or_else(|| Error::not_found("template"))
}

// === impl Template ===

impl Template {
    /// What a set is made of, each with the ways to say it.
    fn matchers<'t>(&'t self, set: &'t TemplateSet) -> impl Iterator<Item = &'t [OperationMatcher]> {
        set.groups.iter().filter_map(|group| self.groups.get(group)).flat_map(|group| &group.operations).map(|one| {
            match one {
                OneOrMore::One(matcher) => std::slice::from_ref(matcher),
                OneOrMore::More(matchers) => matchers,
            }
        })
    }
}
