//! What changes from one list of operations to another, and which sets and keys it gives to and takes from.

use std::collections::{BTreeMap, BTreeSet};

use claviger_domain::ApiId;
use claviger_domain::api_set::{ApiPattern, ApiSet};
use claviger_domain::key::Key;
use claviger_domain::operation::{Operation, OperationPattern};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api_sets::holds_whole;

/// The most operations that are named of each kind of change.
pub const CHANGES_SHOWN_MAX: usize = 100;
/// The most operations that are named of a set or key.
const NAMES_SHOWN_MAX: usize = 20;

/// How many operations an import adds, changes and removes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OperationCounts {
    /// New names.
    pub added: usize,
    /// Known names with another method, path, text or other versions.
    pub changed: usize,
    /// Names that are there no more.
    pub removed: usize,
}

/// Which operations these are: at most 100 of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OperationChanges {
    /// New names.
    pub added: Vec<NamedOperation>,
    /// Known names.
    pub changed: Vec<ChangedOperation>,
    /// Names that are there no more.
    pub removed: Vec<NamedOperation>,
}

/// An operation that comes or goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NamedOperation {
    /// Its name.
    #[schema(example = "getPastEvents")]
    pub name: String,
    /// Method and path, and the versions if it names any; several where versions differ.
    #[schema(example = json!(["GET /past_events (v1, v2)"]))]
    pub requests: Vec<String>,
}

/// An operation before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangedOperation {
    /// Its name.
    pub name: String,
    /// Method and path, and the versions if it names any; several where versions differ.
    #[schema(example = json!(["POST /event (v1, v2)"]))]
    pub before: Vec<String>,
    /// The same afterwards; alike if only its texts changed.
    #[schema(example = json!(["POST /event (v1, v2, v3)"]))]
    pub after: Vec<String>,
}

/// A set that an import gives operations to, or takes them from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SetShare {
    /// Its slug.
    pub slug: String,
    /// How many operations; an operation that is known counts once for each version.
    pub operations: usize,
    /// The first 20 of them.
    #[schema(example = json!(["createEvent@v3"]))]
    pub names: Vec<String>,
    /// How many keys hold the set.
    pub keys: i64,
}

/// A key that an import gives operations to, or takes them from, beside its sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyShare {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many operations; an operation that is known counts once for each version.
    pub operations: usize,
    /// The first 20 of them.
    pub names: Vec<String>,
}

/// What an import or a deletion gives to other organizations that the API is shared with, or takes from them: counts, no
/// names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OthersShare {
    /// Keys of theirs that hold some of it beside their sets.
    pub keys: usize,
    /// Sets of theirs that hold some of it.
    pub sets: usize,
    /// Keys of theirs that hold such a set, or one of this organization; a key counts once for each set.
    pub keys_by_sets: i64,
}

/// Operations in the versions that are new, or gone; without a version where they are in all.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Units(Vec<(Box<str>, Option<Box<str>>)>);

/// The whole difference.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) counts: OperationCounts,
    pub(super) changes: OperationChanges,
    pub(super) gained: Units,
    pub(super) lost: Units,
}

// === impl Difference ===

impl Difference {
    pub(super) fn new(old: &[Operation], new: &[Operation]) -> Self {
        let (before, after) = (by_name(old), by_name(new));
        let mut difference = Self::default();
        for (name, now) in in_order(new, &after) {
            match before.get(name) {
                None => {
                    difference.counts.added += 1;
                    note(&mut difference.changes.added, name, now);
                }
                Some(old) if old != now => difference.change(name, old, now),
                Some(_) => {}
            }
        }
        for (name, rows) in in_order(old, &before).filter(|(name, _)| !after.contains_key(name)) {
            difference.counts.removed += 1;
            note(&mut difference.changes.removed, name, rows);
        }
        let (was, is) = (units(old), units(new));
        difference.gained = Units(is.iter().filter(|unit| !was.contains(*unit)).cloned().collect());
        difference.lost = Units(was.iter().filter(|unit| !is.contains(*unit)).cloned().collect());
        difference.gained.leave_versions_to(&before);
        difference.lost.leave_versions_to(&after);
        difference
    }

