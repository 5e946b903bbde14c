//! The doors of one's own account.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{ConfirmAddress, EditMe, EditedMe};
use crate::answer::Answer;
use crate::body::{ChangeQuery, JsonBody, Query, Waiting};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::visitor::Visitor;
use crate::{Manage, account};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(edit)).routes(routes!(confirm))
}

/// Changes oneself: name, language and zone at once, the address once the link was followed that goes to the new one. Whether
/// somebody in another organization has that address makes no difference to the answer.
#[utoipa::path(patch, path = "/me", operation_id = "me/edit", tag = "me", params(ChangeQuery), request_body = EditMe,
    responses((status = 200, body = EditedMe), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<EditMe>,
) -> Result<Answer<EditedMe>, Error> {
    let changed = account::edit(&manage, &ctx, request).await?;
    Answer::ok(changed.value).settled(&manage, changed.position, query).await
}

/// Confirms a new address, for whoever has the link that went there; the one before is told. What was used, has expired or never
/// was is 404 alike.
#[utoipa::path(post, path = "/new-addresses/confirm", operation_id = "new-addresses/confirm", tag = "me", request_body = ConfirmAddress,
    security(()),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn confirm(
    State(manage): State<Arc<Manage>>,
    visitor: Visitor,
    JsonBody(request): JsonBody<ConfirmAddress>,
) -> Result<Answer<()>, Error> {
    let changed = account::confirm(&manage, &visitor, request).await?;
    Answer::no_content().settled(&manage, changed.position, Waiting::default()).await
}
