//! The doors of usage.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use claviger_domain::id::kind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{KeyUsageQuery, UnusedRights, UnusedRightsQuery, UsageQuery, UsageView, export};
use crate::answer::Answer;
use crate::body::Query;
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::export::Accepted;
use crate::path::PathId;
use crate::{Manage, usage};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(of_organization)).routes(routes!(of_key)).routes(routes!(unused_rights))
}

/// Counts the organization's requests over time: by verdict, key, owner, API or set, each by itself.
#[utoipa::path(get, path = "/usage", operation_id = "usage/get", tag = "usage", params(UsageQuery),
    responses((status = 200, body = UsageView), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn of_organization(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    accepted: Accepted,
    Query(query): Query<UsageQuery>,
) -> Result<Response, Error> {
    let usage = usage::of_organization(&manage, &ctx, &query).await?;
    Ok(export::respond(usage, accepted.or(query.format)))
}

/// Counts a key's requests over time, by verdict.
#[utoipa::path(get, path = "/keys/{id}/usage", operation_id = "keys/usage", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), KeyUsageQuery),
    responses((status = 200, body = UsageView), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn of_key(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    accepted: Accepted,
    PathId(id): PathId<kind::Key>,
    Query(query): Query<KeyUsageQuery>,
) -> Result<Response, Error> {
    let usage = usage::of_key(&manage, &ctx, id, &query).await?;
    Ok(export::respond(usage, accepted.or(query.format)))
}

/// Lists the sets and operations that a key holds and has not used for so many days.
#[utoipa::path(get, path = "/keys/{id}/unused-rights", operation_id = "keys/unused-rights", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), UnusedRightsQuery),
    responses((status = 200, body = UnusedRights), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn unused_rights(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): PathId<kind::Key>,
    Query(query): Query<UnusedRightsQuery>,
) -> Result<Answer<UnusedRights>, Error> {
    Ok(Answer::ok(usage::unused_rights(&manage, &ctx, id, query).await?))
}
