//! The doors of types of applications.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{ApplicationTypeView, Recorded};
use super::{CreateApplicationType, EditApplicationType, ListApplicationTypes, PredefinedTypes};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::page::Listed;
use crate::path::PathName;
use crate::{Manage, application_types};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, edit, delete)).routes(routes!(predefine))
}

/// Lists the organization's types of applications.
#[utoipa::path(get, path = "/application-types", operation_id = "application-types/list", tag = "application-types", params(ListApplicationTypes),
    responses((status = 200, body = Listed<ApplicationTypeView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ListApplicationTypes>,
) -> Result<Answer<Listed<ApplicationTypeView>>, Error> {
    Ok(Answer::ok(application_types::list(&manage, &ctx, &query).await?))
}

/// Makes a type of applications.
#[utoipa::path(post, path = "/application-types", operation_id = "application-types/create", tag = "application-types", params(ChangeQuery),
    request_body = CreateApplicationType,
    responses((status = 201, body = ApplicationTypeView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateApplicationType>,
) -> Result<Answer<ApplicationTypeView>, Error> {
    let made = application_types::create(&manage, &ctx, request).await?;
    let (Recorded { kind, version }, position) = (made.value, made.position);
    let id = kind.id().to_owned();
    Answer::created(kind).location("application-types", &id).version(version).settled(&manage, position, query).await
}

/// Makes the predefined types that are missing: Webservice Standard, Webservice Premium, Manage consents, SMS, PBX and Token.
/// Each may have the set of the template `yetiforce` that was applied to an API.
#[utoipa::path(post, path = "/application-types/predefined", operation_id = "application-types/predefine", tag = "application-types", params(ChangeQuery),
    responses((status = 200, body = PredefinedTypes), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn predefine(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<PredefinedTypes>, Error> {
    let changed = application_types::predefine(&manage, &ctx).await?;
    Answer::ok(changed.value).settled(&manage, changed.position, query).await
}

/// Reads a type of applications.
#[utoipa::path(get, path = "/application-types/{type}", operation_id = "application-types/get", tag = "application-types",
    params(("type" = String, Path, description = "The type's id or slug")),
    responses((status = 200, body = ApplicationTypeView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
) -> Result<Answer<ApplicationTypeView>, Error> {
    let found = application_types::get(&manage, &ctx, &name).await?;
    Ok(Answer::ok(found.kind).version(found.version))
}

/// Changes a type of applications; keys that are there have what it allows at once.
#[utoipa::path(patch, path = "/application-types/{type}", operation_id = "application-types/edit", tag = "application-types",
    params(("type" = String, Path, description = "The type's id or slug"), ChangeQuery), request_body = EditApplicationType,
    responses((status = 200, body = ApplicationTypeView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditApplicationType>,
) -> Result<Answer<ApplicationTypeView>, Error> {
    let changed = application_types::edit(&manage, &ctx, name, if_match, request).await?;
    Answer::ok(changed.value.kind).version(changed.value.version).settled(&manage, changed.position, query).await
}

/// Deletes a type that no application is of.
#[utoipa::path(delete, path = "/application-types/{type}", operation_id = "application-types/delete", tag = "application-types",
    params(("type" = String, Path, description = "The type's id or slug"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn delete(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
) -> Result<Answer<()>, Error> {
    let changed = application_types::delete(&manage, &ctx, name, if_match).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}
