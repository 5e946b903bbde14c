//! What a document makes of an API: which versions it stands for, and the operations of all versions together. Pure.

use std::collections::{HashMap, HashSet};

use claviger_domain::api::{Api, OPERATIONS_MAX};
use claviger_domain::operation::{
    BasePath, DEFAULT_VERSION_PATTERN, Operation, UNVERSIONED, VERSIONS_MAX, VersionPattern, is_same_version,
};

use super::document::{self, ImportedDocument};
use super::manual::Manuals;
use super::versions::check_name;
use crate::error::Error;

/// An API that is there, with its operations.
pub(super) struct Existing<'e> {
    pub(super) api: &'e Api,
    pub(super) operations: &'e [Operation],
}

/// An API after an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) version_pattern: Option<VersionPattern>,
    pub(super) versions: Vec<Box<str>>,
    pub(super) base_paths: Vec<String>,
    pub(super) operations: Vec<Operation>,
    /// The versions that the document stands for; empty where it names none.
    pub(super) named: Vec<Box<str>>,
    pub(super) manuals: Manuals,
}

/// The document's operations under the versions that it stands for.
struct Read {
    operations: Vec<Operation>,
    named: Vec<Box<str>>,
    /// Each of the document's own, in its versions, in the document's order.
    single: Vec<Operation>,
}

/// Puts a document in the place of the versions it stands for, beside the others of the API.
///
/// # Errors
/// It does not say which version it is of an API that has several, or another one than `version`; too many versions or
/// operations.
pub(super) fn merge(
    existing: Option<&Existing<'_>>,
    document: &ImportedDocument,
    version: Option<&str>,
) -> Result<Merged, Error> {
    let pattern = pattern_of(existing, document, version)?;
    let mut read = Read::new(document, pattern.as_ref(), version)?;
    let Some(existing) = existing else {
        let versions = sorted(read.named.clone());
        let merged = Merged {
            version_pattern: pattern,
            versions,
            base_paths: document.base_paths.clone(),
            manuals: read.manuals(document),
            operations: read.operations,
            named: read.named,
        };
        return merged.checked();
    };
    let (before, known) = versioned(existing, pattern.as_ref());
    spell(&mut read.named, &known);
    let all = read.operations.iter_mut().chain(&mut read.single);
    all.for_each(|operation| spell(&mut operation.versions, &known));
    check_replaces(&known, &before, &read, version)?;
    if pattern.is_some() {
        read.take_names(&before);
    }
    let added = read.named.iter().filter(|name| !known.contains(name)).cloned();
    let versions = sorted(known.iter().cloned().chain(added).collect());
    let base_paths = base_paths(existing.api, document, pattern.as_ref(), &read.named);
    let operations = together(before, &read)?;
    let manuals = read.manuals(document);
    Merged { version_pattern: pattern, versions, base_paths, operations, named: read.named, manuals }.checked()
}

/// What versions look like: as the API says, else `v` and digits where the document or the call has one. An API that is
/// there and says that its paths carry none is believed until a version is named.
fn pattern_of(
    existing: Option<&Existing<'_>>,
    document: &ImportedDocument,
    version: Option<&str>,
) -> Result<Option<VersionPattern>, Error> {
    let own = existing.and_then(|existing| existing.api.version_pattern.clone());
    let pattern = own.or_else(|| {
        let usual = VersionPattern::parse(DEFAULT_VERSION_PATTERN).ok()?;
        let is_empty = existing.is_none_or(|existing| existing.operations.is_empty());
        let carries = || {
            document.base_paths.iter().any(|path| last_version(path, &usual).is_some())
                || document.operations.iter().any(|operation| first_version(&operation.template, &usual).is_some())
        };
        (version.is_some() || is_empty && carries()).then_some(usual)
    });
    if let Some(version) = version {
        check_name(pattern.as_ref(), version).map_err(|problem| Error::field("version", problem))?;
    }
    Ok(pattern)
}

/// The API's operations and versions. Where it had no pattern and gets one they are spelled out: until now its paths carried
/// what its base paths do.
fn versioned(existing: &Existing<'_>, pattern: Option<&VersionPattern>) -> (Vec<Operation>, Vec<Box<str>>) {
    let (mut operations, mut known) = (existing.operations.to_vec(), existing.api.versions.clone());
    if let (None, Some(pattern)) = (&existing.api.version_pattern, pattern) {
        let of_path = |path: &String| last_version(path, pattern).unwrap_or_else(|| UNVERSIONED.into());
        let versions = distinct(existing.api.base_paths.iter().map(of_path));
        known = versions.iter().filter(|name| &***name != UNVERSIONED).cloned().collect();
        for operation in operations.iter_mut().filter(|operation| operation.versions.is_empty()) {
            operation.versions.clone_from(&versions);
        }
    }
    (operations, known)
}

