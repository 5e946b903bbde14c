//! Ends another person's second factor, whose app and recovery codes are lost.

use std::sync::Arc;

use claviger_domain::OrganizationId;
use claviger_domain::authority::Authority;
use claviger_domain::member::Member;
use claviger_store::{Conn, Scope, Tx, members, second_factors, sessions};
use claviger_texts::Mail;

use super::record::{audited, mail, note, told};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mandate::roles_of;
use crate::users::find_member;
use crate::write::Changed;
use crate::{Manage, mail};

/// Ends the second factor of the user of this id, user name or address, and their sessions; nothing changes where there is
/// none. A person or the operator does this: a key of the organization is asked for no password, and whoever has a session
/// alone can make one.
pub async fn reset(manage: &Manage, ctx: &Ctx, name: String) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::UsersManage)?;
    if ctx.user.is_none() && !ctx.is_operator() {
        return Err(Error::forbidden("A person or the operator does this, no key of an organization or application."));
    }
    ctx.require_step_up()?;
    let member = find(&mut *manage.store.read().await?, organization, &name).await?;
    check_may(ctx, &member)?;
    let (name, at) = told(&member, ctx.now);
    let by = ctx.actor.name.clone().unwrap_or_else(|| "The operator".to_owned());
    let mail = mail(manage, ctx, &member, Mail::SecondFactorReset { name, by, at })?;
    let all = Arc::new((ctx.clone(), member.user.id.to_string(), mail));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (ctx, id, mail) = &*all;
                let member = find(tx, organization, id).await?;
                if end(tx, ctx, &member).await? {
                    mail::put(tx, mail.as_ref()).await?;
                }
                Ok(())
            })
        })
        .await
}

async fn find(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<Member, Error> {
    find_member(conn, organization, name).await?.ok_or_else(|| Error::not_found("user"))
}

/// Refuses one's own: that asks for the password or a code, and this must be no way around.
fn check_may(ctx: &Ctx, member: &Member) -> Result<(), Error> {
    if ctx.is_user(member.user.id) {
        return Err(Error::conflict("One's own second factor is ended by `DELETE /me/2fa`."));
    }
    Ok(())
}

/// Whether there was something to end.
async fn end(tx: &mut Tx, ctx: &Ctx, member: &Member) -> Result<bool, Error> {
    let user = member.user.id;
    if members::count_of_user(tx, user).await? > 1 {
        return Err(Error::conflict("This person is in another organization too, and changes this alone."));
    }
    // It takes away what protects the person's roles, so only who holds them may.
    let roles = roles_of(tx, member).await?;
    ctx.require_roles(tx, &roles).await?;
    let before = audited(tx, user).await?;
    if !second_factors::remove(tx, user).await? {
        return Ok(false);
    }
    let ended = sessions::end_others(tx, user, None).await?;
    let mut after = audited(tx, user).await?;
    after["sessions_ended"] = ended.into();
    note(tx, ctx, member, "user.reset_second_factor", Some(before), after);
    Ok(true)
}
