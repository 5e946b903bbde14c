//! The door of backups.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::{Manage, backup};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Writes a backup of the whole installation, as of one instant (the operator's).
///
/// JSON Lines; the last line seals all others, so a file that was broken off is none. It opens with the master secret
/// alone, which is not in it. `claviger backup` writes it to a file and `claviger restore` reads it.
#[utoipa::path(get, path = "/backup", operation_id = "backup", tag = "backup",
    responses((status = 200, content_type = "application/jsonl", body = String), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Response, Error> {
    let parts = backup::backup(&manage, &ctx).await?;
    // An error breaks the connection off, so that nobody takes a part for the whole.
    let body = stream::unfold(parts, async |mut parts| {
        let part = parts.next().await?;
        Some((part.map(Bytes::from), parts))
    });
    let headers =
        [(CONTENT_TYPE, "application/jsonl"), (CONTENT_DISPOSITION, "attachment; filename=\"claviger-backup.jsonl\"")];
    Ok((headers, Body::from_stream(body)).into_response())
}
