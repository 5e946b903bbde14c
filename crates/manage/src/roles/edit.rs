//! Changes a role: whoever has it has what it says with their next request, on every node.

use std::sync::Arc;

use claviger_domain::authority::{Authorities, Authority};
use claviger_domain::role::{Mandate, Role};
use claviger_store::{Scope, Tx, members, roles};

use super::record::{check_custom, check_slug_free, find, merge_levels, note, view};
use super::request::{self, EditRole};
use super::wire::Recorded;
use crate::Manage;
use crate::body::IfMatch;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mandate::roles_of;
use crate::write::Changed;

/// Changes the role of this id or slug; afterwards it gives no more than who changes it has.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    if_match: IfMatch,
    request: EditRole,
) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with(Authority::RolesManage)?;
    ctx.require_step_up()?;
    let mut checks = Checks::default();
    let named = request.authorities.as_ref().map(|names| request::authorities(&mut checks, names));
    if let Some(levels) = &request.levels {
        request::numbers(&mut checks, levels);
    }
    checks.finish()?;
    let all = Arc::new((ctx.clone(), name, if_match, request, named));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, name, if_match, request, named) = &*all;
                let before = find(tx, organization, name).await?;
                if_match.check(before.version)?;
                check_custom(&before)?;
                apply(tx, ctx, &before, request, *named).await
            })
        })
        .await
}

async fn apply(
    tx: &mut Tx,
    ctx: &Ctx,
    before: &Role,
    request: &EditRole,
    named: Option<Authorities>,
) -> Result<Recorded, Error> {
    let old = view(tx, before).await?;
    let mut role = before.clone();
    if let Some(name) = &request.name {
        role.name = name.clone();
    }
    if let Some(slug) = &request.slug {
        role.slug = slug.clone();
        check_slug_free(tx, &role).await?;
    }
    role.authorities = named.unwrap_or(role.authorities);
    if let Some(levels) = &request.levels {
        role.levels = merge_levels(tx, role.organization, &role.levels, levels).await?;
    }
    if role == *before {
        return Ok(Recorded { role: old, version: role.version });
    }
    if (role.authorities, &role.levels) != (before.authorities, &before.levels) {
        ctx.require_roles(tx, std::slice::from_ref(&role)).await?;
        check_not_oneself(tx, ctx, &role).await?;
    }
    role.version += 1;
    role.updated_at = ctx.now;
    roles::update(tx, &role).await?;
    let new = view(tx, &role).await?;
    note(tx, ctx, "role.edit", &role, Some(&old), Some(&new));
    Ok(Recorded { role: new, version: role.version })
}

/// Refuses an edit by which its maker could not take it back: it would leave them without roles to manage.
async fn check_not_oneself(tx: &mut Tx, ctx: &Ctx, after: &Role) -> Result<(), Error> {
    let Some(user) = ctx.user else { return Ok(()) };
    let Some(member) = members::get(tx, after.organization, user).await? else { return Ok(()) };
    let mut held = roles_of(tx, &member).await?;
    for role in held.iter_mut().filter(|role| role.id == after.id) {
        role.clone_from(after);
    }
    if Mandate::of(held.iter()).authorities.has(Authority::RolesManage) {
        return Ok(());
    }
    Err(Error::conflict(
        "You have this role: without it you could not manage roles any more. Ask another administrator.",
    ))
}
