//! The doors of invitations.

use std::sync::Arc;

use axum::extract::State;
use claviger_domain::id::kind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Accept, Accepted, InvitationQuery, InvitationView, InviteAgain, NewInvitation};
use crate::answer::Answer;
use crate::body::{ChangeQuery, JsonBody, Query, Waiting};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::page::Listed;
use crate::path::PathId;
use crate::visitor::Visitor;
use crate::{Manage, invitations};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(accept)).routes(routes!(revoke))
}

/// Lists the invitations of people who have not come.
#[utoipa::path(get, path = "/invitations", operation_id = "invitations/list", tag = "invitations", params(InvitationQuery),
    responses((status = 200, body = Listed<InvitationView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<InvitationQuery>,
) -> Result<Answer<Listed<InvitationView>>, Error> {
    Ok(Answer::ok(invitations::list(&manage, &ctx, &query).await?))
}

/// Invites a user anew who has not come; the link before ends.
#[utoipa::path(post, path = "/invitations", operation_id = "invitations/create", tag = "invitations", params(ChangeQuery),
    request_body = InviteAgain,
    responses((status = 201, body = NewInvitation), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<InviteAgain>,
) -> Result<Answer<NewInvitation>, Error> {
    let made = invitations::invite(&manage, &ctx, request).await?;
    Answer::created(made.value).settled(&manage, made.position, query).await
}

/// Ends an invitation: its link works no more. The user stays, and can be removed or invited anew.
#[utoipa::path(delete, path = "/invitations/{id}", operation_id = "invitations/revoke", tag = "invitations",
    params(("id" = String, Path, description = "The invitation's id"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn revoke(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): PathId<kind::Link>,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<()>, Error> {
    let changed = invitations::revoke(&manage, &ctx, id).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Accepts an invitation: for whoever has its link. Who is known by its address already proves who they are, by a
/// session or by a key of their own in `Authorization`. What was used, has expired or never was is 404 alike.
#[utoipa::path(post, path = "/invitations/accept", operation_id = "invitations/accept", tag = "invitations", request_body = Accept,
    security((), ("bearer" = [])),
    responses((status = 200, body = Accepted), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn accept(
    State(manage): State<Arc<Manage>>,
    visitor: Visitor,
    JsonBody(request): JsonBody<Accept>,
) -> Result<Answer<Accepted>, Error> {
    let changed = invitations::accept(&manage, &visitor, request).await?;
    Answer::ok(changed.value).settled(&manage, changed.position, Waiting::default()).await
}