/// Spells versions as the API does.
fn spell(names: &mut [Box<str>], known: &[Box<str>]) {
    for name in names {
        if let Some(listed) = known.iter().find(|listed| is_same_version(listed, name)) {
            name.clone_from(listed);
        }
    }
}

/// A document without `version` replaces: something of the API must be there to be replaced.
fn check_replaces(listed: &[Box<str>], before: &[Operation], read: &Read, version: Option<&str>) -> Result<(), Error> {
    if version.is_some() || before.is_empty() {
        return Ok(());
    }
    let all = listed.join(", ");
    if let Some(first) = read.named.first() {
        let replaces = read.named.iter().any(|name| listed.contains(name));
        let has = if listed.is_empty() { "lists no versions".to_owned() } else { format!("has the versions {all}") };
        let problem = format!("the API {has}; to add `{first}`, say so with `version={first}`");
        return if replaces { Ok(()) } else { Err(Error::field("version", problem)) };
    }
    let is_plain = |operation: &Operation| {
        operation.versions.is_empty() || operation.versions.iter().any(|name| &**name == UNVERSIONED)
    };
    if listed.is_empty() || before.iter().any(is_plain) {
        return Ok(());
    }
    Err(Error::field(
        "version",
        format!("the API has the versions {all}, and the document names none: say which it is"),
    ))
}

/// The base paths, so that versions which are new can be reached; an administrator's choice for others stays.
fn base_paths(
    api: &Api,
    document: &ImportedDocument,
    pattern: Option<&VersionPattern>,
    named: &[Box<str>],
) -> Vec<String> {
    let mut paths = api.base_paths.clone();
    let Some(pattern) = pattern else { return paths };
    for version in named.iter().filter(|name| !api.versions.contains(name)) {
        for path in &document.base_paths {
            let whole = match last_version(path, pattern) {
                Some(own) if is_same_version(&own, version) => path.clone(),
                Some(_) => continue,
                None => format!("{}/{version}", path.trim_end_matches('/')),
            };
            let parent = whole.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
            if !paths.iter().any(|known| *known == whole || known == parent) {
                paths.push(whole);
            }
        }
    }
    paths
}

/// The operations that are there without the versions that the document stands for, and those of the document.
fn together(before: Vec<Operation>, read: &Read) -> Result<Vec<Operation>, Error> {
    let replaced: HashSet<&str> = read.operations.iter().flat_map(|it| &it.versions).map(|name| &**name).collect();
    let is_plain = read.named.is_empty();
    let replaced = |name: &str| {
        replaced.contains(name) || is_plain && name == UNVERSIONED || read.named.iter().any(|named| **named == *name)
    };
    let left = before.into_iter().filter_map(|mut operation| {
        let in_all = operation.versions.is_empty();
        operation.versions.retain(|name| !replaced(name));
        let stays = if in_all { !is_plain } else { !operation.versions.is_empty() };
        stays.then_some(operation)
    });
    let mut whole: Vec<Operation> = left.collect();
    let was_plain = whole.iter().all(|operation| operation.versions.is_empty());
    let mut places: HashMap<(Box<str>, String), usize> =
        whole.iter().enumerate().map(|(at, it)| ((it.name.clone(), shape(it)), at)).collect();
    let in_all: HashSet<Box<str>> =
        whole.iter().filter(|it| it.versions.is_empty()).map(|it| it.name.clone()).collect();
    for operation in &read.operations {
        let mut operation = operation.clone();
        // Beside versions, what has none in its path is not what has one.
        if is_plain && !was_plain {
            operation.versions = vec![UNVERSIONED.into()];
        }
        let place = places.get(&(operation.name.clone(), shape(&operation)));
        if let Some(known) = place.map(|at| &mut whole[*at]) {
            if !known.versions.is_empty() {
                known.versions.extend(operation.versions.iter().cloned());
            }
            known.summary.clone_from(&operation.summary);
            known.tags.clone_from(&operation.tags);
            continue;
        }
        if in_all.contains(&operation.name) {
            let name = &operation.name;
            let problem = format!("the API's operation `{name}` is in every version, with another method or path");
            return Err(Error::field("version", problem));
        }
        places.insert((operation.name.clone(), shape(&operation)), whole.len());
        whole.push(operation);
    }
    Ok(whole)
}

// === impl Merged ===

impl Merged {
    fn checked(mut self) -> Result<Self, Error> {
        if self.versions.len() > VERSIONS_MAX {
            return Err(Error::field("version", format!("an API has at most {VERSIONS_MAX} versions")));
        }
        if self.operations.len() > OPERATIONS_MAX {
            let problem = format!("an API may have at most {OPERATIONS_MAX} operations in all its versions");
            return Err(Error::field("paths", problem));
        }
        for operation in &mut self.operations {
            operation.versions = sorted(std::mem::take(&mut operation.versions));
        }
        Ok(self)
    }
}

