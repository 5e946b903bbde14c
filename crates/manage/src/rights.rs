//! From the names in a request to sets, APIs and patterns: one's own by id or by slug, what others share by id.

use claviger_domain::OrganizationId;
use claviger_domain::api::Api;
use claviger_domain::api_set::{ApiPattern, ApiSet, PATTERNS_MAX, SETS_PER_KEY_MAX, SPECIAL_PATTERNS_MAX};
use claviger_domain::operation::{Operation, OperationPattern, UNVERSIONED, is_same_version};
use claviger_store::{Conn, api_sets, apis, operations};

use crate::error::{Error, FieldError};
use crate::shared::{find_usable_api, find_usable_set};

/// What a name that is not there is told; the same for another organization's.
pub(crate) const UNKNOWN: &str = "there is none by this name";

/// The set of this id or slug.
pub async fn find_set(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<Option<ApiSet>, Error> {
    if let Ok(id) = name.parse() {
        return Ok(api_sets::get(conn, organization, id).await?);
    }
    match name.parse() {
        Ok(slug) => Ok(api_sets::by_slug(conn, organization, &slug).await?),
        Err(_) => Ok(None),
    }
}

/// The API of this id or slug.
pub async fn find_api(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<Option<Api>, Error> {
    if let Ok(id) = name.parse() {
        return Ok(apis::get(conn, organization, id).await?);
    }
    match name.parse() {
        Ok(slug) => Ok(apis::by_slug(conn, organization, &slug).await?),
        Err(_) => Ok(None),
    }
}

/// The sets that a request names in `field`, in its order, each once.
pub async fn resolve_sets(
    conn: &mut Conn,
    organization: OrganizationId,
    field: &str,
    names: &[String],
) -> Result<Vec<ApiSet>, Error> {
    if names.len() > SETS_PER_KEY_MAX {
        return Err(Error::field(field, format!("expected at most {SETS_PER_KEY_MAX} sets")));
    }
    let (mut sets, mut unknown) = (Vec::<ApiSet>::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        match find_usable_set(conn, organization, name).await? {
            Some(set) if sets.iter().any(|known| known.id == set.id) => {}
            Some(set) => sets.push(set),
            None => unknown.push(FieldError::new(format!("{field}[{index}]"), UNKNOWN)),
        }
    }
    if unknown.is_empty() { Ok(sets) } else { Err(Error::names_unknown(unknown)) }
}

/// The patterns that a request names in `field` as `<api slug or id>:<pattern>`, in its order, each once; `!` before it
/// makes it an exception, `@` behind it one of a version. Each must cover an operation that is there.
pub async fn resolve_patterns(
    conn: &mut Conn,
    organization: OrganizationId,
    field: &str,
    names: &[String],
) -> Result<Vec<ApiPattern>, Error> {
    if names.len() > PATTERNS_MAX {
        return Err(Error::field(field, format!("expected at most {PATTERNS_MAX} operations")));
    }
    let (parsed, wrong) = parse_patterns(field, names);
    if parsed.iter().filter(|(_, _, pattern)| pattern.is_exception() || pattern.version().is_some()).count()
        > SPECIAL_PATTERNS_MAX
    {
        let problem = format!("expected at most {SPECIAL_PATTERNS_MAX} operations with `@` or `!`");
        return Err(Error::field(field, problem));
    }
    let (mut known, mut patterns, mut unknown) = (Vec::<(&str, KnownApi)>::new(), Vec::new(), Vec::new());
    for (index, api, pattern) in parsed {
        if !known.iter().any(|(name, _)| *name == api) {
            known.push((api, KnownApi::load(conn, organization, api).await?));
        }
        let found = known.iter().find(|(name, _)| *name == api).and_then(|(_, known)| known.cover(&pattern));
        match found {
            Some(found) if patterns.contains(&found) => {}
            Some(found) => patterns.push(found),
            None => unknown.push(FieldError::new(format!("{field}[{index}]"), UNKNOWN)),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::invalid(wrong.into_iter().chain(unknown).collect()));
    }
    if unknown.is_empty() { Ok(patterns) } else { Err(Error::names_unknown(unknown)) }
}

/// An API that a request names, with its operations; the built-in one counts as unknown, because its operations stand in
/// no set of one's own.
struct KnownApi(Option<(Api, Vec<Operation>)>);

// === impl KnownApi ===

impl KnownApi {
    async fn load(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<Self, Error> {
        use claviger_domain::api::ApiKind;
        let api = find_usable_api(conn, organization, name).await?.filter(|api| api.kind != ApiKind::BuiltIn);
        let Some(api) = api else { return Ok(Self(None)) };
        let all = operations::all(conn, api.id).await?;
        Ok(Self(Some((api, all))))
    }

    fn cover(&self, pattern: &OperationPattern) -> Option<ApiPattern> {
        let (api, operations) = self.0.as_ref()?;
        let covers = operations.iter().any(|operation| pattern.names(&operation.name) && has(api, operation, pattern));
        covers.then(|| ApiPattern { api: api.id, pattern: pattern.clone() })
    }
}

/// Whether the operation is in the version that the pattern names: one that the API lists, or [`UNVERSIONED`].
fn has(api: &Api, operation: &Operation, pattern: &OperationPattern) -> bool {
    let Some(version) = pattern.version() else { return true };
    let is_meant = |names: &[Box<str>]| names.iter().any(|name| is_same_version(name, version));
    let listed = version == UNVERSIONED && api.version_pattern.is_some() || is_meant(&api.versions);
    listed && (operation.versions.is_empty() || is_meant(&operation.versions))
}

/// The API and the pattern of each name, with its place, and what is wrong with the others.
fn parse_patterns<'n>(field: &str, names: &'n [String]) -> (Vec<(usize, &'n str, OperationPattern)>, Vec<FieldError>) {
    let (mut parsed, mut wrong) = (Vec::with_capacity(names.len()), Vec::new());
    for (index, name) in names.iter().enumerate() {
        let at = || format!("{field}[{index}]");
        let (sign, text) = name.strip_prefix('!').map_or(("", name.as_str()), |rest| ("!", rest));
        match text.split_once(':').map(|(api, rest)| (api, rest, OperationPattern::parse(&format!("{sign}{rest}")))) {
            // A second `!`, behind the colon, is part of no name.
            Some((api, rest, Ok(pattern))) if !rest.starts_with('!') => parsed.push((index, api, pattern)),
            Some((_, _, Err(problem))) => wrong.push(FieldError::new(at(), problem)),
            Some(_) => wrong.push(FieldError::new(at(), "the `!` of an exception stands before the API")),
            None => wrong.push(FieldError::new(at(), "expected `<api>:<operation>` such as `github:issues/*`")),
        }
    }
    (parsed, wrong)
}
