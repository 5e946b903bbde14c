//! What several use cases do with the record of a user: above all what must hold after every change of one.

use claviger_domain::OrganizationId;
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_domain::key::Owner;
use claviger_domain::member::Member;
use claviger_domain::name::Name;
use claviger_domain::role::Role;
use claviger_store::{Conn, Scope, Tx, api_sessions, keys, members};

use super::wire::{Recorded, UserView, id};
use crate::Manage;
use crate::body::IfMatch;
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mandate::roles_of;
use crate::write::{Changed, Work};

/// The member of this id, user name or e-mail address.
pub(crate) async fn find_member(
    conn: &mut Conn,
    organization: OrganizationId,
    name: &str,
) -> Result<Option<Member>, Error> {
    if let Some(id) = id(name) {
        return Ok(members::get(conn, organization, id).await?);
    }
    // What can be no name names nobody; PostgreSQL takes no NUL at all.
    let Ok(username) = name.parse::<Name>() else { return Ok(None) };
    if let Some(member) = members::by_username(conn, organization, &username.search_form()).await? {
        return Ok(Some(member));
    }
    match name.parse() {
        Ok(email) => Ok(members::by_email(conn, organization, &email).await?),
        Err(_) => Ok(None),
    }
}

/// The member of this name, or 404; for who sees nobody else, others are not there.
pub(super) async fn find(
    conn: &mut Conn,
    ctx: &Ctx,
    organization: OrganizationId,
    name: &str,
) -> Result<Member, Error> {
    let found = find_member(conn, organization, name).await?;
    let known = found.filter(|member| sees_all(ctx) || ctx.is_user(member.user.id));
    known.ok_or_else(|| Error::not_found("user"))
}

/// Whether the caller sees more people than oneself.
pub(crate) fn sees_all(ctx: &Ctx) -> bool {
    ctx.authorities.has(Authority::UsersRead) || ctx.authorities.has(Authority::UsersManage)
}

/// The view of one member, as the caller may see it.
pub(crate) async fn view(conn: &mut Conn, ctx: &Ctx, member: &Member) -> Result<UserView, Error> {
    let own = ctx.is_user(member.user.id) && ctx.authorities.has(Authority::KeysManageOwn);
    let keys = if own || ctx.authorities.has(Authority::KeysRead) {
        let owner = Owner::User(member.user.id);
        Some(keys::count_of_owner(conn, member.organization, &owner, u32::MAX).await?)
    } else {
        None
    };
    let roles = roles_of(conn, member).await?.iter().map(|role| role.slug.to_string()).collect();
    let last_sign_in = members::last_sign_in(conn, member.organization, member.user.id).await?;
    Ok(UserView::new(member, roles, keys, last_sign_in, ctx.now))
}

/// Refuses an address and a user name that another member has.
pub(super) async fn check_free(conn: &mut Conn, member: &Member) -> Result<(), Error> {
    let organization = member.organization;
    let is_other = |other: &Member| other.user.id != member.user.id;
    if let Some(other) = members::by_email(conn, organization, &member.user.email).await?.filter(is_other) {
        return Err(Error::name_taken("email", other.user.id));
    }
    let named = members::by_username(conn, organization, &member.username.search_form()).await?;
    match named.filter(is_other) {
        Some(other) => Err(Error::name_taken("username", other.user.id)),
        None => Ok(()),
    }
}

/// The audit entry of a change of a user: the fields that differ.
pub(crate) fn note(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    member: &Member,
    before: Option<&UserView>,
    after: Option<&UserView>,
) {
    let audited = |view: Option<&UserView>| view.map(UserView::audited);
    let (before, after) = differing_fields(audited(before), audited(after));
    let name = Some(member.user.name.to_string());
    let subject = Subject { kind: "user".to_owned(), id: member.user.id.to_string(), name };
    tx.audit(Chain::Organization(member.organization), ctx.entry(action, subject, before, after));
}