// === impl Read ===

impl Read {
    fn new(
        document: &ImportedDocument,
        pattern: Option<&VersionPattern>,
        version: Option<&str>,
    ) -> Result<Self, Error> {
        let Some(pattern) = pattern else {
            return Ok(Self::alike(document.operations.clone(), Vec::new()));
        };
        let of_base: Vec<_> = document.base_paths.iter().map(|path| last_version(path, pattern)).collect();
        if of_base.iter().any(Option::is_some) {
            let all = of_base.into_iter().map(|version| version.unwrap_or_else(|| UNVERSIONED.into()));
            return Self::of_versions(document, &distinct(all), version, "base path names");
        }
        let of_paths = document.operations.iter().filter_map(|it| first_version(&it.template, pattern));
        let of_paths = distinct(of_paths.map(Box::from));
        match version {
            _ if !of_paths.is_empty() => {
                check_same(&of_paths, version, "paths name")?;
                let single = of_own_paths(document, pattern, &of_paths);
                Ok(Self { operations: grouped(document, pattern, &single), named: of_paths, single })
            }
            Some(version) => Self::of_versions(document, &[version.into()], None, ""),
            None => Ok(Self::alike(document.operations.clone(), Vec::new())),
        }
    }

    /// All operations in the same versions.
    fn of_versions(
        document: &ImportedDocument,
        versions: &[Box<str>],
        asked: Option<&str>,
        source: &str,
    ) -> Result<Self, Error> {
        let named: Vec<Box<str>> = versions.iter().filter(|name| &***name != UNVERSIONED).cloned().collect();
        check_same(&named, asked, source)?;
        let with = |operation: &Operation| Operation { versions: versions.to_vec(), ..operation.clone() };
        Ok(Self::alike(document.operations.iter().map(with).collect(), named))
    }

    /// The operations are those of the document, one for one.
    fn alike(operations: Vec<Operation>, named: Vec<Box<str>>) -> Self {
        Self { single: operations.clone(), operations, named }
    }

    /// What the document says of each of them.
    fn manuals(&self, document: &ImportedDocument) -> Manuals {
        Manuals::new(&self.named, self.single.iter().zip(document.manuals.iter().map(|manual| &**manual)))
    }

    /// An operation that the API does not know by this name but by its method and path keeps the name it has there, so that
    /// rights go on in the new version.
    fn take_names(&mut self, before: &[Operation]) {
        let known: HashSet<&str> = before.iter().map(|operation| &*operation.name).collect();
        let own: HashSet<Box<str>> = self.operations.iter().map(|operation| operation.name.clone()).collect();
        let by_shape: HashMap<String, &Operation> = before.iter().rev().map(|it| (shape(it), it)).collect();
        let mut taken = HashSet::new();
        for operation in &mut self.operations {
            if known.contains(&*operation.name) {
                continue;
            }
            let Some(old) = by_shape.get(&shape(operation)).filter(|old| !own.contains(&old.name)) else { continue };
            if taken.insert(old.name.clone()) {
                operation.name.clone_from(&old.name);
            }
        }
    }
}

fn check_same(named: &[Box<str>], version: Option<&str>, source: &str) -> Result<(), Error> {
    match version {
        Some(version) if named.iter().any(|name| !is_same_version(name, version)) => {
            let problem = format!("the document's {source} {}", named.join(", "));
            Err(Error::field("version", problem))
        }
        _ => Ok(()),
    }
}

/// Operations of one method and path in several versions.
struct Group {
    operation: Operation,
    /// What the document calls them.
    names: Vec<Box<str>>,
    /// The same without their versions.
    plain_names: Vec<Box<str>>,
}

/// The document's operations without the version that begins their paths.
fn of_own_paths(document: &ImportedDocument, pattern: &VersionPattern, versions: &[Box<str>]) -> Vec<Operation> {
    let own = document.operations.iter().map(|whole| {
        let version = first_version(&whole.template, pattern);
        let rest = version.map_or(&*whole.template, |version| &whole.template[version.len() + 1..]);
        let mut operation = whole.clone();
        operation.template = if rest.is_empty() { "/".into() } else { rest.into() };
        operation.versions = vec![version.unwrap_or(UNVERSIONED).into()];
        spell(&mut operation.versions, versions);
        operation
    });
    own.collect()
}

