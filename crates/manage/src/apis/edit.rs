//! Changes an API.

use std::sync::Arc;

use claviger_domain::api::{Api, ApiKind, DoorRules};
use claviger_domain::authority::Authority;
use claviger_domain::operation::Operation;
use claviger_store::{Conn, Scope, Tx, apis, operations};

use super::record::{check_slug_free, find_own, note_change, rename_general, view};
use super::request::{self, EditApi};
use super::wire::Recorded;
use super::{manual, rules, slug, versions};
use crate::Manage;
use crate::body::IfMatch;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Changes the API of this id or slug. Once its hosts, paths or operations change, `default` is an API like any other.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    if_match: IfMatch,
    request: EditApi,
) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    let operations = check(&request)?;
    let all = Arc::new((ctx.clone(), name, if_match, request, operations));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, name, if_match, request, operations) = &*all;
                let before = find_own(tx, organization, name).await?;
                if_match.check(before.version)?;
                apply(tx, ctx, before, request, operations.as_deref()).await
            })
        })
        .await
}

/// Checks what can be checked without the record; the new operations, if any are given.
pub(super) fn check(request: &EditApi) -> Result<Option<Vec<Operation>>, Error> {
    let mut checks = Checks::default();
    let operations = request.operations.as_deref().map(|given| request::operations(&mut checks, given));
    if let Some(operations) = &operations {
        request::check_routable(&mut checks, "operations", operations);
    }
    checks.finish()?;
    Ok(operations)
}

/// An API as it is to be.
pub(super) struct Planned {
    pub(super) api: Api,
    pub(super) operations: Vec<Operation>,
    /// The operations before.
    pub(super) listed: Vec<Operation>,
}

/// What an edit makes of the API, by what the database has.
pub(super) async fn plan(
    conn: &mut Conn,
    before: &Api,
    request: &EditApi,
    given: Option<&[Operation]>,
) -> Result<Planned, Error> {
    let mut api = edited(before, request)?;
    if let Some(given) = &request.shared_with {
        api.sharing.with = rules::shared_with(conn, api.organization, given).await?;
    }
    let listed = operations::all(conn, api.id).await?;
    let operations = versioned(&mut api, before, given.map_or_else(|| listed.clone(), <[_]>::to_vec))?;
    check_slug_free(conn, &api).await?;
    Ok(Planned { api, operations, listed })
}

async fn apply(
    tx: &mut Tx,
    ctx: &Ctx,
    before: Api,
    request: &EditApi,
    given: Option<&[Operation]>,
) -> Result<Recorded, Error> {
    let old = view(tx, &before).await?;
    let Planned { mut api, operations, listed } = plan(tx, &before, request, given).await?;
    let replaced = listed != operations;
    let routed_by = |api: &Api| {
        (
            api.hosts.clone(),
            api.base_paths.clone(),
            api.unlisted_paths,
            api.version_pattern.clone(),
            api.versions.clone(),
        )
    };
    let routes_otherwise = replaced || routed_by(&api) != routed_by(&before);
    if routes_otherwise {
        api.kind = ApiKind::Plain;
    }
    if api == before && !replaced {
        return Ok(Recorded { api: old, version: before.version });
    }
    if routes_otherwise || api.rules != before.rules || api.sharing != before.sharing {
        // A set that holds the API whole, or a pattern of it, may hold more by this.
        ctx.require_any_set(tx).await?;
    }
    api.version += 1;
    api.updated_at = ctx.now;
    rename_general(tx, ctx, &before, &api).await?;
    apis::update(tx, &api).await?;
    if replaced {
        operations::replace(tx, api.organization, api.id, &operations).await?;
        manual::forget(tx, api.id, &operations).await?;
    }
    let new = view(tx, &api).await?;
    note_change(tx, ctx, "api.edit", &api, (&old, &listed), (&new, &operations));
    Ok(Recorded { api: new, version: api.version })
}

/// The operations under the versions that the API lists now.
fn versioned(api: &mut Api, before: &Api, operations: Vec<Operation>) -> Result<Vec<Operation>, Error> {
    let mut operations = versions::retire(api, before, operations);
    let mut checks = Checks::default();
    versions::check(&mut checks, api, &operations);
    checks.finish()?;
    versions::spell_as_listed(&api.path_versions(), &mut operations);
    Ok(operations)
}

fn edited(before: &Api, request: &EditApi) -> Result<Api, Error> {
    let mut checks = Checks::default();
    let mut api = before.clone();
    if let Some(name) = &request.name {
        api.name = name.clone();
    }
    if let Some(new) = request.slug.as_ref().filter(|new| **new != before.slug) {
        if let Err(problem) = slug::check_api(new) {
            checks.refuse("slug", problem);
        }
        api.slug = new.clone();
    }
    if let Some(hosts) = &request.hosts {
        api.hosts = request::hosts(&mut checks, hosts);
    }
    if let Some(paths) = &request.base_paths {
        api.base_paths = request::base_paths(&mut checks, paths);
    }
    if let Some(unlisted) = request.unlisted_paths {
        api.unlisted_paths = unlisted;
    }
    if let Some(url) = &request.manual_url {
        api.manual_url = request::manual_url(&mut checks, url.as_deref());
    }
    if let Some(pattern) = &request.version_pattern {
        api.version_pattern = versions::pattern(&mut checks, pattern.as_deref());
    }
    if let Some(names) = &request.versions {
        api.versions = names.iter().map(|name| name.as_str().into()).collect();
    }
    edit_rules(&mut checks, &mut api, request);
    checks.finish()?;
    Ok(api)
}

/// How its doors judge, and whether Full access of others covers it.
fn edit_rules(checks: &mut Checks, api: &mut Api, request: &EditApi) {
    if let Some(given) = &request.credential_sources {
        api.rules.credential_sources = rules::credential_sources(checks, given);
    }
    let DoorRules { report_only, preflight_without_key, .. } = &mut api.rules;
    for (field, given) in [
        (report_only, request.report_only),
        (preflight_without_key, request.preflight_without_key),
        (&mut api.sharing.full_access, request.shared_full_access),
    ] {
        *field = given.unwrap_or(*field);
    }
}
