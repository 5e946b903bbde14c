//! Takes users out of service and puts them back, and locks them. Their keys stay as they are, and pass no door meanwhile.

use claviger_domain::authority::Authority;
use claviger_domain::key::Disabled;
use claviger_domain::member::Member;

use super::leaver::move_keys;
use super::record::change;
use super::request::DisableUser;
use super::wire::Recorded;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::{Reason, reason};
use crate::write::Changed;

/// Disables a user; keys that are named go on as an application's, with the same values. One who is disabled stays so.
pub async fn disable(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    request: DisableUser,
) -> Result<Changed<Recorded>, Error> {
    ctx.require(Authority::UsersManage)?;
    let text = reason(&Reason { reason: request.reason.clone() })?;
    let engine = manage.engine.clone();
    change(manage, ctx, name, IfMatch::ANY, "user.disable", move |tx, ctx, member| {
        let (request, text, engine) = (request.clone(), text.clone(), engine.clone());
        Box::pin(async move {
            if let Some(keys) = &request.move_keys {
                move_keys(tx, ctx, &engine, member, keys).await?;
            }
            if member.disabled.is_none() {
                member.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason: text });
            }
            Ok(())
        })
    })
    .await
}

/// Enables a user; their keys work as before. It gives rights back, so only who holds them may.
pub async fn enable(manage: &Manage, ctx: &Ctx, name: String, request: Reason) -> Result<Changed<Recorded>, Error> {
    set(manage, ctx, name, request, "user.enable", |_, member, _| member.disabled = None).await
}

/// Locks a user; one who is locked stays so.
pub async fn lock(manage: &Manage, ctx: &Ctx, name: String, request: Reason) -> Result<Changed<Recorded>, Error> {
    set(manage, ctx, name, request, "user.lock", |ctx, member, reason| {
        if member.locked.is_none() {
            member.locked = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason });
        }
    })
    .await
}

/// Takes a lock away; keys work as before. It gives rights back, so only who holds them may.
pub async fn unlock(manage: &Manage, ctx: &Ctx, name: String, request: Reason) -> Result<Changed<Recorded>, Error> {
    set(manage, ctx, name, request, "user.unlock", |_, member, _| member.locked = None).await
}

async fn set(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    request: Reason,
    action: &'static str,
    edit: fn(&Ctx, &mut Member, Option<String>),
) -> Result<Changed<Recorded>, Error> {
    ctx.require(Authority::UsersManage)?;
    let reason = reason(&request)?;
    change(manage, ctx, name, IfMatch::ANY, action, move |_, ctx, member| {
        edit(ctx, member, reason.clone());
        Box::pin(async { Ok(()) })
    })
    .await
}
