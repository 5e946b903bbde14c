//! The doors of users, and of one's own keys.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{NewUser, Recorded, UserView};
use super::{CreateUser, DisableUser, EditUser, Leaving, ListUsers};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, OptionalJsonBody, Query, Wait, flag};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::export::Accepted;
use crate::keys::{CreateKey, KeyQuery, KeyView, KeyWithSecret, Reason};
use crate::page::Listed;
use crate::path::PathName;
use crate::write::Changed;
use crate::{Manage, keys, users};

/// The query of a change that can be tried first.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DisableQuery {
    /// Says which keys would stop, and changes nothing.
    #[serde(default, deserialize_with = "flag")]
    pub dry_run: bool,
    /// Which nodes must have applied the change before the call returns: `node` is this one, `all` every live one. The
    /// answer then names them.
    #[serde(default)]
    #[param(inline)]
    pub wait: Option<Wait>,
    /// How many milliseconds to wait for them at most; 1,000 if not given.
    #[serde(default, deserialize_with = "crate::body::wait_ms")]
    #[param(maximum = 5_000)]
    pub wait_ms: Option<u32>,
}

/// The user, or with `dry_run` the user as they are and the keys that would stop.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum DisableAnswer {
    /// As they are now.
    User(Box<UserView>),
    /// As it would be.
    Preview(Box<Leaving>),
}

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit, remove))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(lock))
        .routes(routes!(unlock))
        .routes(routes!(list_keys, create_key))
        .routes(routes!(list_own_keys, create_own_key))
}

async fn recorded(manage: &Manage, changed: Changed<Recorded>, query: ChangeQuery) -> Result<Answer<UserView>, Error> {
    Answer::ok(changed.value.user).version(changed.value.version).settled(manage, changed.position, query).await
}

async fn made(
    manage: &Manage,
    made: Changed<KeyWithSecret>,
    query: ChangeQuery,
) -> Result<Answer<KeyWithSecret>, Error> {
    let id = made.value.key.id().to_owned();
    Answer::created(made.value).location("keys", &id).version(1).settled_with_secret(manage, made.position, query).await
}

