//! Invites a person: makes a membership, and a person of their own until they accept. Whether somebody is known by the address
//! in other organizations makes no difference that anybody could see.

use std::sync::Arc;

use claviger_domain::UserId;
use claviger_domain::authority::Authority;
use claviger_domain::member::{MEMBERS_MAX, Member, User};
use claviger_domain::organization::Organization;
use claviger_store::{Scope, Tx, members};
use serde_json::json;

use super::record::{check_free, note, view};
use super::request::{self, CreateUser};
use super::wire::NewUser;
use crate::Manage;
use crate::answer::Answer;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::instant::{self, Edge};
use crate::invitations::{self, Drawn};
use crate::organizations::{DEFAULT_LANGUAGE, home, name_from};
use crate::roles::resolve_roles;
use crate::write::Changed;

/// Invites a person with roles that give no more than the caller has.
pub async fn create(manage: &Manage, ctx: &Ctx, request: CreateUser) -> Result<Changed<NewUser>, Error> {
    let organization = ctx.organization_with(Authority::UsersManage)?;
    if !request.roles.is_empty() {
        ctx.require_step_up()?;
    }
    let home = home(manage, organization).await?;
    let draft = draft(manage, ctx, &home, &request)?;
    let invitation = invitations::draw(manage, ctx, home.name.as_str(), &draft)?;
    let all = Arc::new((ctx.clone(), request, draft, invitation));
    manage
        .create(
            ctx,
            Scope::Organization(organization),
            move |tx| {
                let all = all.clone();
                Box::pin(async move { insert(tx, &all.0, &all.1, all.2.clone(), &all.3).await })
            },
            |made| Answer::created(json!(made.without_link())).location("users", made.user.id()).version(1),
        )
        .await
}

fn draft(manage: &Manage, ctx: &Ctx, home: &Organization, request: &CreateUser) -> Result<Member, Error> {
    let mut checks = Checks::default();
    request::place(&mut checks, request.language.as_deref(), request.time_zone.as_deref());
    let end = request.account_expires_at.as_deref().map(|text| instant::parse(text, Edge::End, &home.time_zone));
    let account_expires_at = checks.take("account_expires_at", end.transpose());
    let later = account_expires_at.is_none_or(|end| end > ctx.now);
    checks.ensure("account_expires_at", later, "must be in the future");
    checks.finish()?;
    let named = || name_from(&request.email);
    let user = User {
        id: UserId::new(ctx.now, &*manage.random),
        email: request.email.clone(),
        name: request.name.clone().unwrap_or_else(named),
        language: request.language.clone().unwrap_or_else(|| DEFAULT_LANGUAGE.to_owned()),
        time_zone: request.time_zone.clone().unwrap_or_else(|| home.time_zone.clone()),
        created_at: ctx.now,
    };
    Ok(Member {
        user,
        organization: home.id,
        username: request.username.clone().unwrap_or_else(named),
        roles: Vec::new(),
        disabled: None,
        locked: None,
        account_expires_at,
        accepted_at: None,
        created_by: ctx.actor.clone(),
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    })
}

async fn insert(
    tx: &mut Tx,
    ctx: &Ctx,
    request: &CreateUser,
    mut member: Member,
    invitation: &Drawn,
) -> Result<NewUser, Error> {
    if members::count(tx, member.organization).await? >= MEMBERS_MAX as i64 {
        return Err(Error::new(ErrorCode::LimitReached, format!("An organization has at most {MEMBERS_MAX} users.")));
    }
    let taken = members::by_username(tx, member.organization, &member.username.search_form()).await?.is_some();
    if taken && request.username.is_none() {
        // Two addresses may begin alike; whole they differ.
        member.username = member.user.email.as_str().parse().unwrap_or(member.username);
    }
    check_free(tx, &member).await?;
    let roles = resolve_roles(tx, member.organization, &request.roles).await?;
    ctx.require_roles(tx, &roles).await?;
    member.roles = roles.iter().map(|role| role.id).collect();
    members::insert(tx, &member).await?;
    let made = view(tx, ctx, &member).await?;
    note(tx, ctx, "user.create", &member, None, Some(&made));
    let invitation = invitations::put(tx, ctx, invitation, &member).await?;
    Ok(NewUser { user: made, invitation })
}
