//! The doors of keys.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use claviger_domain::id::kind;
use http::HeaderMap;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    Check, CreateKey, EditKey, Explained, Found, IMPORT_BYTES_MAX, ImportKeysQuery, ImportedKeys, KeyQuery, KeyView,
    KeyWithSecret, Lookup, Reason, Recorded, RefusalQuery, RefusalView, Rotate, RotateMany, RotationPreview, RowsForm,
};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, OptionalJsonBody, Query, media_type, read_bytes};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::export::Accepted;
use crate::limits::LimitsUsed;
use crate::page::Listed;
use crate::path::PathId;
use crate::write::Changed;
use crate::{Manage, keys};

type Id = PathId<kind::Key>;

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(lookup))
        .routes(routes!(import))
        .routes(routes!(rotate_many))
        .routes(routes!(get, edit, delete))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(approve))
        .routes(routes!(deny))
        .routes(routes!(rotate))
        .routes(routes!(end_overlap))
        .routes(routes!(reveal))
        .routes(routes!(check))
        .routes(routes!(limits))
        .routes(routes!(requests))
        .routes(routes!(organization_requests))
}

async fn recorded(manage: &Manage, changed: Changed<Recorded>, query: ChangeQuery) -> Result<Answer<KeyView>, Error> {
    Answer::ok(changed.value.key).version(changed.value.version).settled(manage, changed.position, query).await
}

/// Lists the living keys.
#[utoipa::path(get, path = "/keys", operation_id = "keys/list", tag = "keys",
    params(KeyQuery),
    responses((status = 200, body = Listed<KeyView>), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    accepted: Accepted,
    Query(query): Query<KeyQuery>,
) -> Result<Response, Error> {
    keys::list_or_export(manage, ctx, accepted, query).await
}

/// Makes a key and answers its secret, or its identifier and password, once.
#[utoipa::path(post, path = "/keys", operation_id = "keys/create", tag = "keys",
    params(ChangeQuery),
    request_body = CreateKey,
    responses((status = 201, body = KeyWithSecret), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateKey>,
) -> Result<Answer<KeyWithSecret>, Error> {
    let made = keys::create(&manage, &ctx, request).await?;
    let id = made.value.key.id().to_owned();
    Answer::created(made.value)
        .location("keys", &id)
        .version(1)
        .settled_with_secret(&manage, made.position, query)
        .await
}

