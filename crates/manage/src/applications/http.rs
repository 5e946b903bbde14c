//! The doors of applications.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{ApplicationView, NewApplication, Recorded};
use super::{
    ApplicationImport, ApplicationWithPassword, CreateApplication, EditApplication, ImportApplication,
    ListApplications, RotatePassword,
};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, OptionalJsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::export::Accepted;
use crate::keys::{CreateKey, KeyQuery, KeyView, KeyWithSecret, Reason, RefusalQuery, RefusalView};
use crate::limits::LimitsUsed;
use crate::page::Listed;
use crate::path::PathName;
use crate::preview_query::PreviewQuery;
use crate::write::Changed;
use crate::{Manage, applications, keys};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(import))
        .routes(routes!(get, edit, delete))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(rotate_password))
        .routes(routes!(list_keys, create_key))
        .routes(routes!(limits))
        .routes(routes!(requests))
}

async fn recorded(
    manage: &Manage,
    changed: Changed<Recorded>,
    query: ChangeQuery,
) -> Result<Answer<ApplicationView>, Error> {
    let Recorded { application, version } = changed.value;
    Answer::ok(application).version(version).settled(manage, changed.position, query).await
}

/// Lists the organization's applications.
#[utoipa::path(get, path = "/applications", operation_id = "applications/list", tag = "applications", params(ListApplications),
    responses((status = 200, body = Listed<ApplicationView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ListApplications>,
) -> Result<Answer<Listed<ApplicationView>>, Error> {
    Ok(Answer::ok(applications::list(&manage, &ctx, &query).await?))
}

/// Makes an application with its first key, and answers the key's value, once.
#[utoipa::path(post, path = "/applications", operation_id = "applications/create", tag = "applications", params(ChangeQuery),
    request_body = CreateApplication,
    responses((status = 201, body = NewApplication), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateApplication>,
) -> Result<Answer<NewApplication>, Error> {
    let made = applications::create(&manage, &ctx, request).await?;
    let ((new, version), position) = (made.value, made.position);
    let id = new.application.id().to_owned();
    Answer::created(new)
        .location("applications", &id)
        .version(version)
        .settled_with_secret(&manage, position, query)
        .await
}

/// Takes over an application that another system made, with its key and the users who sign in under it. What is there stays as it
/// is; users who cannot come in are named, and hold nothing up.
#[utoipa::path(post, path = "/application-imports", operation_id = "applications/import", tag = "applications",
    params(PreviewQuery), request_body = ImportApplication,
    responses((status = 200, body = ApplicationImport), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn import(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<PreviewQuery>,
    JsonBody(request): JsonBody<ImportApplication>,
) -> Result<Answer<ApplicationImport>, Error> {
    let done = applications::import(&manage, &ctx, request, query.dry_run).await?;
    let waiting = ChangeQuery { wait: query.wait, wait_ms: query.wait_ms };
    Answer::ok(done.value).settled_with_secret(&manage, done.position, waiting).await
}

/// Reads an application.
#[utoipa::path(get, path = "/applications/{application}", operation_id = "applications/get", tag = "applications",
    params(("application" = String, Path, description = "The application's id or slug")),
    responses((status = 200, body = ApplicationView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
) -> Result<Answer<ApplicationView>, Error> {
    let found = applications::get(&manage, &ctx, &name).await?;
    Ok(Answer::ok(found.application).version(found.version))
}

/// Changes an application; what is not named stays.
#[utoipa::path(patch, path = "/applications/{application}", operation_id = "applications/edit", tag = "applications",
    params(("application" = String, Path, description = "The application's id or slug"), ChangeQuery), request_body = EditApplication,
    responses((status = 200, body = ApplicationView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditApplication>,
) -> Result<Answer<ApplicationView>, Error> {
    recorded(&manage, applications::edit(&manage, &ctx, name, if_match, request).await?, query).await
}

/// Deletes an application; its keys end with it.
#[utoipa::path(delete, path = "/applications/{application}", operation_id = "applications/delete", tag = "applications",
    params(("application" = String, Path, description = "The application's id or slug"), ChangeQuery),
    responses((status = 204, description = "Deleted"), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn delete(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
) -> Result<Answer<()>, Error> {
    let changed = applications::delete(&manage, &ctx, name, if_match).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Makes an application inactive: none of its keys passes a door.
#[utoipa::path(post, path = "/applications/{application}/disable", operation_id = "applications/disable", tag = "applications",
    params(("application" = String, Path, description = "The application's id or slug"), ChangeQuery), request_body = Option<Reason>,
    responses((status = 200, body = ApplicationView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn disable(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<ApplicationView>, Error> {
    recorded(&manage, applications::disable(&manage, &ctx, name, request).await?, query).await
}

/// Makes an application active again; its keys work as before.
#[utoipa::path(post, path = "/applications/{application}/enable", operation_id = "applications/enable", tag = "applications",
    params(("application" = String, Path, description = "The application's id or slug"), ChangeQuery), request_body = Option<Reason>,
    responses((status = 200, body = ApplicationView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn enable(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<ApplicationView>, Error> {
    recorded(&manage, applications::enable(&manage, &ctx, name, request).await?, query).await
}

/// Gives an application another password and answers it, once; the one before stays valid for the overlap.
#[utoipa::path(post, path = "/applications/{application}/rotate-password", operation_id = "applications/rotate-password", tag = "applications",
    params(("application" = String, Path, description = "The application's id or slug"), ChangeQuery), request_body = RotatePassword,
    responses((status = 200, body = ApplicationWithPassword), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn rotate_password(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<RotatePassword>,
) -> Result<Answer<ApplicationWithPassword>, Error> {
    let changed = applications::rotate_password(&manage, &ctx, name, request).await?;
    let (answer, version) = changed.value;
    Answer::ok(answer).version(version).settled_with_secret(&manage, changed.position, query).await
}

/// Lists the living keys of an application.
#[utoipa::path(get, path = "/applications/{application}/keys", operation_id = "applications/keys/list", tag = "applications",
    params(("application" = String, Path, description = "The application's id or slug"), KeyQuery),
    responses((status = 200, body = Listed<KeyView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list_keys(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    accepted: Accepted,
    Query(query): Query<KeyQuery>,
) -> Result<Response, Error> {
    let application = applications::get(&manage, &ctx, &name).await?.application;
    keys::list_or_export(manage, ctx, accepted, query.of_owner(application.id())?).await
}

/// Makes a key of an application.
#[utoipa::path(post, path = "/applications/{application}/keys", operation_id = "applications/keys/create", tag = "applications",
    params(("application" = String, Path, description = "The application's id or slug"), ChangeQuery), request_body = CreateKey,
    responses((status = 201, body = KeyWithSecret), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create_key(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateKey>,
) -> Result<Answer<KeyWithSecret>, Error> {
    let application = applications::get(&manage, &ctx, &name).await?.application;
    let made = keys::create(&manage, &ctx, request.of_owner("application", application.id())?).await?;
    let id = made.value.key.id().to_owned();
    Answer::created(made.value)
        .location("keys", &id)
        .version(1)
        .settled_with_secret(&manage, made.position, query)
        .await
}

/// Tells what was taken of an application's limits, where all its keys share them. Takes nothing.
#[utoipa::path(get, path = "/applications/{application}/limits", operation_id = "applications/limits", tag = "applications",
    params(("application" = String, Path, description = "The application's id or slug")),
    responses((status = 200, body = LimitsUsed), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn limits(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
) -> Result<Answer<LimitsUsed>, Error> {
    Ok(Answer::ok(applications::limits(&manage, &ctx, &name).await?))
}

/// Lists the last refused requests of an application's keys (its diagnostic log).
#[utoipa::path(get, path = "/applications/{application}/requests", operation_id = "applications/requests", tag = "applications",
    params(("application" = String, Path, description = "The application's id or slug"), RefusalQuery),
    responses((status = 200, body = Listed<RefusalView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn requests(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<RefusalQuery>,
) -> Result<Answer<Listed<RefusalView>>, Error> {
    Ok(Answer::ok(applications::requests(&manage, &ctx, &name, &query).await?))
}
