//! The doors of API users.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{ApiSessionView, ApiUserView, EventView, NewApiUser, Recorded};
use super::{ChosenByLink, CreateApiUser, EditApiUser, EventQuery, ListApiUsers, SendMail, SentMail, SetPassword};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, OptionalJsonBody, Query, Waiting};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::keys::Reason;
use crate::page::Listed;
use crate::path::{PathName, PathNames};
use crate::second_factor::RecoveryCodes;
use crate::visitor::Visitor;
use crate::write::Changed;
use crate::{Manage, api_users, applications};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit, delete))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(list_sessions, end_sessions))
        .routes(routes!(end_session))
        .routes(routes!(history))
        .routes(routes!(reset_password))
        .routes(routes!(set_password))
        .routes(routes!(unlock))
        .routes(routes!(rotate_token))
        .routes(routes!(choose_password))
        .routes(routes!(send_mail))
        .routes(routes!(reset_2fa))
        .routes(routes!(make_recovery_codes))
        .routes(routes!(list_of_application))
}

async fn recorded(
    manage: &Manage,
    changed: Changed<Recorded>,
    query: ChangeQuery,
) -> Result<Answer<ApiUserView>, Error> {
    Answer::ok(changed.value.user).version(changed.value.version).settled(manage, changed.position, query).await
}

