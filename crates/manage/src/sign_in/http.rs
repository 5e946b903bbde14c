//! The doors of sign-in, sessions and one's own password.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Response};
use claviger_domain::id::kind;
use claviger_domain::session::Session;
use http::{HeaderName, HeaderValue, StatusCode};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::cookies::Cookie;
use super::token::Token;
use super::visit::Visit;
use super::wire::{SessionView, SessionWithCsrf, Sessions, SignIn, SwitchOrganization};
use super::{ChangePassword, CodeNeeded, Entered, SignInCode, SignedIn, StepUp, session};
use crate::Manage;
use crate::answer::Answer;
use crate::body::JsonBody;
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::path::PathId;

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(sign_in))
        .routes(routes!(enter_code))
        .routes(routes!(current, switch, sign_out))
        .routes(routes!(step_up))
        .routes(routes!(list, end_others))
        .routes(routes!(end))
        .routes(routes!(change_password))
}

/// A session with another token, and the cookie for it.
fn renewed(
    manage: &Manage,
    session: &Session,
    token: &Token,
) -> (AppendHeaders<[(HeaderName, HeaderValue); 1]>, Answer<SessionWithCsrf>) {
    let cookie = Cookie::Session.set(&token.to_text(), manage.config.secure_cookies);
    (AppendHeaders([cookie]), Answer::ok(session::with_csrf(manage, session, token)))
}

/// The first answer of a session: its cookie, and that by which the browser is known again.
fn entered(manage: &Manage, Entered { session, token, browser }: Entered) -> Response {
    let known = browser.to_text(&manage.keyring, session.user);
    let known = Cookie::Browser.set(&known, manage.config.secure_cookies);
    (AppendHeaders([known]), renewed(manage, &session, &token)).into_response()
}

/// Signs a person in: the answer sets the session's cookie. Who has a second factor gets none yet: 202, and what the code is
/// to be sent with.
#[utoipa::path(post, path = "/sign-in", operation_id = "sign-in", tag = "sessions", request_body = SignIn, security(()),
    responses((status = 200, body = SessionWithCsrf), (status = 202, body = CodeNeeded, description = "The password is right; `POST /sign-in/code` with a code is to follow"), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn sign_in(
    State(manage): State<Arc<Manage>>,
    visit: Visit,
    JsonBody(request): JsonBody<SignIn>,
) -> Result<Response, Error> {
    Ok(match super::sign_in(&manage, &visit, request).await? {
        SignedIn::Entered(session) => entered(&manage, *session),
        SignedIn::CodeNeeded(needed) => (StatusCode::ACCEPTED, axum::Json(needed)).into_response(),
    })
}

/// The second step of a sign-in: a code of the app, or a recovery code. The answer sets the session's cookie.
#[utoipa::path(post, path = "/sign-in/code", operation_id = "sign-in/code", tag = "sessions", request_body = SignInCode, security(()),
    responses((status = 200, body = SessionWithCsrf), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn enter_code(
    State(manage): State<Arc<Manage>>,
    visit: Visit,
    JsonBody(request): JsonBody<SignInCode>,
) -> Result<Response, Error> {
    Ok(entered(&manage, super::enter_code(&manage, &visit, request).await?))
}

/// Reads the session that calls, with what its changes bear.
#[utoipa::path(get, path = "/session", operation_id = "session/get", tag = "sessions",
    responses((status = 200, body = SessionWithCsrf), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn current(State(manage): State<Arc<Manage>>, ctx: Ctx, visit: Visit) -> Result<Answer<SessionWithCsrf>, Error> {
    ctx.console_session()?;
    let token = visit.token.ok_or_else(|| Error::forbidden("This is about a session of the console."))?;
    Ok(Answer::ok(session::current(&manage, &ctx, &token)?))
}

/// Lets the session mean another organization's things.
#[utoipa::path(patch, path = "/session", operation_id = "session/switch", tag = "sessions", request_body = SwitchOrganization,
    responses((status = 200, body = SessionView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn switch(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    JsonBody(request): JsonBody<SwitchOrganization>,
) -> Result<Answer<SessionView>, Error> {
    let session = super::switch(&manage, &ctx, request.organization).await?;
    Ok(Answer::ok(SessionView::new(&session, &manage.config.sessions, Some(session.id))))
}

/// Signs out: ends the session that calls.
#[utoipa::path(delete, path = "/session", operation_id = "session/end", tag = "sessions",
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn sign_out(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<impl IntoResponse, Error> {
    super::sign_out(&manage, &ctx).await?;
    Ok((AppendHeaders([Cookie::Session.clear(manage.config.secure_cookies)]), Answer::no_content()))
}

/// Takes the password again, or a code; for ten minutes nothing asks for it then. The session gets another token.
#[utoipa::path(post, path = "/session/step-up", operation_id = "session/step-up", tag = "sessions", request_body = StepUp,
    responses((status = 200, body = SessionWithCsrf), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn step_up(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    JsonBody(request): JsonBody<StepUp>,
) -> Result<impl IntoResponse, Error> {
    let (session, token) = super::step_up(&manage, &ctx, request).await?;
    Ok(renewed(&manage, &session, &token))
}

/// Lists the sessions of the person who calls, the one that was seen last first.
#[utoipa::path(get, path = "/me/sessions", operation_id = "me/sessions/list", tag = "sessions",
    responses((status = 200, body = Sessions), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<Sessions>, Error> {
    Ok(Answer::ok(super::list(&manage, &ctx).await?))
}

/// Ends all sessions of the person who calls but the one that calls.
#[utoipa::path(delete, path = "/me/sessions", operation_id = "me/sessions/end-others", tag = "sessions",
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn end_others(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<()>, Error> {
    super::end_others(&manage, &ctx).await?;
    Ok(Answer::no_content())
}

/// Ends a session of the person who calls.
#[utoipa::path(delete, path = "/me/sessions/{session}", operation_id = "me/sessions/end", tag = "sessions",
    params(("session" = String, Path, description = "The session's id")),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn end(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): PathId<kind::Session>,
) -> Result<Answer<()>, Error> {
    super::end(&manage, &ctx, id).await?;
    Ok(Answer::no_content())
}

/// Changes the password of the person who calls; their other sessions end, and this one gets another token.
#[utoipa::path(put, path = "/me/password", operation_id = "me/password/change", tag = "sessions", request_body = ChangePassword,
    responses((status = 200, body = SessionWithCsrf), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn change_password(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    JsonBody(request): JsonBody<ChangePassword>,
) -> Result<impl IntoResponse, Error> {
    let (session, token) = super::change_password(&manage, &ctx, request).await?;
    Ok(renewed(&manage, &session, &token))
}
