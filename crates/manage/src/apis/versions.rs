//! The versions of an API and of its operations.

use claviger_domain::api::Api;
use claviger_domain::operation::{
    BasePath, Operation, UNVERSIONED, VERSIONS_MAX, VersionPattern, Versions, is_same_version,
};

use crate::checks::Checks;

/// Reads a pattern; null and nothing are none.
pub(super) fn pattern(checks: &mut Checks, text: Option<&str>) -> Option<VersionPattern> {
    checks.take("version_pattern", text.map(VersionPattern::parse).transpose())
}

/// Checks that the versions an API lists are of its pattern, each once, and that its operations name no others.
pub(super) fn check(checks: &mut Checks, api: &Api, operations: &[Operation]) {
    checks.ensure("versions", api.versions.len() <= VERSIONS_MAX, format!("expected at most {VERSIONS_MAX}"));
    for (index, version) in api.versions.iter().enumerate().take(VERSIONS_MAX) {
        let field = format!("versions[{index}]");
        if let Err(problem) = check_name(api.version_pattern.as_ref(), version) {
            checks.refuse(field, problem);
        } else if let Some(known) = api.versions[..index].iter().find(|known| is_same_version(known, version)) {
            checks.refuse(field, format!("is the same version as `{known}`"));
        }
    }
    let is_listed = |name: &str| name == UNVERSIONED || api.versions.iter().any(|known| is_same_version(known, name));
    for (index, operation) in operations.iter().enumerate() {
        if let Some(at) = operation.versions.iter().position(|name| !is_listed(name)) {
            let field = format!("operations[{index}].versions[{at}]");
            checks.refuse(field, format!("expected a version that the API lists, or `{UNVERSIONED}`"));
        }
    }
}

/// Checks a version's name.
pub(super) fn check_name(pattern: Option<&VersionPattern>, version: &str) -> Result<(), String> {
    match pattern {
        None => Err("the API has no `version_pattern`, which says what versions look like".to_owned()),
        Some(pattern) if pattern.is_version(version) => Ok(()),
        Some(pattern) => Err(format!("expected a version that looks like `{pattern}`, where `#` stands for digits")),
    }
}

/// What is left of operations and base paths when an API lists fewer versions: operations of these versions alone go, and
/// base paths that stand for another one.
pub(super) fn retire(api: &mut Api, before: &Api, operations: Vec<Operation>) -> Vec<Operation> {
    let gone: Vec<&str> = before.versions.iter().filter(|old| !is_listed(api, old)).map(|version| &**version).collect();
    if gone.is_empty() {
        return operations;
    }
    let is_gone = |name: &str| gone.iter().any(|gone| is_same_version(gone, name));
    let old = before.path_versions();
    let stands_for_gone = |path: &String| {
        let version = BasePath::parse(path).ok().and_then(|path| path.version(&old));
        version.and_then(|version| old.name(version)).is_some_and(is_gone)
    };
    let kept: Vec<String> = api.base_paths.iter().filter(|path| !stands_for_gone(path)).cloned().collect();
    if !kept.is_empty() && api.base_paths == before.base_paths {
        api.base_paths = kept;
    }
    let left = operations.into_iter().filter_map(|mut operation| {
        let had = !operation.versions.is_empty();
        operation.versions.retain(|name| !is_gone(name));
        (!had || !operation.versions.is_empty()).then_some(operation)
    });
    left.collect()
}

fn is_listed(api: &Api, version: &str) -> bool {
    api.versions.iter().any(|known| is_same_version(known, version))
}

/// Spells the versions of operations as the API does.
pub(super) fn spell_as_listed(versions: &Versions, operations: &mut [Operation]) {
    for name in operations.iter_mut().flat_map(|operation| &mut operation.versions) {
        if let Some(listed) = versions.named(name).and_then(|version| versions.name(version)) {
            *name = listed.into();
        }
    }
}
