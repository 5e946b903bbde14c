//! Changes an API.

use std::sync::Arc;

use claviger_domain::api::{Api, ApiKind, DoorRules};
use claviger_domain::authority::Authority;
use claviger_domain::operation::Operation;
use claviger_store::{Scope, Tx, apis, operations};

use super::record::{check_slug_free, find_own, note, rename_general, view};
use super::request::{self, EditApi};
use super::wire::Recorded;
use super::{rules, slug, versions};
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
fn check(request: &EditApi) -> Result<Option<Vec<Operation>>, Error> {
    let mut checks = Checks::default();
    let operations = request.operations.as_deref().map(|given| request::operations(&mut checks, given));
    if let Some(operations) = &operations {
        request::check_routable(&mut checks, "operations", operations);
    }
    checks.finish()?;
    Ok(operations)
}

async fn apply(
    tx: &mut Tx,
    ctx: &Ctx,
    before: Api,
    request: &EditApi,
    operations: Option<&[Operation]>,
) -> Result<Recorded, Error> {
    let old = view(tx, &before).await?;
    let mut api = edited(&before, request)?;
    if let Some(given) = &request.shared_with {
        api.sharing.with = rules::shared_with(tx, api.organization, given).await?;
    }
    let listed = operations::all(tx, api.id).await?;
    let operations = versioned(&mut api, &before, operations.map_or_else(|| listed.clone(), <[_]>::to_vec))?;
    let replaced = listed != operations;
    let judged_by = |api: &Api| {
        (
            api.hosts.clone(),
            api.base_paths.clone(),
            api.unlisted_paths,
            api.version_pattern.clone(),
            api.versions.clone(),
        )
    };
    if replaced || judged_by(&api) != judged_by(&before) {
        api.kind = ApiKind::Plain;
    }
    if api == before && !replaced {
        return Ok(Recorded { api: old, version: before.version });
    }
    api.version += 1;
    api.updated_at = ctx.now;
    check_slug_free(tx, &api).await?;
    rename_general(tx, ctx, &before, &api).await?;
    apis::update(tx, &api).await?;
    if replaced {
        operations::replace(tx, api.organization, api.id, &operations).await?;
    }
    let new = view(tx, &api).await?;
    note(tx, ctx, "api.edit", &api, Some(&old), Some(&new));
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