/// Changes one member in one transaction: `edit` changes the record.
pub(super) async fn change<F>(
    manage: &Manage,
    ctx: &Ctx,
    name: String,
    if_match: IfMatch,
    action: &'static str,
    edit: F,
) -> Result<Changed<Recorded>, Error>
where
    F: for<'t> Fn(&'t mut Tx, &'t Ctx, &'t mut Member) -> Work<'t, ()> + Clone + Send + Sync + 'static,
{
    let organization = ctx.organization_with_any(&[Authority::UsersManage, Authority::KeysManageOwn])?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, name, if_match, edit) = (work_ctx.clone(), name.clone(), if_match.clone(), edit.clone());
            Box::pin(async move {
                let before = find(tx, &ctx, organization, &name).await?;
                if_match.check(before.version)?;
                let mut member = before.clone();
                edit(tx, &ctx, &mut member).await?;
                save(tx, &ctx, action, &before, member).await
            })
        })
        .await
}

/// Writes what changed; nothing if nothing did.
async fn save(tx: &mut Tx, ctx: &Ctx, action: &str, before: &Member, mut member: Member) -> Result<Recorded, Error> {
    let old = view(tx, ctx, before).await?;
    if member == *before {
        return Ok(Recorded { user: old, version: member.version });
    }
    check_not_oneself(ctx, before, &member)?;
    require_given(tx, ctx, before, &member).await?;
    member.version += 1;
    member.updated_at = ctx.now;
    check_free(tx, &member).await?;
    members::update(tx, &member).await?;
    let is_stopped = |member: &Member| member.disabled.is_some() || member.locked.is_some();
    if is_stopped(&member) && !is_stopped(before) {
        // The sessions that their rights bound are not there again when they are.
        while api_sessions::end_some_of_profile(tx, member.organization, member.user.id).await? > 0 {}
    }
    check_last_admin(tx, before, Some(&member)).await?;
    let new = view(tx, ctx, &member).await?;
    note(tx, ctx, action, &member, Some(&old), Some(&new));
    Ok(Recorded { user: new, version: member.version })
}

/// Refuses to lock oneself out, or to give oneself anything: another administrator has to.
fn check_not_oneself(ctx: &Ctx, before: &Member, after: &Member) -> Result<(), Error> {
    let rules = |member: &Member| {
        let stopped = (member.disabled.is_some(), member.locked.is_some());
        (stopped, member.account_expires_at, member.roles.clone())
    };
    if ctx.is_user(after.user.id) && rules(before) != rules(after) {
        return Err(Error::conflict("Nobody changes their own roles, lock or end: ask another administrator."));
    }
    Ok(())
}

/// Who gives a person rights, or gives them back, must hold them.
async fn require_given(conn: &mut Conn, ctx: &Ctx, before: &Member, after: &Member) -> Result<(), Error> {
    let later = |before: Option<_>, after: Option<_>| match (before, after) {
        (Some(before), Some(after)) => after > before,
        (before, None) => before.is_some(),
        (None, Some(_)) => false,
    };
    let back = before.disabled.is_some() && after.disabled.is_none()
        || before.locked.is_some() && after.locked.is_none()
        || later(before.account_expires_at, after.account_expires_at);
    let mut given: Vec<Role> = roles_of(conn, after).await?;
    given.retain(|role| back || !before.roles.contains(&role.id));
    ctx.require_roles(conn, &given).await
}

/// Refuses to leave an organization without an administrator who is there for good. Called in the transaction of the change,
/// under the tenant's lock: of two that happen at once the second sees the first.
pub(super) async fn check_last_admin(conn: &mut Conn, before: &Member, after: Option<&Member>) -> Result<(), Error> {
    if !before.keeps_the_organization() || after.is_some_and(Member::keeps_the_organization) {
        return Ok(());
    }
    let admins = members::with_role(conn, before.organization, Role::admin_id(before.organization)).await?;
    let others = admins.iter().filter(|other| other.user.id != before.user.id);
    if others.into_iter().any(Member::keeps_the_organization) {
        return Ok(());
    }
    Err(Error::conflict(
        "This is the last Admin: an organization keeps one who has come, is enabled and not locked, and whose account does \
         not end.",
    ))
}
