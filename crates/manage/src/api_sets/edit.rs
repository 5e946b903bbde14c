//! Changes a set.

use std::sync::Arc;

use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::authority::Authority;
use claviger_domain::limit::Place;
use claviger_store::{Scope, Tx, api_sets};

use super::record::{check_slug_free, fill, find_own, note, view};
use super::request::EditApiSet;
use super::wire::Recorded;
use crate::Manage;
use crate::apis::slug;
use crate::body::IfMatch;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::limits;
use crate::write::Changed;

/// Changes the set of this id or slug: a plain one, or the operations and limits of a General one. Every key that holds it has the
/// new rights at once.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    if_match: IfMatch,
    request: EditApiSet,
) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    let all = Arc::new((ctx.clone(), name, if_match, request));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, name, if_match, request) = &*all;
                let before = find_own(tx, organization, name).await?;
                if_match.check(before.version)?;
                apply(tx, ctx, &before, request).await
            })
        })
        .await
}

async fn apply(tx: &mut Tx, ctx: &Ctx, before: &ApiSet, request: &EditApiSet) -> Result<Recorded, Error> {
    let old = view(tx, before).await?;
    let mut set = before.clone();
    check_kind(before, request)?;
    if let Some(name) = &request.name {
        set.name = name.clone();
    }
    if let Some(new) = request.slug.as_ref().filter(|new| **new != before.slug) {
        slug::check_set(new).map_err(|problem| Error::field("slug", problem))?;
        set.slug = new.clone();
        check_slug_free(tx, &set).await?;
    }
    fill(tx, &mut set, request.apis.as_deref(), request.operations.as_deref()).await?;
    check_general(&set)?;
    if let Some(given) = &request.limits {
        let mut checks = Checks::default();
        set.limits = limits::read(&mut checks, given.as_deref().unwrap_or_default(), Place::ApiSet);
        checks.finish()?;
    }
    if set == *before {
        return Ok(Recorded { set: old, version: set.version });
    }
    if holds_more(before, &set) {
        ctx.require_any_set(tx).await?;
    }
    set.version += 1;
    set.updated_at = ctx.now;
    api_sets::update(tx, &set).await?;
    let new = view(tx, &set).await?;
    note(tx, ctx, "api_set.edit", &set, Some(&old), Some(&new));
    Ok(Recorded { set: new, version: set.version })
}

/// Whether a set names what it did not name before, excepts less, or has other limits.
fn holds_more(before: &ApiSet, after: &ApiSet) -> bool {
    let excepts_less =
        before.operations.iter().any(|held| held.pattern.is_exception() && !after.operations.contains(held));
    excepts_less
        || before.limits != after.limits
        || after.apis.iter().any(|api| !before.apis.contains(api))
        || after.operations.iter().any(|operation| !before.operations.contains(operation))
}

fn check_kind(set: &ApiSet, request: &EditApiSet) -> Result<(), Error> {
    let more_than_operations = request.slug.is_some() || request.apis.is_some() || request.name.is_some();
    match set.kind {
        ApiSetKind::Full => Err(Error::conflict("Full access is made with the organization; it cannot be changed.")),
        ApiSetKind::BuiltIn => Err(Error::conflict("This set stands for rights in Claviger; it cannot be changed.")),
        ApiSetKind::General if more_than_operations => {
            Err(Error::conflict("Of the General set of an API only the operations and limits can be changed."))
        }
        ApiSetKind::Plain | ApiSetKind::General => Ok(()),
    }
}

/// A General set has operations of its own API alone.
fn check_general(set: &ApiSet) -> Result<(), Error> {
    let foreign = set.operations.iter().enumerate().filter(|(_, pattern)| !set.apis.contains(&pattern.api));
    if set.kind != ApiSetKind::General {
        return Ok(());
    }
    let errors: Vec<_> =
        foreign.map(|(at, _)| FieldError::new(format!("operations[{at}]"), "is of another API")).collect();
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}