/// Lists the organization's API users.
#[utoipa::path(get, path = "/api-users", operation_id = "api-users/list", tag = "api-users",
    params(ListApiUsers),
    responses((status = 200, body = Listed<ApiUserView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ListApiUsers>,
) -> Result<Answer<Listed<ApiUserView>>, Error> {
    Ok(Answer::ok(api_users::list(&manage, &ctx, &query).await?))
}

/// Makes an API user; where its application's type asks for a token without a sign-in, the answer has it, once. An active user who
/// signs in and is made without a password is mailed a link by which it chooses one, where mail is sent.
#[utoipa::path(post, path = "/api-users", operation_id = "api-users/create", tag = "api-users",
    params(ChangeQuery), request_body = CreateApiUser,
    responses((status = 201, body = NewApiUser), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateApiUser>,
) -> Result<Answer<NewApiUser>, Error> {
    let made = api_users::create(&manage, &ctx, request).await?;
    let id = made.value.api_user.id().to_owned();
    let answer = Answer::created(made.value).location("api-users", &id).version(1);
    answer.settled_with_secret(&manage, made.position, query).await
}

/// Reads an API user.
#[utoipa::path(get, path = "/api-users/{user}", operation_id = "api-users/get", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id")),
    responses((status = 200, body = ApiUserView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
) -> Result<Answer<ApiUserView>, Error> {
    let found = api_users::get(&manage, &ctx, &id).await?;
    Ok(Answer::ok(found.user).version(found.version))
}

/// Changes an API user; what is not named stays.
#[utoipa::path(patch, path = "/api-users/{user}", operation_id = "api-users/edit", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery), request_body = EditApiUser,
    responses((status = 200, body = ApiUserView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditApiUser>,
) -> Result<Answer<ApiUserView>, Error> {
    recorded(&manage, api_users::edit(&manage, &ctx, id, if_match, request).await?, query).await
}

/// Deletes an API user; its sessions end with it.
#[utoipa::path(delete, path = "/api-users/{user}", operation_id = "api-users/delete", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery),
    responses((status = 204, description = "Deleted"), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn delete(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
) -> Result<Answer<()>, Error> {
    let changed = api_users::delete(&manage, &ctx, id, if_match).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Makes an API user inactive: it signs in no more, and its sessions end.
#[utoipa::path(post, path = "/api-users/{user}/disable", operation_id = "api-users/disable", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery), request_body = Option<Reason>,
    responses((status = 200, body = ApiUserView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn disable(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<ApiUserView>, Error> {
    recorded(&manage, api_users::disable(&manage, &ctx, id, request).await?, query).await
}

/// Makes an API user active again; it has to sign in anew.
#[utoipa::path(post, path = "/api-users/{user}/enable", operation_id = "api-users/enable", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery), request_body = Option<Reason>,
    responses((status = 200, body = ApiUserView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn enable(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<ApiUserView>, Error> {
    recorded(&manage, api_users::enable(&manage, &ctx, id, request).await?, query).await
}

/// Lists the sessions of an API user, the one that was used last first.
#[utoipa::path(get, path = "/api-users/{user}/sessions", operation_id = "api-users/sessions/list", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id")),
    responses((status = 200, body = Listed<ApiSessionView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list_sessions(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
) -> Result<Answer<Listed<ApiSessionView>>, Error> {
    Ok(Answer::ok(api_users::list_sessions(&manage, &ctx, &id).await?))
}

/// Ends all sessions of an API user: no door takes their tokens any more.
#[utoipa::path(delete, path = "/api-users/{user}/sessions", operation_id = "api-users/sessions/end-all", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery),
    responses((status = 204, description = "Ended"), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn end_sessions(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<()>, Error> {
    let changed = api_users::end_sessions(&manage, &ctx, id).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Ends a session of an API user: no door takes its token any more.
#[utoipa::path(delete, path = "/api-users/{user}/sessions/{session}", operation_id = "api-users/sessions/end", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"),
        ("session" = String, Path, description = "The session's id"), ChangeQuery),
    responses((status = 204, description = "Ended"), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn end_session(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathNames(id, session): PathNames,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<()>, Error> {
    let changed = api_users::end_session(&manage, &ctx, id, session).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Lists what an API user did, and what was tried at its name, the newest first.
#[utoipa::path(get, path = "/api-users/{user}/history", operation_id = "api-users/history", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), EventQuery),
    responses((status = 200, body = Listed<EventView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn history(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<EventQuery>,
) -> Result<Answer<Listed<EventView>>, Error> {
    Ok(Answer::ok(api_users::history(&manage, &ctx, &id, &query).await?))
}

/// Mails an API user a link by which it sets a password, once: another one within an hour, or the first one within a week.
#[utoipa::path(post, path = "/api-users/{user}/reset-password", operation_id = "api-users/reset-password", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn reset_password(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<()>, Error> {
    let changed = api_users::reset_password(&manage, &ctx, id).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Sets the password of an API user; its sessions end, and it may try again where it was locked out.
#[utoipa::path(put, path = "/api-users/{user}/password", operation_id = "api-users/set-password", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery), request_body = SetPassword,
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn set_password(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<SetPassword>,
) -> Result<Answer<()>, Error> {
    let changed = api_users::set_password(&manage, &ctx, id, request).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Forgets the wrong passwords that were entered at an API user's name, from wherever.
#[utoipa::path(post, path = "/api-users/{user}/unlock", operation_id = "api-users/unlock", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn unlock(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<()>, Error> {
    let changed = api_users::unlock(&manage, &ctx, id).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Gives an API user that needs no sign-in another token and answers it, once; the one before ends.
#[utoipa::path(post, path = "/api-users/{user}/rotate-token", operation_id = "api-users/rotate-token", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery),
    responses((status = 200, body = NewApiUser), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn rotate_token(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<NewApiUser>, Error> {
    let changed = api_users::rotate_token(&manage, &ctx, id).await?;
    let (rotated, version) = changed.value;
    Answer::ok(rotated).version(version).settled_with_secret(&manage, changed.position, query).await
}

/// Gives an API user with one-time codes ten recovery codes in the place of those before, and answers them, once.
#[utoipa::path(post, path = "/api-users/{user}/recovery-codes", operation_id = "api-users/make-recovery-codes", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery),
    responses((status = 200, body = RecoveryCodes), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn make_recovery_codes(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<RecoveryCodes>, Error> {
    let changed = api_users::make_recovery_codes(&manage, &ctx, id).await?;
    let codes = RecoveryCodes { recovery_codes: changed.value };
    Answer::ok(codes).settled_with_secret(&manage, changed.position, query).await
}

/// Chooses a password, for whoever has the link of a mail: what Claviger's own page does, for users of applications without one.
/// All sessions of the user end. What was used, has expired or never was is 404 alike.
#[utoipa::path(post, path = "/api-users/choose-password", operation_id = "api-users/choose-password", tag = "api-users",
    request_body = ChosenByLink, security(()),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn choose_password(
    State(manage): State<Arc<Manage>>,
    visitor: Visitor,
    JsonBody(request): JsonBody<ChosenByLink>,
) -> Result<Answer<()>, Error> {
    let changed = api_users::choose_password_at_page(&manage, &visitor, request).await?;
    Answer::no_content().settled(&manage, changed.position, Waiting::default()).await
}

/// Mails an API user of this application: a link to a record at the application's public URL, or one by which it chooses a password.
#[utoipa::path(post, path = "/applications/{application}/mails", operation_id = "applications/mails/create", tag = "api-users",
    params(("application" = String, Path, description = "The application's id or slug"), ChangeQuery), request_body = SendMail,
    responses((status = 201, body = SentMail, description = "It is on its way"), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn send_mail(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(application): PathName,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<SendMail>,
) -> Result<Answer<SentMail>, Error> {
    let sent = api_users::send_mail(&manage, &ctx, &application, request).await?;
    Answer::created(sent.value).settled(&manage, sent.position, query).await
}

/// Ends the one-time codes of an API user, and its sessions.
#[utoipa::path(post, path = "/api-users/{user}/reset-2fa", operation_id = "api-users/reset-2fa", tag = "api-users",
    params(("user" = String, Path, description = "The API user's id"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn reset_2fa(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(id): PathName,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<()>, Error> {
    let changed = api_users::reset_second_factor(&manage, &ctx, id).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Lists the API users of an application.
#[utoipa::path(get, path = "/applications/{application}/api-users", operation_id = "applications/api-users/list", tag = "api-users",
    params(("application" = String, Path, description = "The application's id or slug"), ListApiUsers),
    responses((status = 200, body = Listed<ApiUserView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list_of_application(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ListApiUsers>,
) -> Result<Answer<Listed<ApiUserView>>, Error> {
    if query.application.is_some() {
        return Err(Error::field("application", "stands in the path already"));
    }
    let application = applications::get(&manage, &ctx, &name).await?.application;
    let query = ListApiUsers { application: Some(application.id().to_owned()), ..query };
    Ok(Answer::ok(api_users::list(&manage, &ctx, &query).await?))
}
