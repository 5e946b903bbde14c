//! What an import changes, and who gains by it.

use std::collections::HashMap;

use claviger_domain::ApiId;
use claviger_domain::api_set::{ApiPattern, ApiSet};
use claviger_domain::key::Key;
use claviger_domain::operation::Operation;
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::ApiView;
use crate::api_sets::holds_whole;

/// What an import did, or would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Imported {
    /// The API.
    pub api: ApiView,
    /// How its operations changed.
    pub operations: OperationCounts,
    /// Sets that already are there and hold some of the added operations.
    pub gaining_sets: Vec<GainingSet>,
    /// Keys that hold some of them beside their sets, at most 100; left out for callers who may not read keys.
    pub gaining_keys: Vec<GainingKey>,
    /// Sets that could be made of the document's tags.
    pub suggested_sets: Vec<SuggestedSetView>,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Whether the API is new.
    #[serde(skip)]
    pub made: bool,
    /// The API's version.
    #[serde(skip)]
    pub version: i64,
}

/// How many operations an import adds, changes and removes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OperationCounts {
    /// New names.
    pub added: usize,
    /// Known names with another method, path or text.
    pub changed: usize,
    /// Names that the document has no more.
    pub removed: usize,
}

/// A set that holds operations which an import adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct GainingSet {
    /// Its slug.
    pub slug: String,
    /// How many of the added operations it holds.
    pub operations: usize,
}

/// A key that holds operations which an import adds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct GainingKey {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many of the added operations it holds.
    pub operations: usize,
}

/// A set that could be made; its fields are those of `POST /api-sets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SuggestedSetView {
    /// A slug.
    #[schema(example = "issues")]
    pub slug: String,
    /// The document's tag.
    #[schema(example = "issues")]
    pub name: String,
    /// Names and patterns of operations.
    #[schema(example = json!(["github:issues/*"]))]
    pub operations: Vec<String>,
    /// How many operations these are now.
    pub operations_count: usize,
}

/// What changes from one list of operations to another, by name; and the names that are new.
pub(super) fn compare<'n>(old: &[Operation], new: &'n [Operation]) -> (OperationCounts, Vec<&'n str>) {
    let known: HashMap<&str, &Operation> = old.iter().map(|operation| (&*operation.name, operation)).collect();
    let mut counts = OperationCounts::default();
    let mut added = Vec::new();
    for operation in new {
        match known.get(&*operation.name) {
            None => added.push(&*operation.name),
            Some(old) if *old != operation => counts.changed += 1,
            Some(_) => {}
        }
    }
    counts.added = added.len();
    counts.removed = old.len() + added.len() - new.len();
    (counts, added)
}

/// The sets that hold some of the added operations of an API.
pub(super) fn gaining_sets(sets: &[ApiSet], api: ApiId, added: &[&str]) -> Vec<GainingSet> {
    let gained = |set: &ApiSet| {
        if holds_whole(set, api) { added.len() } else { count_covered(&set.operations, api, added) }
    };
    let gains = sets.iter().map(|set| GainingSet { slug: set.slug.to_string(), operations: gained(set) });
    gains.filter(|set| set.operations > 0).collect()
}

/// The keys that hold some of the added operations of an API beside their sets.
pub(super) fn gaining_keys(keys: &[Key], api: ApiId, added: &[&str]) -> Vec<GainingKey> {
    let gains = keys.iter().map(|key| GainingKey {
        id: key.id.to_string(),
        name: key.name.to_string(),
        operations: count_covered(&key.operations, api, added),
    });
    gains.filter(|key| key.operations > 0).collect()
}

fn count_covered(patterns: &[ApiPattern], api: ApiId, names: &[&str]) -> usize {
    let covers = |name: &str| patterns.iter().any(|one| one.api == api && one.pattern.matches(name));
    names.iter().filter(|name| covers(name)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(name: &str, method: &str) -> Operation {
        let (template, summary) = ("/x".into(), "".into());
        Operation {
            name: name.into(),
            method: method.into(),
            template,
            multi_segment: vec![],
            summary,
            tags: vec![],
            versions: vec![],
        }
    }

    #[test]
    fn operations_are_compared_by_name() {
        let old = [operation("a", "GET"), operation("b", "GET"), operation("c", "GET")];
        let new = [operation("b", "PUT"), operation("d", "GET"), operation("a", "GET")];
        let (counts, added) = compare(&old, &new);
        assert_eq!(counts, OperationCounts { added: 1, changed: 1, removed: 1 });
        assert_eq!(added, ["d"]);
        assert_eq!(compare(&old, &[]).0, OperationCounts { added: 0, changed: 0, removed: 3 });
        assert_eq!(compare(&[], &new).0, OperationCounts { added: 3, changed: 0, removed: 0 });
    }
}
