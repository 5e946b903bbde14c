//! The doors of the audit log.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AuditQuery, ChainName, ListedEntries, Verification, VerifyQuery};
use crate::answer::Answer;
use crate::body::Query;
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::export::{Accepted, Format};
use crate::sort::SortByTime;
use crate::{Manage, audit};

/// The query of an export.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `organization` (if not given), or the operator's `installation`.
    #[serde(default)]
    #[param(inline)]
    chain: Option<ChainName>,
    /// `jsonl` (if not given) or `csv`; `Accept` is heard too.
    #[serde(default)]
    #[param(inline)]
    format: Option<Format>,
    /// As in the list.
    #[serde(default)]
    actor: Option<String>,
    /// As in the list.
    #[serde(default)]
    action: Option<String>,
    /// As in the list.
    #[serde(default)]
    object: Option<String>,
    /// As in the list.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    after: Option<claviger_domain::Timestamp>,
    /// As in the list.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    before: Option<claviger_domain::Timestamp>,
    /// As in the list.
    #[serde(default)]
    text: Option<String>,
}

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(export)).routes(routes!(verify))
}

/// Lists what was done.
#[utoipa::path(get, path = "/audit", operation_id = "audit/list", tag = "audit", params(AuditQuery),
    responses((status = 200, body = ListedEntries), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<AuditQuery>,
) -> Result<Answer<ListedEntries>, Error> {
    Ok(Answer::ok(audit::list(&manage, &ctx, query).await?))
}

/// Writes a chain as a file, the oldest entry first.
///
/// JSON Lines end with `{"head": …}`, CSV with a row whose action is `audit.head`: count and MAC of the chain's end. Note
/// it elsewhere, and `/audit/verify` finds a chain that was cut. Where older entries were removed because they are not kept for
/// ever, `{"checkpoint": …}`, or a row whose action is `audit.checkpoint`, stands in their place.
#[utoipa::path(get, path = "/audit/export", operation_id = "audit/export", tag = "audit", params(ExportQuery),
    responses((status = 200, content_type = "application/jsonl", body = String), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn export(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    accepted: Accepted,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Error> {
    let ExportQuery { chain, format, actor, action, object, after, before, text } = query;
    let format = match accepted.or(format) {
        Format::Csv => Format::Csv,
        Format::Jsonl | Format::Json => Format::Jsonl,
    };
    let sort = SortByTime::Oldest;
    let query = AuditQuery { chain, actor, action, object, after, before, text, sort, limit: None, cursor: None };
    audit::export(manage, &ctx, query, format).await
}

/// Proves that a chain is whole, and that it goes through a head that was noted elsewhere.
#[utoipa::path(get, path = "/audit/verify", operation_id = "audit/verify", tag = "audit", params(VerifyQuery),
    responses((status = 200, body = Verification), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn verify(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<VerifyQuery>,
) -> Result<Answer<Verification>, Error> {
    Ok(Answer::ok(audit::verify(&manage, &ctx, &query).await?))
}
