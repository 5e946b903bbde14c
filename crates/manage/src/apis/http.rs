//! The doors of APIs.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use claviger_domain::authority::Authority;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::document::{DOCUMENT_BYTES_MAX, Format};
use super::manual::{self, OperationManual, ReadManual};
use super::wire::{ApiView, OperationView, Recorded};
use super::{CreateApi, Deletion, EditApi, Edition, ImportQuery, Imported, ListApis, ListOperations};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, Query, Waiting, media_type, read_bytes};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::page::Listed;
use crate::path::PathName;
use crate::preview_query::PreviewQuery;
use crate::{Manage, apis};

/// The media types of an OpenAPI document.
const DOCUMENT_TYPES: [(&str, Format); 8] = [
    ("application/json", Format::Json),
    ("application/openapi+json", Format::Json),
    ("application/vnd.oai.openapi+json", Format::Json),
    ("application/yaml", Format::Yaml),
    ("application/x-yaml", Format::Yaml),
    ("text/yaml", Format::Yaml),
    ("application/openapi+yaml", Format::Yaml),
    ("application/vnd.oai.openapi", Format::Yaml),
];

/// The API, or with `dry_run` what the edit would do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "it is made once an answer")]
pub enum ApiAnswer {
    /// As it stands.
    Api(ApiView),
    /// What the edit would do.
    Edition(Edition),
}

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(import))
        .routes(routes!(get, edit, delete))
        .routes(routes!(list_operations))
        .routes(routes!(get_manual))
}