/// Lists the organization's users; who may see nobody else sees oneself.
#[utoipa::path(get, path = "/users", operation_id = "users/list", tag = "users", params(ListUsers),
    responses((status = 200, body = Listed<UserView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ListUsers>,
) -> Result<Answer<Listed<UserView>>, Error> {
    Ok(Answer::ok(users::list(&manage, &ctx, &query).await?))
}

/// Makes a user, and an invitation by which they come: mailed, or shown once in the answer where no mail is sent.
#[utoipa::path(post, path = "/users", operation_id = "users/create", tag = "users", params(ChangeQuery),
    request_body = CreateUser,
    responses((status = 201, body = NewUser), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateUser>,
) -> Result<Answer<NewUser>, Error> {
    let made = users::create(&manage, &ctx, request).await?;
    let id = made.value.user.id().to_owned();
    Answer::created(made.value).location("users", &id).version(1).settled(&manage, made.position, query).await
}

/// Reads a user.
#[utoipa::path(get, path = "/users/{user}", operation_id = "users/get", tag = "users",
    params(("user" = String, Path, description = "The user's id, user name or e-mail address")),
    responses((status = 200, body = UserView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(State(manage): State<Arc<Manage>>, ctx: Ctx, PathName(name): PathName) -> Result<Answer<UserView>, Error> {
    let found = users::get(&manage, &ctx, &name).await?;
    Ok(Answer::ok(found.user).version(found.version))
}

/// Changes a user; what is not named stays. Roles count with the next request.
#[utoipa::path(patch, path = "/users/{user}", operation_id = "users/edit", tag = "users",
    params(("user" = String, Path, description = "The user's id, user name or e-mail address"), ChangeQuery), request_body = EditUser,
    responses((status = 200, body = UserView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditUser>,
) -> Result<Answer<UserView>, Error> {
    recorded(&manage, users::edit(&manage, &ctx, name, if_match, request).await?, query).await
}

/// Removes a user from the organization; their keys end as tombstones.
#[utoipa::path(delete, path = "/users/{user}", operation_id = "users/remove", tag = "users",
    params(("user" = String, Path, description = "The user's id, user name or e-mail address"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn remove(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
) -> Result<Answer<()>, Error> {
    let changed = users::remove(&manage, &ctx, name, if_match).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Takes a user out of service: none of their keys passes. With `dry_run` it says which keys would stop; keys that are named
/// go on as an application's.
#[utoipa::path(post, path = "/users/{user}/disable", operation_id = "users/disable", tag = "users",
    params(("user" = String, Path, description = "The user's id, user name or e-mail address"), DisableQuery),
    request_body = Option<DisableUser>,
    responses((status = 200, body = DisableAnswer), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn disable(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<DisableQuery>,
    OptionalJsonBody(request): OptionalJsonBody<DisableUser>,
) -> Result<Answer<DisableAnswer>, Error> {
    if query.dry_run {
        let preview = users::preview(&manage, &ctx, &name).await?;
        return Ok(Answer::ok(DisableAnswer::Preview(Box::new(preview))));
    }
    let changed = users::disable(&manage, &ctx, name, request).await?;
    let (Recorded { user, version }, position) = (changed.value, changed.position);
    let answer = Answer::ok(DisableAnswer::User(Box::new(user))).version(version);
    answer.settled(&manage, position, &query).await
}

/// Puts a user back into service; their keys work as before.
#[utoipa::path(post, path = "/users/{user}/enable", operation_id = "users/enable", tag = "users",
    params(("user" = String, Path, description = "The user's id, user name or e-mail address"), ChangeQuery),
    request_body = Option<Reason>,
    responses((status = 200, body = UserView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn enable(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<UserView>, Error> {
    recorded(&manage, users::enable(&manage, &ctx, name, request).await?, query).await
}

/// Locks a user: none of their keys passes.
#[utoipa::path(post, path = "/users/{user}/lock", operation_id = "users/lock", tag = "users",
    params(("user" = String, Path, description = "The user's id, user name or e-mail address"), ChangeQuery),
    request_body = Option<Reason>,
    responses((status = 200, body = UserView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn lock(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<UserView>, Error> {
    recorded(&manage, users::lock(&manage, &ctx, name, request).await?, query).await
}

/// Takes an administrator's lock away; keys work as before.
#[utoipa::path(post, path = "/users/{user}/unlock", operation_id = "users/unlock", tag = "users",
    params(("user" = String, Path, description = "The user's id, user name or e-mail address"), ChangeQuery),
    request_body = Option<Reason>,
    responses((status = 200, body = UserView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn unlock(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<UserView>, Error> {
    recorded(&manage, users::unlock(&manage, &ctx, name, request).await?, query).await
}

/// Lists the living keys of a user.
#[utoipa::path(get, path = "/users/{user}/keys", operation_id = "users/keys/list", tag = "users",
    params(("user" = String, Path, description = "The user's id, user name or e-mail address"), KeyQuery),
    responses((status = 200, body = Listed<KeyView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list_keys(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    accepted: Accepted,
    Query(query): Query<KeyQuery>,
) -> Result<Response, Error> {
    let user = keys::user_whose_keys(&manage, &ctx, &name).await?;
    keys::list_or_export(manage, ctx, accepted, query.of_owner(&user.to_string())?).await
}

/// Makes a key of a user and answers its value, once: one's own, and another's only where the policy says so.
#[utoipa::path(post, path = "/users/{user}/keys", operation_id = "users/keys/create", tag = "users",
    params(("user" = String, Path, description = "The user's id, user name or e-mail address"), ChangeQuery), request_body = CreateKey,
    responses((status = 201, body = KeyWithSecret), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create_key(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateKey>,
) -> Result<Answer<KeyWithSecret>, Error> {
    let user = keys::user_who_gets(&manage, &ctx, &name).await?;
    made(&manage, keys::create(&manage, &ctx, request.of_owner("user", &user.to_string())?).await?, query).await
}

/// Lists one's own living keys.
#[utoipa::path(get, path = "/me/keys", operation_id = "me/keys/list", tag = "me", params(KeyQuery),
    responses((status = 200, body = Listed<KeyView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list_own_keys(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    accepted: Accepted,
    Query(query): Query<KeyQuery>,
) -> Result<Response, Error> {
    let (_, user) = ctx.person()?;
    keys::list_or_export(manage, ctx, accepted, query.of_owner(&user.to_string())?).await
}

/// Makes a key of one's own and answers its value, once.
#[utoipa::path(post, path = "/me/keys", operation_id = "me/keys/create", tag = "me", params(ChangeQuery), request_body = CreateKey,
    responses((status = 201, body = KeyWithSecret), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create_own_key(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateKey>,
) -> Result<Answer<KeyWithSecret>, Error> {
    let (_, user) = ctx.person()?;
    made(&manage, keys::create(&manage, &ctx, request.of_owner("user", &user.to_string())?).await?, query).await
}