    fn change(&mut self, name: &str, old: &[&Operation], now: &[&Operation]) {
        self.counts.changed += 1;
        if self.changes.changed.len() < CHANGES_SHOWN_MAX {
            let (name, before, after) = (name.to_owned(), requests(old), requests(now));
            self.changes.changed.push(ChangedOperation { name, before, after });
        }
    }
}

/// Names an operation, as far as there is room.
fn note(named: &mut Vec<NamedOperation>, name: &str, rows: &[&Operation]) {
    if named.len() < CHANGES_SHOWN_MAX {
        named.push(NamedOperation { name: name.to_owned(), requests: requests(rows) });
    }
}

fn requests(rows: &[&Operation]) -> Vec<String> {
    rows.iter().map(|row| shown(row)).collect()
}

fn by_name(operations: &[Operation]) -> BTreeMap<&str, Vec<&Operation>> {
    let mut rows: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in operations {
        rows.entry(&operation.name).or_default().push(operation);
    }
    rows
}

/// Each name once, as the document orders them.
fn in_order<'o>(
    operations: &'o [Operation],
    by_name: &'o BTreeMap<&'o str, Vec<&'o Operation>>,
) -> impl Iterator<Item = (&'o str, &'o Vec<&'o Operation>)> {
    let is_first =
        |operation: &&Operation| by_name[&*operation.name].first().is_some_and(|row| std::ptr::eq(*row, *operation));
    operations.iter().filter(is_first).map(|operation| (&*operation.name, &by_name[&*operation.name]))
}

fn shown(operation: &Operation) -> String {
    let request = format!("{} {}", operation.method, operation.template);
    if operation.versions.is_empty() { request } else { format!("{request} ({})", operation.versions.join(", ")) }
}

fn units(operations: &[Operation]) -> BTreeSet<(Box<str>, Option<Box<str>>)> {
    let of = |operation: &Operation| -> Vec<_> {
        let name = || operation.name.clone();
        if operation.versions.is_empty() {
            return vec![(name(), None)];
        }
        operation.versions.iter().map(|version| (name(), Some(version.clone()))).collect()
    };
    operations.iter().flat_map(of).collect()
}

// === impl Units ===

impl Units {
    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A name that is wholly new, or wholly gone, is one: its versions say nothing more.
    fn leave_versions_to(&mut self, known: &BTreeMap<&str, Vec<&Operation>>) {
        for (name, version) in &mut self.0 {
            if !known.contains_key(&**name) {
                *version = None;
            }
        }
        self.0.dedup();
    }

    /// How many of them a set holds, and the first of them by name.
    pub(super) fn of_set(&self, set: &ApiSet, api: ApiId) -> (usize, Vec<String>) {
        let whole = holds_whole(set, api);
        self.covered(&set.operations, api, whole)
    }

    /// How many of them a key holds beside its sets, and the first of them by name.
    pub(super) fn of_key(&self, key: &Key, api: ApiId) -> (usize, Vec<String>) {
        self.covered(&key.operations, api, false)
    }

