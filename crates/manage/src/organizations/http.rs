//! The doors of organizations.

use std::sync::Arc;

use axum::extract::State;
use claviger_domain::id::kind;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    CreateOrganization, EditOrganization, InviteFirst, NewOrganization, OrganizationPreview, OrganizationView,
    list::ListOrganizations,
};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::invitations::NewInvitation;
use crate::page::Listed;
use crate::path::PathId;
use crate::preview_query::PreviewQuery;
use crate::{Manage, organizations};

/// The organization, or with `dry_run` as it would be and what becomes of keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum OrganizationAnswer {
    /// As it stands.
    Organization(OrganizationView),
    /// As it would be.
    Preview(OrganizationPreview),
}

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(invite))
        .routes(routes!(make_default))
        .routes(routes!(get, edit))
}

/// Lists all organizations (the operator's).
#[utoipa::path(get, path = "/organizations", operation_id = "organizations/list", tag = "organizations", params(ListOrganizations),
    responses((status = 200, body = Listed<OrganizationView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ListOrganizations>,
) -> Result<Answer<Listed<OrganizationView>>, Error> {
    Ok(Answer::ok(organizations::list(&manage, &ctx, &query).await?))
}

/// Makes an organization with its APIs and sets, and an invitation of its first administrator (the operator's): mailed, or shown once
/// in the answer where no mail is sent.
#[utoipa::path(post, path = "/organizations", operation_id = "organizations/create", tag = "organizations", params(ChangeQuery),
    request_body = CreateOrganization,
    responses((status = 201, body = NewOrganization), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateOrganization>,
) -> Result<Answer<NewOrganization>, Error> {
    let made = organizations::create(&manage, &ctx, request).await?;
    Answer::created(made.value).settled(&manage, made.position, query).await
}

/// Invites the first administrator of an organization anew while nobody has come to it (the operator's); the link before ends.
#[utoipa::path(post, path = "/organizations/{id}/invite", operation_id = "organizations/invite", tag = "organizations",
    params(("id" = String, Path, description = "The organization's id"), ChangeQuery),
    request_body = InviteFirst,
    responses((status = 201, body = NewInvitation), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn invite(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): PathId<kind::Organization>,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<InviteFirst>,
) -> Result<Answer<NewInvitation>, Error> {
    let made = organizations::invite(&manage, &ctx, id, request).await?;
    Answer::created(made.value).settled(&manage, made.position, query).await
}

/// Makes an organization the default: the one that door calls without a token are made for (the operator's).
#[utoipa::path(post, path = "/organizations/{id}/make-default", operation_id = "organizations/make-default", tag = "organizations",
    params(("id" = String, Path, description = "The organization's id"), ChangeQuery),
    responses((status = 200, body = OrganizationView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn make_default(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): PathId<kind::Organization>,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<OrganizationView>, Error> {
    let changed = organizations::make_default(&manage, &ctx, id).await?;
    Answer::ok(changed.value).settled(&manage, changed.position, query).await
}

/// Reads one's own organization.
#[utoipa::path(get, path = "/organization", operation_id = "organization/get", tag = "organizations",
    responses((status = 200, body = OrganizationView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<OrganizationView>, Error> {
    let own = organizations::own(&manage, &ctx).await?;
    Ok(Answer::ok(OrganizationView::from(&own)).version(own.version))
}

/// Changes one's own organization. With `dry_run` it says which keys' ends another time zone would move, and changes nothing.
#[utoipa::path(patch, path = "/organization", operation_id = "organization/edit", tag = "organizations", params(PreviewQuery),
    request_body = EditOrganization,
    responses((status = 200, body = OrganizationAnswer), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<PreviewQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditOrganization>,
) -> Result<Answer<OrganizationAnswer>, Error> {
    if query.dry_run {
        let preview = organizations::preview_edit(&manage, &ctx, if_match, request).await?;
        return Ok(Answer::ok(OrganizationAnswer::Preview(preview)));
    }
    let changed = organizations::edit(&manage, &ctx, if_match, request).await?;
    let (own, position) = (changed.value, changed.position);
    let view = OrganizationAnswer::Organization(OrganizationView::from(&own));
    Answer::ok(view).version(own.version).settled(&manage, position, &query).await
}
