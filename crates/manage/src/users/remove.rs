//! Ends a membership; the user's keys end as tombstones.

use std::sync::Arc;

use claviger_domain::OrganizationId;
use claviger_domain::authority::Authority;
use claviger_domain::key::{Disabled, Owner};
use claviger_store::{Scope, Tx, members};

use super::record::{check_last_admin, find, note, view};
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::{Manage, invitations, keys};

use crate::write::Changed;

/// What ends with a removal that ended too early.
const REASON: &str = "being removed";

/// Removes the user of this id, user name or address. They are out of service with the first transaction; where they have
/// many keys, they end some at a time.
pub async fn remove(manage: &Manage, ctx: &Ctx, name: String, if_match: IfMatch) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::UsersManage)?;
    // All keys of the person end with it.
    ctx.require_step_up()?;
    let mut snapshot = manage.store.read().await?;
    let member = find(&mut snapshot, ctx, organization, &name).await?;
    drop(snapshot);
    if_match.check(member.version)?;
    if ctx.is_user(member.user.id) {
        return Err(Error::conflict("Nobody removes themselves: ask another administrator."));
    }
    let all = Arc::new((ctx.clone(), member.user.id.to_string(), if_match));
    // The caller's condition is about what it saw: only the first transaction holds it against the record.
    let mut first = true;
    loop {
        let (all, is_first) = (all.clone(), first);
        let changed = manage
            .write(ctx, Scope::Organization(organization), move |tx| {
                let all = all.clone();
                Box::pin(async move {
                    let condition = if is_first { &all.2 } else { &IfMatch::ANY };
                    step(tx, &all.0, organization, &all.1, condition).await
                })
            })
            .await?;
        if changed.value {
            return Ok(changed.map(|_| ()));
        }
        first = false;
    }
}

/// Ends some keys, and with the last of them the membership; whether it is done.
async fn step(
    tx: &mut Tx,
    ctx: &Ctx,
    organization: OrganizationId,
    id: &str,
    if_match: &IfMatch,
) -> Result<bool, Error> {
    let mut member = find(tx, ctx, organization, id).await?;
    if_match.check(member.version)?;
    check_last_admin(tx, &member, None).await?;
    let old = view(tx, ctx, &member).await?;
    if keys::end_some(tx, ctx, organization, &Owner::User(member.user.id)).await? {
        if member.disabled.is_none() {
            member.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason: Some(REASON.to_owned()) });
            (member.version, member.updated_at) = (member.version + 1, ctx.now);
            members::update(tx, &member).await?;
            let new = view(tx, ctx, &member).await?;
            note(tx, ctx, "user.disable", &member, Some(&old), Some(&new));
        }
        return Ok(false);
    }
    invitations::end(tx, organization, member.user.id).await?;
    members::delete(tx, organization, member.user.id).await?;
    note(tx, ctx, "user.remove", &member, Some(&old), None);
    Ok(true)
}
