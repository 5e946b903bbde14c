//! Makes a role.

use std::sync::Arc;

use claviger_domain::RoleId;
use claviger_domain::authority::Authority;
use claviger_domain::name::Slug;
use claviger_domain::role::{Levels, ROLES_MAX, Role};
use claviger_store::{Scope, Tx, roles};
use serde_json::json;

use super::record::{check_slug_free, merge_levels, note, view};
use super::request::{self, CreateRole};
use super::wire::Recorded;
use crate::Manage;
use crate::answer::Answer;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::write::Changed;

/// Makes a role that gives no more than its maker has.
pub async fn create(manage: &Manage, ctx: &Ctx, request: CreateRole) -> Result<Changed<Recorded>, Error> {
    let organization = ctx.organization_with(Authority::RolesManage)?;
    ctx.require_step_up()?;
    let mut checks = Checks::default();
    request::numbers(&mut checks, &request.levels);
    let draft = Role {
        id: RoleId::new(ctx.now, &*manage.random),
        organization,
        slug: request.slug.clone().unwrap_or_else(|| Slug::from_name(request.name.as_str(), "role")),
        name: request.name.clone(),
        predefined: false,
        authorities: request::authorities(&mut checks, &request.authorities),
        levels: Levels::default(),
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    };
    checks.finish()?;
    let all = Arc::new((ctx.clone(), request, draft));
    manage
        .create(
            ctx,
            Scope::Organization(organization),
            move |tx| {
                let all = all.clone();
                Box::pin(async move { insert(tx, &all.0, &all.1, all.2.clone()).await })
            },
            |made| Answer::created(json!(made.role)).location("roles", made.role.id()).version(made.version),
        )
        .await
}

async fn insert(tx: &mut Tx, ctx: &Ctx, request: &CreateRole, mut role: Role) -> Result<Recorded, Error> {
    if roles::count(tx, role.organization).await? >= ROLES_MAX as i64 {
        return Err(Error::new(ErrorCode::LimitReached, format!("An organization has at most {ROLES_MAX} roles.")));
    }
    check_slug_free(tx, &role).await?;
    role.levels = merge_levels(tx, role.organization, &role.levels, &request.levels).await?;
    ctx.require_roles(tx, std::slice::from_ref(&role)).await?;
    roles::insert(tx, &role).await?;
    let made = view(tx, &role).await?;
    note(tx, ctx, "role.create", &role, None, Some(&made));
    Ok(Recorded { role: made, version: role.version })
}
