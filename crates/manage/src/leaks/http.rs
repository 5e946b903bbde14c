//! The doors of leaks on the control listener; reports come in at the public one.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Scanner;
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::{Manage, leaks};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(rules))
}

/// Writes the rules by which a scanner of source code knows the organization's keys.
#[utoipa::path(get, path = "/leaks/rules/{scanner}", operation_id = "leaks/rules", tag = "leaks",
    params(("scanner" = Scanner, Path, description = "For which scanner")),
    responses((status = 200, content_type = "text/plain", body = String), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn rules(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    scanner: Result<Path<Scanner>, PathRejection>,
) -> Result<Response, Error> {
    let Ok(Path(scanner)) = scanner else { return Err(Error::not_found("scanner")) };
    let rules = leaks::rules(&manage, &ctx, scanner).await?;
    let name = format!("attachment; filename=\"{}\"", scanner.file_name());
    let headers = [
        (CONTENT_TYPE, scanner.media_type().to_owned()),
        (CONTENT_DISPOSITION, name),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, rules).into_response())
}