    fn covered(&self, patterns: &[ApiPattern], api: ApiId, whole: bool) -> (usize, Vec<String>) {
        let own = || patterns.iter().filter(|pattern| pattern.api == api).map(|pattern| &pattern.pattern);
        // What is held of a name that is wholly new or gone may be one version of it.
        let is_given = |name: &str, version: Option<&str>, pattern: &OperationPattern| {
            pattern.matches(name) && version.is_none_or(|version| pattern.means_version(version))
        };
        let is_taken = |name: &str, version: Option<&str>, pattern: &OperationPattern| {
            let in_version = version.map_or(pattern.version().is_none(), |version| pattern.means_version(version));
            pattern.is_exception() && pattern.names(name) && in_version
        };
        let holds = |(name, version): &&(Box<str>, Option<Box<str>>)| {
            let given = whole || own().any(|pattern| is_given(name, version.as_deref(), pattern));
            given && !own().any(|pattern| is_taken(name, version.as_deref(), pattern))
        };
        let mut count = 0;
        let mut names = Vec::new();
        for (name, version) in self.0.iter().filter(holds) {
            count += 1;
            if names.len() < NAMES_SHOWN_MAX {
                names.push(version.as_ref().map_or_else(|| name.to_string(), |version| format!("{name}@{version}")));
            }
        }
        (count, names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(name: &str, method: &str, versions: &[&str]) -> Operation {
        Operation {
            name: name.into(),
            method: method.into(),
            template: "/x".into(),
            multi_segment: vec![],
            summary: "".into(),
            tags: vec![],
            versions: versions.iter().map(|name| (*name).into()).collect(),
        }
    }

    fn patterns(texts: &[&str]) -> Vec<ApiPattern> {
        let pattern = |text: &&str| ApiPattern { api: ApiId::from_raw(1), pattern: text.parse().expect("a pattern") };
        texts.iter().map(pattern).collect()
    }

    #[test]
    fn operations_are_compared_by_name() {
        let old = [operation("a", "GET", &[]), operation("b", "GET", &[]), operation("c", "GET", &[])];
        let new = [operation("b", "PUT", &[]), operation("d", "GET", &[]), operation("a", "GET", &[])];
        let difference = Difference::new(&old, &new);
        assert_eq!(difference.counts, OperationCounts { added: 1, changed: 1, removed: 1 });
        let named = |name: &str| NamedOperation { name: name.to_owned(), requests: vec!["GET /x".to_owned()] };
        assert_eq!(difference.changes.added, [named("d")]);
        assert_eq!(difference.changes.removed, [named("c")]);
        let changed = &difference.changes.changed[0];
        assert_eq!(
            (&*changed.name, &*changed.before, &*changed.after),
            ("b", &["GET /x".to_owned()][..], &["PUT /x".to_owned()][..])
        );
        assert_eq!(Difference::new(&old, &[]).counts, OperationCounts { added: 0, changed: 0, removed: 3 });
        assert_eq!(Difference::new(&old, &old), Difference::default());
    }

    #[test]
    fn a_version_that_is_added_is_gained_by_rights_to_all_versions() {
        let old = [operation("a", "GET", &["v1"]), operation("b", "GET", &["v1"])];
        let new = [
            operation("a", "GET", &["v1", "v2"]),
            operation("b", "GET", &["v1"]),
            operation("c", "GET", &["v1", "v2"]),
        ];
        let difference = Difference::new(&old, &new);
        assert_eq!(difference.counts, OperationCounts { added: 1, changed: 1, removed: 0 });
        let gained = |texts: &[&str]| difference.gained.covered(&patterns(texts), ApiId::from_raw(1), false).1;
        assert_eq!(gained(&["*"]), ["a@v2", "c"]);
        assert_eq!(gained(&["a"]), ["a@v2"]);
        assert_eq!(gained(&["a@v1"]), Vec::<String>::new());
        assert_eq!(gained(&["a@v2"]), ["a@v2"]);
        assert_eq!(gained(&["*", "!a@V2"]), ["c"]);
        assert!(difference.lost.is_empty());
        let back = Difference::new(&new, &old);
        assert_eq!(back.lost.covered(&patterns(&["*"]), ApiId::from_raw(1), false).1, ["a@v2", "c"]);
    }

    #[test]
    fn long_lists_are_cut_and_counted_whole() {
        let new: Vec<_> = (0..150).map(|number| operation(&format!("n{number:03}"), "GET", &[])).collect();
        let difference = Difference::new(&[], &new);
        assert_eq!((difference.counts.added, difference.changes.added.len()), (150, CHANGES_SHOWN_MAX));
        let (count, names) = difference.gained.covered(&[], ApiId::from_raw(1), true);
        assert_eq!((count, names.len()), (150, NAMES_SHOWN_MAX));
    }
}