/// Lists the organization's APIs.
#[utoipa::path(get, path = "/apis", operation_id = "apis/list", tag = "apis", params(ListApis),
    responses((status = 200, body = Listed<ApiView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ListApis>,
) -> Result<Answer<Listed<ApiView>>, Error> {
    Ok(Answer::ok(apis::list(&manage, &ctx, &query).await?))
}

/// Makes an API by hand.
#[utoipa::path(post, path = "/apis", operation_id = "apis/create", tag = "apis", params(ChangeQuery), request_body = CreateApi,
    responses((status = 201, body = ApiView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateApi>,
) -> Result<Answer<ApiView>, Error> {
    let made = apis::create(&manage, &ctx, &request).await?;
    let (Recorded { api, version }, position) = (made.value, made.position);
    let id = api.id().to_owned();
    Answer::created(api).location("apis", &id).version(version).settled(&manage, position, query).await
}

/// Makes an API from an OpenAPI document, or replaces the operations of one.
///
/// OpenAPI 3.0 or 3.1 in JSON or YAML, at most 32 MiB. Nothing is fetched: references stay within the document. Hosts, base
/// paths and name of an API that is there stay as they are, but that a version that is added can be reached. What the
/// import does, or with `dry_run` would do, is answered: which operations it adds, changes and removes, and which sets and
/// keys gain and lose some. Answers 201 where the API is new.
#[utoipa::path(post, path = "/apis/import", operation_id = "apis/import", tag = "apis", params(ImportQuery),
    request_body(content((serde_json::Value = "application/json"), (String = "application/yaml")), description = "The document"),
    responses((status = 200, body = Imported), (status = 201, body = Imported), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn import(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ImportQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<Imported>, Error> {
    // Before 32 MiB are read for somebody who may not.
    ctx.require(Authority::ApisManage)?;
    let format = document_format(&headers)?;
    let document = read_bytes(&headers, body, DOCUMENT_BYTES_MAX).await?;
    let waiting = Waiting::from(&query);
    let done = apis::import(&manage, &ctx, query, document, format).await?;
    let (imported, position) = (done.value, done.position);
    let (id, version) = (imported.api.id().to_owned(), imported.version);
    let answer = match (imported.dry_run, imported.made) {
        (true, _) => return Ok(Answer::ok(imported)),
        (false, false) => Answer::ok(imported).version(version),
        (false, true) => Answer::created(imported).location("apis", &id).version(version),
    };
    answer.settled(&manage, position, waiting).await
}

/// Reads an API.
#[utoipa::path(get, path = "/apis/{api}", operation_id = "apis/get", tag = "apis",
    params(("api" = String, Path, description = "The API's id or slug")),
    responses((status = 200, body = ApiView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(State(manage): State<Arc<Manage>>, ctx: Ctx, PathName(name): PathName) -> Result<Answer<ApiView>, Error> {
    let found = apis::get(&manage, &ctx, &name).await?;
    Ok(Answer::ok(found.api).version(found.version))
}

/// Changes an API.
///
/// With `dry_run` it says which sets and keys, and which organizations that it is shared with, gain and lose what.
#[utoipa::path(patch, path = "/apis/{api}", operation_id = "apis/edit", tag = "apis",
    params(("api" = String, Path, description = "The API's id or slug"), PreviewQuery), request_body = EditApi,
    responses((status = 200, body = ApiAnswer), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<PreviewQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditApi>,
) -> Result<Answer<ApiAnswer>, Error> {
    if query.dry_run {
        let edition = apis::preview_edit(&manage, &ctx, &name, &if_match, &request).await?;
        return Ok(Answer::ok(ApiAnswer::Edition(edition)));
    }
    let changed = apis::edit(&manage, &ctx, name, if_match, request).await?;
    let (Recorded { api, version }, position) = (changed.value, changed.position);
    Answer::ok(ApiAnswer::Api(api)).version(version).settled(&manage, position, &query).await
}

/// Deletes an API; its operations leave every set and key.
///
/// With `dry_run` it says which ones lose what.
#[utoipa::path(delete, path = "/apis/{api}", operation_id = "apis/delete", tag = "apis",
    params(("api" = String, Path, description = "The API's id or slug"), PreviewQuery),
    responses((status = 204), (status = 200, body = Deletion, description = "What a deletion would take away"), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn delete(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<PreviewQuery>,
    if_match: IfMatch,
) -> Result<Response, Error> {
    if query.dry_run {
        let preview = apis::preview_deletion(&manage, &ctx, &name, &if_match).await?;
        return Ok(Answer::ok(preview).into_response());
    }
    let changed = apis::delete(&manage, &ctx, name, if_match).await?;
    Ok(Answer::no_content().settled(&manage, changed.position, &query).await?.into_response())
}

/// Lists the operations of an API, in the order of its document.
#[utoipa::path(get, path = "/apis/{api}/operations", operation_id = "apis/list-operations", tag = "apis",
    params(("api" = String, Path, description = "The API's id or slug"), ListOperations),
    responses((status = 200, body = Listed<OperationView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list_operations(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ListOperations>,
) -> Result<Answer<Listed<OperationView>>, Error> {
    Ok(Answer::ok(apis::list_operations(&manage, &ctx, &name, &query).await?))
}

/// Reads what the API's document says of an operation: parameters, payloads and answers.
///
/// It is kept from the last import of each version, within limits: up to 8 levels of schemas and 24 KiB an operation.
/// `cut` tells what is not whole.
#[utoipa::path(get, path = "/apis/{api}/manual", operation_id = "apis/get-manual", tag = "apis",
    params(("api" = String, Path, description = "The API's id or slug"), ReadManual),
    responses((status = 200, body = OperationManual), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get_manual(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ReadManual>,
) -> Result<Answer<OperationManual>, Error> {
    Ok(Answer::ok(manual::get(&manage, &ctx, &name, &query).await?))
}

/// JSON or YAML, as the media type says.
fn document_format(headers: &HeaderMap) -> Result<Format, Error> {
    let given = media_type(headers);
    let known = DOCUMENT_TYPES.iter().find(|(known, _)| given.as_deref() == Some(known));
    known
        .map(|(_, format)| *format)
        .ok_or_else(|| Error::unsupported_media_type("application/json or application/yaml"))
}
