//! The doors of roles and authorities.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{AuthorityView, Recorded, RoleView};
use super::{CreateRole, EditRole, ListRoles};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::page::Listed;
use crate::path::PathName;
use crate::{Manage, roles};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(authorities)).routes(routes!(list, create)).routes(routes!(get, edit, delete))
}

/// Lists the authorities that roles can give.
#[utoipa::path(get, path = "/authorities", operation_id = "authorities/list", tag = "roles",
    responses((status = 200, body = Listed<AuthorityView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn authorities(_ctx: Ctx) -> Result<Answer<Listed<AuthorityView>>, Error> {
    Ok(Answer::ok(Listed { data: AuthorityView::all(), next_cursor: None }))
}

/// Lists the organization's roles.
#[utoipa::path(get, path = "/roles", operation_id = "roles/list", tag = "roles", params(ListRoles),
    responses((status = 200, body = Listed<RoleView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ListRoles>,
) -> Result<Answer<Listed<RoleView>>, Error> {
    Ok(Answer::ok(roles::list(&manage, &ctx, &query).await?))
}

/// Makes a role that gives no more than its maker has.
#[utoipa::path(post, path = "/roles", operation_id = "roles/create", tag = "roles", params(ChangeQuery),
    request_body = CreateRole,
    responses((status = 201, body = RoleView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateRole>,
) -> Result<Answer<RoleView>, Error> {
    let made = roles::create(&manage, &ctx, request).await?;
    let (Recorded { role, version }, position) = (made.value, made.position);
    let id = role.id().to_owned();
    Answer::created(role).location("roles", &id).version(version).settled(&manage, position, query).await
}

/// Reads a role.
#[utoipa::path(get, path = "/roles/{role}", operation_id = "roles/get", tag = "roles",
    params(("role" = String, Path, description = "The role's id or slug")),
    responses((status = 200, body = RoleView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(State(manage): State<Arc<Manage>>, ctx: Ctx, PathName(name): PathName) -> Result<Answer<RoleView>, Error> {
    let found = roles::get(&manage, &ctx, &name).await?;
    Ok(Answer::ok(found.role).version(found.version))
}

/// Changes a role; whoever has it has what it says with their next request.
#[utoipa::path(patch, path = "/roles/{role}", operation_id = "roles/edit", tag = "roles",
    params(("role" = String, Path, description = "The role's id or slug"), ChangeQuery), request_body = EditRole,
    responses((status = 200, body = RoleView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditRole>,
) -> Result<Answer<RoleView>, Error> {
    let changed = roles::edit(&manage, &ctx, name, if_match, request).await?;
    Answer::ok(changed.value.role).version(changed.value.version).settled(&manage, changed.position, query).await
}

/// Deletes a role that nobody has.
#[utoipa::path(delete, path = "/roles/{role}", operation_id = "roles/delete", tag = "roles",
    params(("role" = String, Path, description = "The role's id or slug"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn delete(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
) -> Result<Answer<()>, Error> {
    let changed = roles::delete(&manage, &ctx, name, if_match).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}
