//! Sets that a document's tags suggest.

use std::collections::{HashMap, HashSet};

use claviger_domain::api_set::PATTERNS_MAX;
use claviger_domain::name::{Name, Slug};
use claviger_domain::operation::Operation;

/// The most sets that are suggested of one document.
pub const SUGGESTED_SETS_MAX: usize = 500;

/// A set that could be made of the operations with one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestedSet {
    /// Made from the tag; unique among the suggestions.
    pub slug: Slug,
    /// The tag.
    pub name: Name,
    /// `issues/*` where exactly the operations with that prefix have the tag, so that later ones join the set; else
    /// names, one by one. Without the API's slug.
    pub patterns: Vec<String>,
    /// How many operations these are now.
    pub operations_count: usize,
}

/// A set of all operations that only read, where there are others too: the least that most keys need. It is named after the
/// API's title, lists its operations one by one, and is left out where these are more than a set may have.
pub(super) fn reading(title: Option<&Name>, operations: &[Operation], others: &[SuggestedSet]) -> Option<SuggestedSet> {
    let patterns: Vec<_> = operations
        .iter()
        .filter(|operation| &*operation.method == "GET")
        .map(|operation| operation.name.to_string())
        .collect();
    let is_part = !patterns.is_empty() && patterns.len() < operations.len() && patterns.len() <= PATTERNS_MAX;
    let name = title.map_or_else(|| "Read".to_owned(), |title| format!("{}: read", title.as_str()));
    let name = Name::made_of(&name).filter(|_| is_part)?;
    let mut slugs = others.iter().map(|set| set.slug.clone()).collect();
    let slug = unique_slug(&name, &mut slugs);
    Some(SuggestedSet { slug, name, operations_count: patterns.len(), patterns })
}

/// A set for each tag that operations have: first the tags that the document lists, then others as they come.
///
/// A tag that would need more patterns than a set may have is left out.
pub(super) fn from_tags(listed: &[String], operations: &[Operation]) -> Vec<SuggestedSet> {
    let mut by_tag: HashMap<&str, Vec<&Operation>> = HashMap::new();
    let mut order: Vec<&str> = Vec::new();
    for operation in operations {
        for tag in &operation.tags {
            by_tag.entry(tag).or_insert_with(|| {
                order.push(tag);
                Vec::new()
            });
            if let Some(list) = by_tag.get_mut(&**tag) {
                list.push(operation);
            }
        }
    }
    let mut by_prefix: HashMap<&str, usize> = HashMap::new();
    for operation in operations {
        if let Some((prefix, _)) = operation.name.split_once('/') {
            *by_prefix.entry(prefix).or_default() += 1;
        }
    }
    let mut sets = Vec::new();
    let (mut tags, mut slugs) = (HashSet::new(), HashSet::new());
    for tag in listed.iter().map(String::as_str).chain(order) {
        let Some(tagged) = by_tag.get(tag).filter(|_| tags.insert(tag)) else { continue };
        let Some(name) = Name::made_of(tag) else { continue };
        let patterns = patterns_of(tag, tagged, &by_prefix);
        if patterns.len() <= PATTERNS_MAX && sets.len() < SUGGESTED_SETS_MAX {
            let slug = unique_slug(&name, &mut slugs);
            sets.push(SuggestedSet { slug, name, patterns, operations_count: tagged.len() });
        }
    }
    sets
}

fn patterns_of(tag: &str, tagged: &[&Operation], by_prefix: &HashMap<&str, usize>) -> Vec<String> {
    let has_prefix = |operation: &&Operation| operation.name.split_once('/').is_some_and(|(prefix, _)| prefix == tag);
    let with_prefix = tagged.iter().filter(|operation| has_prefix(operation)).count();
    let whole = with_prefix > 0 && by_prefix.get(tag) == Some(&with_prefix);
    let names = tagged.iter().filter(|operation| !(whole && has_prefix(operation)));
    whole.then(|| format!("{tag}/*")).into_iter().chain(names.map(|operation| operation.name.to_string())).collect()
}

fn unique_slug(name: &Name, taken: &mut HashSet<Slug>) -> Slug {
    let first = Slug::from_name(name.as_str(), "set");
    let mut slug = first.clone();
    let mut number = 2;
    while !taken.insert(slug.clone()) {
        slug = Slug::from_name(&format!("{} {number}", first.as_str().get(..55).unwrap_or(first.as_str())), "set");
        number += 1;
    }
    slug
}
