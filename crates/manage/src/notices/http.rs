//! The doors of notices.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{EditNotices, NoticesView};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::{Manage, notices};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(get, edit))
}

/// Reads which notices go to whom.
#[utoipa::path(get, path = "/notices", operation_id = "notices/get", tag = "notices",
    responses((status = 200, body = NoticesView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<NoticesView>, Error> {
    let settings = notices::get(&manage, &ctx).await?;
    Ok(Answer::ok(NoticesView::from(&settings)).version(settings.version))
}

/// Sets which notices go to whom; what is not named stays. What happened before is told to nobody who is added.
#[utoipa::path(patch, path = "/notices", operation_id = "notices/edit", tag = "notices", params(ChangeQuery),
    request_body = EditNotices,
    responses((status = 200, body = NoticesView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditNotices>,
) -> Result<Answer<NoticesView>, Error> {
    let changed = notices::edit(&manage, &ctx, if_match, request).await?;
    let (settings, position) = (changed.value, changed.position);
    Answer::ok(NoticesView::from(&settings)).version(settings.version).settled(&manage, position, query).await
}
