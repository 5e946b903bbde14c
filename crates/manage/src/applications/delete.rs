//! Deletes an application; its keys end as tombstones.

use std::sync::Arc;

use claviger_domain::authority::Authority;
use claviger_domain::key::{Disabled, Owner};
use claviger_domain::{ApplicationId, OrganizationId};
use claviger_store::{Scope, Tx, api_sessions, api_users, applications};

use super::record::{find, note, view};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys;
use crate::write::Changed;

/// What ends with a deletion that ended too early.
const REASON: &str = "being deleted";
/// How many API users a transaction deletes at most.
const USERS_AT_ONCE_MAX: i64 = 500;

/// Deletes the application of this id or slug. It is out of service with the first transaction; where it has many keys,
/// they end some at a time, so that no transaction grows with their number.
pub async fn delete(manage: &Manage, ctx: &Ctx, name: String, if_match: IfMatch) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    // Keys end, or lose rights, with it.
    ctx.require_step_up()?;
    let mut snapshot = manage.store.read().await?;
    let application = find(&mut snapshot, organization, &name).await?;
    drop(snapshot);
    if_match.check(application.version)?;
    let all = Arc::new((ctx.clone(), application.id.to_string(), if_match));
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

/// Ends some keys, and with the last of them the application; whether it is done.
async fn step(
    tx: &mut Tx,
    ctx: &Ctx,
    organization: OrganizationId,
    id: &str,
    if_match: &IfMatch,
) -> Result<bool, Error> {
    let mut application = find(tx, organization, id).await?;
    if_match.check(application.version)?;
    let owner = Owner::Application(application.id);
    let old = view(tx, &application).await?;
    if keys::end_some(tx, ctx, organization, &owner).await?
        || api_sessions::end_some_of_application(tx, application.id).await? > 0
    {
        if application.disabled.is_none() {
            let reason = Some(REASON.to_owned());
            application.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason });
            application.version += 1;
            application.updated_at = ctx.now;
            applications::update(tx, &application).await?;
            let new = view(tx, &application).await?;
            note(tx, ctx, "application.disable", &application, Some(&old), Some(&new));
        }
        return Ok(false);
    }
    if end_users(tx, application.id).await? {
        return Ok(false);
    }
    applications::delete(tx, organization, application.id).await?;
    note(tx, ctx, "application.delete", &application, Some(&old), None);
    Ok(true)
}

/// Deletes some of the users who sign in under it; whether there were any.
async fn end_users(tx: &mut Tx, application: ApplicationId) -> Result<bool, Error> {
    let users = api_users::some_of_application(tx, application, USERS_AT_ONCE_MAX).await?;
    for user in &users {
        api_users::delete(tx, user.organization, user.id).await?;
    }
    Ok(!users.is_empty())
}
