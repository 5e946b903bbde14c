//! What other organizations share: found by id, for who may use it and nobody else.

use claviger_domain::api::{Api, ApiKind};
use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::sharing::SharedWith;
use claviger_domain::{ApiId, OrganizationId};
use claviger_store::{Conn, api_sets, apis, operations};

use crate::error::Error;
use crate::rights::{find_api, find_set};

/// The API of this id or slug that the organization may use: its own, or by id one that is shared with it.
pub async fn find_usable_api(conn: &mut Conn, user: OrganizationId, name: &str) -> Result<Option<Api>, Error> {
    if let Some(own) = find_api(conn, user, name).await? {
        return Ok(Some(own));
    }
    let Ok(id) = name.parse() else { return Ok(None) };
    let found = apis::find(conn, id).await?;
    Ok(found.filter(|api| api.kind != ApiKind::BuiltIn && api.sharing.with.includes(user)))
}

/// The set of this id or slug that the organization may use: its own, or by id one with an operation of an API that is
/// shared with it.
pub async fn find_usable_set(conn: &mut Conn, user: OrganizationId, name: &str) -> Result<Option<ApiSet>, Error> {
    if let Some(own) = find_set(conn, user, name).await? {
        return Ok(Some(own));
    }
    let Ok(id) = name.parse() else { return Ok(None) };
    match api_sets::find(conn, id).await? {
        Some(set) if is_lent(conn, &set, |with| with.includes(user)).await? => Ok(Some(set)),
        _ => Ok(None),
    }
}

/// Whether a set is there for other organizations: it has an operation of an API that is shared `with` some. A provider's
/// Full access and its rights in Claviger never are.
pub async fn is_lent(conn: &mut Conn, set: &ApiSet, with: impl Fn(&SharedWith) -> bool) -> Result<bool, Error> {
    if !matches!(set.kind, ApiSetKind::Plain | ApiSetKind::General) {
        return Ok(false);
    }
    for id in named_apis(set) {
        let shared = apis::find(conn, id).await?.filter(|api| with(&api.sharing.with));
        if shared.is_some() && holds_any(conn, set, id).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// How the organization names an API: its own by slug, another one's by id.
pub fn label(api: &Api, user: OrganizationId) -> String {
    if api.organization == user { api.slug.to_string() } else { api.id.to_string() }
}

fn named_apis(set: &ApiSet) -> Vec<ApiId> {
    let mut named: Vec<ApiId> = set.apis.clone();
    named.extend(set.operations.iter().map(|pattern| pattern.api));
    named.sort_unstable();
    named.dedup();
    named
}

async fn holds_any(conn: &mut Conn, set: &ApiSet, api: ApiId) -> Result<bool, Error> {
    let all = operations::all(conn, api).await?;
    if crate::api_sets::holds_whole(set, api) {
        return Ok(!all.is_empty());
    }
    let patterns: Vec<_> = set.operations.iter().filter(|pattern| pattern.api == api).collect();
    Ok(all.iter().any(|operation| patterns.iter().any(|held| held.pattern.matches(&operation.name))))
}
