//! The doors of the policy.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{EditPolicy, PolicyView};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::{Manage, policy};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(get, edit))
}

/// Reads the organization's rules for its keys.
#[utoipa::path(get, path = "/policy", operation_id = "policy/get", tag = "policy",
    responses((status = 200, body = PolicyView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<PolicyView>, Error> {
    let policy = policy::get(&manage, &ctx).await?;
    Ok(Answer::ok(PolicyView::from(&policy)).version(policy.version))
}

/// Changes the organization's rules for its keys; what is not named stays.
#[utoipa::path(patch, path = "/policy", operation_id = "policy/edit", tag = "policy", params(ChangeQuery),
    request_body = EditPolicy,
    responses((status = 200, body = PolicyView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    _query: Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditPolicy>,
) -> Result<Answer<PolicyView>, Error> {
    let changed = policy::edit(&manage, &ctx, if_match, request).await?;
    let policy = changed.value;
    Ok(Answer::ok(PolicyView::from(&policy)).version(policy.version).change(changed.position))
}
