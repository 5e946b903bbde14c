//! The doors of second factors.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Confirm, NewSecondFactor, RecoveryCodes, SecondFactorView};
use crate::answer::Answer;
use crate::body::{ChangeQuery, JsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::path::PathName;
use crate::{Manage, second_factor};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(state, begin, remove))
        .routes(routes!(confirm))
        .routes(routes!(make_codes))
        .routes(routes!(reset))
}

/// Says which second factor the person who calls has.
#[utoipa::path(get, path = "/me/2fa", operation_id = "me/2fa/get", tag = "sessions",
    responses((status = 200, body = SecondFactorView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn state(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<SecondFactorView>, Error> {
    Ok(Answer::ok(second_factor::state(&manage, &ctx).await?))
}

/// Draws a secret for an authenticator app, which a code of it puts in force within ten minutes. What is in force until then
/// stays so.
#[utoipa::path(post, path = "/me/2fa", operation_id = "me/2fa/begin", tag = "sessions",
    responses((status = 200, body = NewSecondFactor), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn begin(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<NewSecondFactor>, Error> {
    Ok(Answer::ok(second_factor::begin(&manage, &ctx).await?))
}

/// Puts the secret in force, by a code of it: from now on signing in takes a code. The person's other sessions end. Answers
/// recovery codes, this once.
#[utoipa::path(post, path = "/me/2fa/confirm", operation_id = "me/2fa/confirm", tag = "sessions", request_body = Confirm,
    responses((status = 200, body = RecoveryCodes), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn confirm(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    JsonBody(request): JsonBody<Confirm>,
) -> Result<Answer<RecoveryCodes>, Error> {
    Ok(Answer::ok(second_factor::confirm(&manage, &ctx, request).await?))
}

/// Ends the second factor of the person who calls, with its recovery codes.
#[utoipa::path(delete, path = "/me/2fa", operation_id = "me/2fa/remove", tag = "sessions",
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn remove(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<()>, Error> {
    second_factor::remove(&manage, &ctx).await?;
    Ok(Answer::no_content())
}

/// Makes recovery codes for the person who calls, and answers them this once; those before work no more.
#[utoipa::path(post, path = "/me/2fa/recovery-codes", operation_id = "me/2fa/make-recovery-codes", tag = "sessions",
    responses((status = 200, body = RecoveryCodes), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn make_codes(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<RecoveryCodes>, Error> {
    Ok(Answer::ok(second_factor::make_codes(&manage, &ctx).await?))
}

/// Ends the second factor of another person, who has lost it, and their sessions: they sign in by their password alone until
/// they set up another one. Nothing changes where there is none.
#[utoipa::path(post, path = "/users/{user}/reset-2fa", operation_id = "users/reset-2fa", tag = "users",
    params(("user" = String, Path, description = "The user's id, user name or e-mail address"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn reset(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathName(name): PathName,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<()>, Error> {
    let changed = second_factor::reset(&manage, &ctx, name).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}