/// The same as one operation for all versions of a method and path.
fn grouped(document: &ImportedDocument, pattern: &VersionPattern, single: &[Operation]) -> Vec<Operation> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (whole, operation) in document.operations.iter().zip(single) {
        let version = first_version(&whole.template, pattern);
        let mut operation = operation.clone();
        let is_made = *whole.name == *document::made_name(&whole.method, &whole.template);
        let plain_name = match version {
            Some(_) if is_made => document::made_name(&whole.method, &operation.template).into(),
            Some(version) => without_version(&whole.name, version),
            None => whole.name.clone(),
        };
        let place = places.get(&shape(&operation)).copied();
        match place.map(|at| &mut groups[at]) {
            // The same path twice in one version does not become one.
            Some(group) if !group.operation.versions.contains(&operation.versions[0]) => {
                group.operation.versions.append(&mut operation.versions);
                group.names.push(whole.name.clone());
                group.plain_names.push(plain_name);
            }
            _ => {
                places.insert(shape(&operation), groups.len());
                groups.push(Group { operation, names: vec![whole.name.clone()], plain_names: vec![plain_name] });
            }
        }
    }
    name_groups(groups)
}

/// A group is called what all its operations are called without their versions, if nothing else is; else as the first.
fn name_groups(groups: Vec<Group>) -> Vec<Operation> {
    let mut holders: HashMap<Box<str>, HashSet<usize>> = HashMap::new();
    for (at, group) in groups.iter().enumerate() {
        for name in group.names.iter().chain(&group.plain_names) {
            holders.entry(name.clone()).or_default().insert(at);
        }
    }
    let named = groups.into_iter().map(|Group { mut operation, names: _, mut plain_names }| {
        plain_names.dedup();
        if let [name] = plain_names.as_slice()
            && holders.get(name).is_some_and(|holders| holders.len() == 1)
        {
            operation.name.clone_from(name);
        }
        operation
    });
    named.collect()
}

/// `createEventV2`, `v2_createEvent`, `events.v2.create` without the version; the name itself where it does not stand alone.
fn without_version(name: &str, version: &str) -> Box<str> {
    let is_separator = |c: char| "-_./ ".contains(c);
    let lower = name.to_ascii_lowercase();
    let version = version.to_ascii_lowercase();
    let (at, end) = match lower.rfind(&version) {
        Some(at) => (at, at + version.len()),
        None => return name.into(),
    };
    let (before, after) = (&name[..at], &name[end..]);
    let ends_word = after.is_empty() || after.starts_with(|c: char| is_separator(c) || c.is_ascii_uppercase());
    let begins_word = before.is_empty() || before.ends_with(is_separator) || name[at..].starts_with(char::is_uppercase);
    if !ends_word || !begins_word || before.ends_with(|c: char| c.is_ascii_digit()) {
        return name.into();
    }
    let (before, after) = (before.trim_end_matches(is_separator), after);
    let left =
        if before.is_empty() { after.trim_start_matches(is_separator).to_owned() } else { format!("{before}{after}") };
    if left.is_empty() { name.into() } else { left.into() }
}

/// Method and path of an operation, whatever its parameters are called.
fn shape(operation: &Operation) -> String {
    let mut shape = format!("{} ", operation.method);
    let mut rest = &*operation.template;
    while let Some((before, tail)) = rest.split_once('{') {
        let (name, after) = tail.split_once('}').unwrap_or((tail, ""));
        let wide = operation.multi_segment.iter().any(|multi| **multi == *name);
        shape.push_str(before);
        shape.push_str(if wide { "{*}" } else { "{}" });
        rest = after;
    }
    shape + rest
}

/// The version that a base path stands for.
fn last_version(path: &str, pattern: &VersionPattern) -> Option<Box<str>> {
    BasePath::parse(path).ok()?;
    let last = path.rsplit('/').next()?;
    pattern.is_version(last).then(|| last.into())
}

/// The version that a template begins with.
fn first_version<'t>(template: &'t str, pattern: &VersionPattern) -> Option<&'t str> {
    let first = template.strip_prefix('/')?.split('/').next()?;
    pattern.is_version(first).then_some(first)
}

/// Each version once, in its first spelling.
fn distinct(names: impl Iterator<Item = Box<str>>) -> Vec<Box<str>> {
    let mut distinct: Vec<Box<str>> = Vec::new();
    for name in names {
        if !distinct.iter().any(|known| is_same_version(known, &name)) {
            distinct.push(name);
        }
    }
    distinct
}

/// By their numbers: `v9` before `v10`; none first.
fn sorted(mut names: Vec<Box<str>>) -> Vec<Box<str>> {
    let is_digit = |c: char| c.is_ascii_digit();
    let key = |name: &str| -> Vec<(String, String)> {
        let runs = name.split_inclusive(|c: char| !c.is_ascii_digit());
        let each = runs.map(|run| {
            let digits = run.trim_end_matches(|c: char| !c.is_ascii_digit()).trim_start_matches('0');
            (format!("{digits:0>32}"), run.trim_start_matches(is_digit).to_owned())
        });
        each.collect()
    };
    names.sort_by_cached_key(|name| (&**name != UNVERSIONED, key(name)));
    names
}
