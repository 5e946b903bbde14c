//! The doors of API sets.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::templates::wire::{Applied, Templates};
use super::templates::{self, ApplyTemplate};
use super::wire::{ApiSetView, Recorded};
use super::{CreateApiSet, EditApiSet, ListApiSets};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::limits::LimitsUsed;
use crate::page::Listed;
use crate::path::PathName;
use crate::preview_query::PreviewQuery;
use crate::{Manage, api_sets};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(list_templates))
        .routes(routes!(apply_template))
        .routes(routes!(get, edit, delete))
        .routes(routes!(limits))
}

/// Lists the organization's API sets.
#[utoipa::path(get, path = "/api-sets", operation_id = "api-sets/list", tag = "api-sets", params(ListApiSets),
    responses((status = 200, body = Listed<ApiSetView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ListApiSets>,
) -> Result<Answer<Listed<ApiSetView>>, Error> {
    Ok(Answer::ok(api_sets::list(&manage, &ctx, &query).await?))
}

/// Makes an API set.
#[utoipa::path(post, path = "/api-sets", operation_id = "api-sets/create", tag = "api-sets", params(ChangeQuery),
    request_body = CreateApiSet,
    responses((status = 201, body = ApiSetView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateApiSet>,
) -> Result<Answer<ApiSetView>, Error> {
    let made = api_sets::create(&manage, &ctx, request).await?;
    let (Recorded { set, version }, position) = (made.value, made.position);
    let id = set.id().to_owned();
    Answer::created(set).location("api-sets", &id).version(version).settled(&manage, position, query).await
}

/// Lists the templates of sets: what well-known systems offer as ready-made rights.
#[utoipa::path(get, path = "/api-sets/templates", operation_id = "api-sets/list-templates", tag = "api-sets",
    responses((status = 200, body = Templates), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list_templates(ctx: Ctx) -> Result<Answer<Templates>, Error> {
    Ok(Answer::ok(Templates { data: templates::list(&ctx)? }))
}

/// Makes the sets of a template for an API of one's own.
///
/// Sets that are there already are completed; nothing is taken from them, so that applying a template again does nothing but
/// bring back what is missing. The answer says what of the template matches no operation of the API.
#[utoipa::path(post, path = "/api-sets/templates/{template}", operation_id = "api-sets/apply-template", tag = "api-sets",
    params(("template" = String, Path, description = "The template's slug"), PreviewQuery), request_body = ApplyTemplate,
    responses((status = 200, body = Applied), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn apply_template(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(template): PathName,
    Query(query): Query<PreviewQuery>,
    JsonBody(request): JsonBody<ApplyTemplate>,
) -> Result<Answer<Applied>, Error> {
    let applied = templates::apply(&manage, &ctx, &template, request, query.dry_run).await?;
    Answer::ok(applied.value).settled(&manage, applied.position, &query).await
}

/// Reads an API set.
#[utoipa::path(get, path = "/api-sets/{set}", operation_id = "api-sets/get", tag = "api-sets",
    params(("set" = String, Path, description = "The set's id or slug")),
    responses((status = 200, body = ApiSetView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
) -> Result<Answer<ApiSetView>, Error> {
    let found = api_sets::get(&manage, &ctx, &name).await?;
    Ok(Answer::ok(found.set).version(found.version))
}

/// Tells what was taken of a set's limits, where all that hold it share them. Takes nothing.
#[utoipa::path(get, path = "/api-sets/{set}/limits", operation_id = "api-sets/limits", tag = "api-sets",
    params(("set" = String, Path, description = "The set's id or slug")),
    responses((status = 200, body = LimitsUsed), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn limits(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
) -> Result<Answer<LimitsUsed>, Error> {
    Ok(Answer::ok(api_sets::limits(&manage, &ctx, &name).await?))
}

/// Changes an API set; every key that holds it has the new rights at once.
#[utoipa::path(patch, path = "/api-sets/{set}", operation_id = "api-sets/edit", tag = "api-sets",
    params(("set" = String, Path, description = "The set's id or slug"), ChangeQuery), request_body = EditApiSet,
    responses((status = 200, body = ApiSetView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditApiSet>,
) -> Result<Answer<ApiSetView>, Error> {
    let changed = api_sets::edit(&manage, &ctx, name, if_match, request).await?;
    Answer::ok(changed.value.set).version(changed.value.version).settled(&manage, changed.position, query).await
}

/// Deletes an API set that no key holds.
#[utoipa::path(delete, path = "/api-sets/{set}", operation_id = "api-sets/delete", tag = "api-sets",
    params(("set" = String, Path, description = "The set's id or slug"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn delete(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
) -> Result<Answer<()>, Error> {
    let changed = api_sets::delete(&manage, &ctx, name, if_match).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}
