//! The doors of the policy.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{EditPolicy, PolicyPreview, PolicyView};
use crate::answer::Answer;
use crate::body::{IfMatch, JsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::preview_query::PreviewQuery;
use crate::{Manage, policy};

/// The policy, or with `dry_run` the policy as it would be and what becomes of keys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum PolicyAnswer {
    /// As it stands.
    Policy(PolicyView),
    /// As it would be.
    Preview(PolicyPreview),
}

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(get, edit))
}

/// Reads the organization's rules for its keys.
#[utoipa::path(get, path = "/policy", operation_id = "policy/get", tag = "policy",
    responses((status = 200, body = PolicyView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<PolicyView>, Error> {
    let (policy, version) = policy::get(&manage, &ctx).await?;
    Ok(Answer::ok(policy).version(version))
}

/// Changes the organization's rules for its keys; what is not named stays. With `dry_run` it says what that would do to the
/// keys that are there, and changes nothing.
#[utoipa::path(patch, path = "/policy", operation_id = "policy/edit", tag = "policy", params(PreviewQuery),
    request_body = EditPolicy,
    responses((status = 200, body = PolicyAnswer), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<PreviewQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditPolicy>,
) -> Result<Answer<PolicyAnswer>, Error> {
    if query.dry_run {
        let preview = policy::preview(&manage, &ctx, if_match, request).await?;
        return Ok(Answer::ok(PolicyAnswer::Preview(preview)));
    }
    let changed = policy::edit(&manage, &ctx, if_match, request).await?;
    let ((policy, version), position) = (changed.value, changed.position);
    Answer::ok(PolicyAnswer::Policy(policy)).version(version).settled(&manage, position, &query).await
}
