//! Which keys a caller may see and change. A person's keys are theirs: others who manage keys see and end them, and make,
//! change and rotate them only where the policy lets them create for others. What one may not know of is not there.

use claviger_domain::authority::Authority;
use claviger_domain::key::{Key, Owner};
use claviger_domain::organization::Organization;
use claviger_domain::role::Making;
use claviger_domain::{OrganizationId, UserId};

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::organizations::home;
use crate::users::find_member;

/// What is to be done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// See it.
    See,
    /// Take it out of service, or put it back.
    End,
    /// Change it, or give it a new value.
    Change,
}

/// The tenant, if the caller may do this with any key at all.
pub(super) fn organization(ctx: &Ctx, need: Need) -> Result<OrganizationId, Error> {
    match need {
        Need::See => ctx.organization_with_any(&[Authority::KeysRead, Authority::KeysManageOwn]),
        Need::End | Need::Change => ctx.organization_with_any(&[Authority::KeysManageAll, Authority::KeysManageOwn]),
    }
}

/// Refuses what the caller may not do with this key; 404 where they may not even know of it. `delegated`: what the policy says
/// of creating for others.
pub(super) fn check(ctx: &Ctx, key: &Key, need: Need, delegated: bool) -> Result<(), Error> {
    if is_own(ctx, &key.owner) && ctx.authorities.has(Authority::KeysManageOwn) {
        return Ok(());
    }
    if need == Need::See {
        return if sees(ctx, &key.owner) { Ok(()) } else { Err(not_known(ctx, key)) };
    }
    if !ctx.authorities.has(Authority::KeysManageAll) {
        let known = ctx.authorities.has(Authority::KeysRead);
        return if known { ctx.require(Authority::KeysManageAll) } else { Err(not_known(ctx, key)) };
    }
    match key.owner {
        Owner::User(_) if need == Need::Change && !delegated => Err(not_for_others()),
        _ => Ok(()),
    }
}

/// Whether the caller may know of keys of this owner.
pub(super) fn sees(ctx: &Ctx, owner: &Owner) -> bool {
    ctx.authorities.has(Authority::KeysRead) || is_own(ctx, owner) && ctx.authorities.has(Authority::KeysManageOwn)
}

/// 404, but for one's own key, of which one knows.
fn not_known(ctx: &Ctx, key: &Key) -> Error {
    if is_own(ctx, &key.owner) {
        return Error::forbidden(format!("This needs the authority {}.", Authority::KeysManageOwn.name()));
    }
    Error::not_found("key")
}

/// Whether the caller is the person whom keys of this owner belong to.
pub(super) fn is_own(ctx: &Ctx, owner: &Owner) -> bool {
    matches!(owner, Owner::User(user) if ctx.is_user(*user))
}

/// Whose bounds count where the caller makes or changes keys of this owner.
pub(super) fn making(ctx: &Ctx, owner: &Owner) -> Making {
    if is_own(ctx, owner) { Making::Own } else { Making::All }
}

/// Refuses to make keys of this owner.
pub(super) fn check_making(ctx: &Ctx, owner: &Owner, home: &Organization) -> Result<(), Error> {
    ctx.require(making(ctx, owner).authority())?;
    match owner {
        Owner::User(_) if !is_own(ctx, owner) && !home.policy.delegated_creation => Err(not_for_others()),
        _ => Ok(()),
    }
}

fn not_for_others() -> Error {
    Error::forbidden(
        "A person's keys are made, changed and rotated by that person alone, unless the policy says otherwise \
         (delegated_creation). They can be disabled and deleted.",
    )
}

/// The user of this name, if the caller may see their keys.
pub async fn user_whose_keys(manage: &Manage, ctx: &Ctx, name: &str) -> Result<UserId, Error> {
    let organization = organization(ctx, Need::See)?;
    let mut snapshot = manage.store.read().await?;
    let found = find_member(&mut snapshot, organization, name).await?.map(|member| member.user.id);
    let sees_all = ctx.authorities.has(Authority::KeysRead);
    found.filter(|user| sees_all || ctx.is_user(*user)).ok_or_else(|| Error::not_found("user"))
}

/// The user of this name, if the caller may make keys of theirs; whether there is anybody else of that name is not told.
pub async fn user_who_gets(manage: &Manage, ctx: &Ctx, name: &str) -> Result<UserId, Error> {
    let organization = organization(ctx, Need::Change)?;
    let home = home(manage, organization).await?;
    let mut snapshot = manage.store.read().await?;
    let found = find_member(&mut snapshot, organization, name).await?.map(|member| member.user.id);
    if let Some(own) = found.filter(|user| ctx.is_user(*user)) {
        return Ok(own);
    }
    if !home.policy.delegated_creation || !ctx.authorities.has(Authority::KeysManageAll) {
        return Err(not_for_others());
    }
    found.ok_or_else(|| Error::not_found("user"))
}
