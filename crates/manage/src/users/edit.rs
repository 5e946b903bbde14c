//! Changes a user by the rules of a merge: what is not named stays.

use claviger_domain::authority::Authority;
use claviger_domain::member::Member;
use claviger_store::{Conn, members};

use super::record::change;
use super::request::{self, EditUser};
use super::wire::Recorded;
use crate::body::IfMatch;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::instant::{self, Edge};
use crate::invitations;
use crate::organizations::home;
use crate::roles::resolve_roles;
use crate::write::Changed;
use crate::{Manage, account};

/// Changes the user of this id, user name or address. The membership is the organization's; the rest is the person's, and
/// the organization's only while the person is in no other.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    if_match: IfMatch,
    request: EditUser,
) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with_any(&[Authority::UsersManage, Authority::KeysManageOwn])?;
    if request.roles.is_some() {
        ctx.require_step_up()?;
    }
    let mut checks = Checks::default();
    request::place(&mut checks, request.language.as_deref(), request.time_zone.as_deref());
    checks.finish()?;
    let time_zone = home(manage, organization).await?.time_zone;
    change(manage, ctx, name, if_match, "user.edit", move |tx, ctx, member| {
        let (request, time_zone) = (request.clone(), time_zone.clone());
        Box::pin(async move {
            check_may(tx, ctx, member, &request).await?;
            if let Some(names) = &request.roles {
                let roles = resolve_roles(tx, member.organization, names).await?;
                member.roles = roles.iter().map(|role| role.id).collect();
            }
            let before = member.user.email.clone();
            merge(ctx, member, &request, &time_zone)?;
            if before != member.user.email {
                // Whoever has the old mailbox must not come as the person of the new one.
                account::forget_links(tx, member.user.id).await?;
                if member.accepted_at.is_none() {
                    invitations::end(tx, member.organization, member.user.id).await?;
                }
            }
            Ok(())
        })
    })
    .await
}

async fn check_may(conn: &mut Conn, ctx: &Ctx, member: &Member, request: &EditUser) -> Result<(), Error> {
    let manages = ctx.authorities.has(Authority::UsersManage);
    if !manages && (request.is_about_membership() || !ctx.is_user(member.user.id)) {
        ctx.require(Authority::UsersManage)?;
    }
    if ctx.is_user(member.user.id) && request.email.as_ref().is_some_and(|email| *email != member.user.email) {
        let how = "One's own address is changed by `PATCH /me`: it counts once the link was followed that goes to it.";
        return Err(Error::conflict(how));
    }
    if request.is_about_person()
        && !ctx.is_user(member.user.id)
        && members::count_of_user(conn, member.user.id).await? > 1
    {
        return Err(Error::conflict("This person is in another organization too, and changes this alone."));
    }
    Ok(())
}

fn merge(ctx: &Ctx, member: &mut Member, request: &EditUser, time_zone: &str) -> Result<(), Error> {
    let mut checks = Checks::default();
    if let Some(end) = &request.account_expires_at {
        let read = end.as_deref().map(|text| instant::parse(text, Edge::End, time_zone)).transpose();
        let end = checks.take("account_expires_at", read);
        let changed = end != member.account_expires_at;
        let later = end.is_none_or(|end| end > ctx.now);
        checks.ensure(
            "account_expires_at",
            !changed || later,
            "must be in the future; disable the user to stop them now",
        );
        member.account_expires_at = end;
    }
    checks.finish()?;
    if let Some(username) = &request.username {
        member.username = username.clone();
    }
    let user = &mut member.user;
    if let Some(name) = &request.name {
        user.name = name.clone();
    }
    if let Some(email) = &request.email {
        user.email = email.clone();
    }
    user.language = request.language.clone().unwrap_or_else(|| user.language.clone());
    user.time_zone = request.time_zone.clone().unwrap_or_else(|| user.time_zone.clone());
    Ok(())
}
