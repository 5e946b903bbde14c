//! The doors of nodes.

use std::sync::Arc;

use axum::extract::State;
use claviger_domain::id::kind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{NodeQuery, NodeView};
use crate::answer::Answer;
use crate::body::{ChangeQuery, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::page::Listed;
use crate::path::PathId;
use crate::{Manage, nodes};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(forget))
}

/// Lists the nodes and the change that each has applied.
#[utoipa::path(get, path = "/nodes", operation_id = "nodes/list", tag = "nodes", params(NodeQuery),
    responses((status = 200, body = Listed<NodeView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<NodeQuery>,
) -> Result<Answer<Listed<NodeView>>, Error> {
    Ok(Answer::ok(nodes::list(&manage, &ctx, &query).await?))
}

/// Forgets a lost node: nobody waits for it any more, until it comes back by itself (the operator's).
#[utoipa::path(delete, path = "/nodes/{id}", operation_id = "nodes/forget", tag = "nodes",
    params(("id" = String, Path, description = "The node's id"), ChangeQuery),
    responses((status = 204, description = "Forgotten"), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn forget(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): PathId<kind::Node>,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<()>, Error> {
    let changed = nodes::forget(&manage, &ctx, id).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}