/// Finds the key that a secret belongs or belonged to.
#[utoipa::path(post, path = "/keys/lookup", operation_id = "keys/lookup", tag = "keys",
    request_body = Lookup,
    responses((status = 200, body = Found), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn lookup(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    JsonBody(request): JsonBody<Lookup>,
) -> Result<Answer<Found>, Error> {
    Ok(Answer::ok(keys::lookup(&manage, &ctx, request).await?))
}

/// Imports keys that others made: a JSON array, or a JSON object a line (`application/x-ndjson`), each like the body of a
/// creation with `import`; or CSV, with columns as an export has them and `value`, `sha256` or `sha512`. Good rows become keys, bad rows are named; rows before a fault of the server stay imported.
#[utoipa::path(post, path = "/keys/import", operation_id = "keys/import", tag = "keys",
    params(ImportKeysQuery),
    request_body(content((Vec<CreateKey> = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"))),
    responses((status = 200, body = ImportedKeys), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn import(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ImportKeysQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<ImportedKeys>, Error> {
    let form = match media_type(&headers).as_deref() {
        Some("application/json") => RowsForm::Array,
        Some("application/x-ndjson" | "application/jsonl") => RowsForm::Lines,
        Some("text/csv") => RowsForm::Csv,
        _ => return Err(Error::unsupported_media_type("application/json, application/x-ndjson or text/csv")),
    };
    let bytes = read_bytes(&headers, body, IMPORT_BYTES_MAX).await?;
    let done = keys::import(&manage, &ctx, &bytes, form, query).await?;
    Answer::ok(done.value).settled_with_secret(&manage, done.position, &query).await
}

/// Gives all keys that the query selects new secrets, one after the other. The answer is a file that grows (`application/jsonl`, or CSV
/// where `format` or `Accept` asks for it): first how many keys there are, then each key with its new secret or why it has none, at last how many
/// there were of both. A call that breaks off leaves the keys rotated that it told of, and perhaps a few more; the old secrets of all stay valid for
/// the overlap. With `dry_run` the answer is JSON.
#[utoipa::path(post, path = "/keys/rotate", operation_id = "keys/rotate-many", tag = "keys",
    params(KeyQuery),
    request_body = RotateMany,
    responses((status = 200, body = RotationPreview), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn rotate_many(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    accepted: Accepted,
    Query(query): Query<KeyQuery>,
    JsonBody(request): JsonBody<RotateMany>,
) -> Result<Response, Error> {
    keys::rotate_many(manage, ctx, accepted, query, request).await
}

/// Reads a key.
#[utoipa::path(get, path = "/keys/{id}", operation_id = "keys/get", tag = "keys",
    params(("id" = String, Path, description = "The key's id")),
    responses((status = 200, body = KeyView), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn get(State(manage): State<Arc<Manage>>, ctx: Ctx, PathId(id): Id) -> Result<Answer<KeyView>, Error> {
    let found = keys::get(&manage, &ctx, id).await?;
    Ok(Answer::ok(found.key).version(found.version))
}

/// Changes a key; what is not named stays.
#[utoipa::path(patch, path = "/keys/{id}", operation_id = "keys/edit", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), ChangeQuery),
    request_body = EditKey,
    responses((status = 200, body = KeyView), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditKey>,
) -> Result<Answer<KeyView>, Error> {
    recorded(&manage, keys::edit(&manage, &ctx, id, if_match, request).await?, query).await
}

/// Deletes a key for good.
#[utoipa::path(delete, path = "/keys/{id}", operation_id = "keys/delete", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), ChangeQuery),
    responses((status = 204, description = "Deleted"), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn delete(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
) -> Result<Answer<()>, Error> {
    let changed = keys::delete(&manage, &ctx, id, if_match).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Takes a key out of service at once.
#[utoipa::path(post, path = "/keys/{id}/disable", operation_id = "keys/disable", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), ChangeQuery),
    request_body = Option<Reason>,
    responses((status = 200, body = KeyView), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn disable(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<KeyView>, Error> {
    recorded(&manage, keys::disable(&manage, &ctx, id, request).await?, query).await
}

/// Puts a disabled key back into service.
#[utoipa::path(post, path = "/keys/{id}/enable", operation_id = "keys/enable", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), ChangeQuery),
    request_body = Option<Reason>,
    responses((status = 200, body = KeyView), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn enable(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<KeyView>, Error> {
    recorded(&manage, keys::enable(&manage, &ctx, id, request).await?, query).await
}

/// Approves a key that waits; only a person who has no hand in it may. With `If-Match` only what was looked at.
#[utoipa::path(post, path = "/keys/{id}/approve", operation_id = "keys/approve", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), ChangeQuery),
    request_body = Option<Reason>,
    responses((status = 200, body = KeyView), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn approve(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<KeyView>, Error> {
    recorded(&manage, keys::approve(&manage, &ctx, id, if_match, request).await?, query).await
}

/// Denies a key that waits, which disables it; the reason is required. Only a person who has no hand in it may.
#[utoipa::path(post, path = "/keys/{id}/deny", operation_id = "keys/deny", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), ChangeQuery),
    request_body = Reason,
    responses((status = 200, body = KeyView), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn deny(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<Reason>,
) -> Result<Answer<KeyView>, Error> {
    recorded(&manage, keys::deny(&manage, &ctx, id, request).await?, query).await
}

/// Gives a key a new secret and answers it, once; the old one stays valid for the overlap.
#[utoipa::path(post, path = "/keys/{id}/rotate", operation_id = "keys/rotate", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), ChangeQuery),
    request_body = Rotate,
    responses((status = 200, body = KeyWithSecret), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn rotate(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<Rotate>,
) -> Result<Answer<KeyWithSecret>, Error> {
    let (changed, version) = keys::rotate(&manage, &ctx, id, request).await?;
    Answer::ok(changed.value).version(version).settled_with_secret(&manage, changed.position, query).await
}

/// Ends the old secret of a rotation before its time.
#[utoipa::path(post, path = "/keys/{id}/end-overlap", operation_id = "keys/end-overlap", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), ChangeQuery),
    responses((status = 200, body = KeyView), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn end_overlap(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<KeyView>, Error> {
    recorded(&manage, keys::end_overlap(&manage, &ctx, id).await?, query).await
}

/// Shows the secret of a recoverable key again; each time is in the audit log.
#[utoipa::path(post, path = "/keys/{id}/reveal", operation_id = "keys/reveal", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), ChangeQuery),
    responses((status = 200, body = KeyWithSecret), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn reveal(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<KeyWithSecret>, Error> {
    let shown = keys::reveal(&manage, &ctx, id).await?;
    Answer::ok(shown.value).settled(&manage, shown.position, query).await
}

/// Explains what a request with the key would get, check by check; no use, no quota.
#[utoipa::path(post, path = "/keys/{id}/check", operation_id = "keys/check", tag = "keys",
    params(("id" = String, Path, description = "The key's id")),
    request_body = Check,
    responses((status = 200, body = Explained), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn check(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    OptionalJsonBody(request): OptionalJsonBody<Check>,
) -> Result<Answer<Explained>, Error> {
    Ok(Answer::ok(keys::check(&manage, &ctx, id, request).await?))
}

/// Tells what was taken of every limit that applies to a key: its own, its owner's and those of its sets. Takes nothing.
#[utoipa::path(get, path = "/keys/{id}/limits", operation_id = "keys/limits", tag = "keys",
    params(("id" = String, Path, description = "The key's id")),
    responses((status = 200, body = LimitsUsed), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn limits(State(manage): State<Arc<Manage>>, ctx: Ctx, PathId(id): Id) -> Result<Answer<LimitsUsed>, Error> {
    Ok(Answer::ok(keys::limits(&manage, &ctx, id).await?))
}

/// Lists the last refused requests of a key (its diagnostic log).
#[utoipa::path(get, path = "/keys/{id}/requests", operation_id = "keys/requests", tag = "keys",
    params(("id" = String, Path, description = "The key's id"), RefusalQuery),
    responses((status = 200, body = Listed<RefusalView>), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn requests(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<RefusalQuery>,
) -> Result<Answer<Listed<RefusalView>>, Error> {
    Ok(Answer::ok(keys::requests(&manage, &ctx, Some(id), &query).await?))
}

/// Lists the last refused requests without a key.
#[utoipa::path(get, path = "/organization/requests", operation_id = "organization/requests", tag = "keys",
    params(RefusalQuery),
    responses((status = 200, body = Listed<RefusalView>), (status = "default", description = "Refused", body = Problem, content_type = "application/problem+json")))]
async fn organization_requests(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<RefusalQuery>,
) -> Result<Answer<Listed<RefusalView>>, Error> {
    Ok(Answer::ok(keys::requests(&manage, &ctx, None, &query).await?))
}
