//! From a cookie to a [`Ctx`], and what a person does with their sessions.

use std::net::IpAddr;
use std::sync::Arc;

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authorities;
use claviger_domain::key::{Actor, ActorKind};
use claviger_domain::member::Standing;
use claviger_domain::session::Session;
use claviger_domain::{RequestId, SessionId, UserId};
use claviger_store::{Scope, Tx, members, sessions};
use http::Method;
use http::request::Parts;
use serde_json::json;

use super::cookies::Cookie;
use super::enter::organization;
use super::token::Token;
use super::visit::check_site;
use super::wire::{SessionView, SessionWithCsrf, Sessions};
use crate::Manage;
use crate::ctx::{Ctx, CtxSession};
use crate::error::Error;
use crate::mandate;

/// What everything but GET bears in a session.
pub(crate) const CSRF_HEADER: &str = "x-claviger-csrf";

/// The caller, where a cookie says which session it is; `None`: there is no cookie.
pub(crate) async fn session_ctx(
    manage: &Manage,
    parts: &Parts,
    ip: Option<IpAddr>,
    request_id: RequestId,
) -> Result<Option<Ctx>, Error> {
    let Some(text) = Cookie::Session.read(&parts.headers, manage.config.secure_cookies)? else { return Ok(None) };
    let token = Token::parse(text).ok_or_else(over)?;
    check_intent(manage, parts, &token)?;
    let (now, digest) = (manage.clock.now(), token.digest(&manage.keyring));
    let mut snapshot = manage.store.read().await?;
    let found = sessions::by_digest(&mut snapshot, &digest).await?;
    let session = found.filter(|session| session.is_alive(now, &manage.config.sessions)).ok_or_else(over)?;
    let member = members::get(&mut snapshot, session.organization, session.user).await?;
    let member = member.filter(|member| member.standing(now) == Standing::InService).ok_or_else(over)?;
    let rights = mandate::of_user(&mut snapshot, session.organization, session.user, now).await?;
    drop(snapshot);
    let call = manage.calls.begin(session.organization)?;
    if session.is_to_be_noted(now) {
        note_seen(manage, &session, ip, now).await;
    }
    let (id, name) = (member.user.id.to_string(), member.user.name.to_string());
    Ok(Some(Ctx {
        actor: Actor { kind: ActorKind::User, id: Some(id), name: Some(name) },
        organization: Some(session.organization),
        authorities: rights.authorities,
        user: Some(session.user),
        granted: Authorities::ADMIN,
        credential: None,
        session: Some(Arc::new(CtxSession { record: session, digest })),
        ip,
        request_id,
        now,
        attempt: None,
        call: Some(Arc::new(call)),
    }))
}

fn over() -> Error {
    Error::unauthenticated("The session is over: sign in again.")
}

/// Refuses a change that the console did not ask for: another site's page can send the cookie, and does not know the token.
fn check_intent(manage: &Manage, parts: &Parts, token: &Token) -> Result<(), Error> {
    if [Method::GET, Method::HEAD].contains(&parts.method) {
        return Ok(());
    }
    check_site(&parts.headers, &manage.config.control_url)?;
    let mut values = parts.headers.get_all(CSRF_HEADER).iter();
    match (values.next(), values.next()) {
        (Some(value), None) if token.has_csrf(&manage.keyring, value.as_bytes()) => Ok(()),
        _ => Err(Error::forbidden("Send the session's `csrf_token` as `X-Claviger-CSRF`.")),
    }
}

/// That a request came, once a minute. A call is not refused because this could not be written.
async fn note_seen(manage: &Manage, session: &Session, ip: Option<IpAddr>, now: claviger_domain::Timestamp) {
    let (id, ip) = (session.id, ip.map(|ip| ip.to_string()));
    let written = manage
        .store
        .write(Scope::Organization(session.organization), move |tx| {
            let ip = ip.clone();
            Box::pin(async move {
                sessions::note(tx, id, now, ip.as_deref()).await?;
                Ok::<_, Error>(())
            })
        })
        .await;
    if let Err(error) = written {
        tracing::debug!(session = %id, ?error, "could not note that a session was seen");
    }
}

/// The caller's own session, and what its changes bear.
pub(super) fn current(manage: &Manage, ctx: &Ctx, token: &Token) -> Result<SessionWithCsrf, Error> {
    Ok(with_csrf(manage, &ctx.console_session()?.record, token))
}

pub(super) fn with_csrf(manage: &Manage, session: &Session, token: &Token) -> SessionWithCsrf {
    SessionWithCsrf {
        session: SessionView::new(session, &manage.config.sessions, Some(session.id)),
        csrf_token: token.csrf(&manage.keyring),
    }
}

/// The caller's sessions that are not over.
pub async fn list(manage: &Manage, ctx: &Ctx) -> Result<Sessions, Error> {
    let (_, user) = ctx.account()?;
    let limits = &manage.config.sessions;
    let mut found = sessions::of_user(&mut *manage.store.read().await?, user).await?;
    found.retain(|session| session.is_alive(ctx.now, limits));
    let own = ctx.session.as_ref().map(|session| session.record.id);
    Ok(Sessions { data: found.iter().map(|session| SessionView::new(session, limits, own)).collect() })
}

/// Ends the caller's own session.
pub async fn sign_out(manage: &Manage, ctx: &Ctx) -> Result<(), Error> {
    let own = ctx.console_session()?.record.id;
    end(manage, ctx, own).await
}

/// Ends one of the caller's sessions.
pub async fn end(manage: &Manage, ctx: &Ctx, id: SessionId) -> Result<(), Error> {
    let (organization, user) = ctx.account()?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let ctx = work_ctx.clone();
            Box::pin(async move {
                if !sessions::end(tx, user, id).await? {
                    return Err(Error::not_found("session"));
                }
                note(tx, &ctx, user, "session.end", json!({"session": id.to_string()}))
            })
        })
        .await?;
    Ok(())
}

/// Ends all of the caller's sessions but the one that calls.
pub async fn end_others(manage: &Manage, ctx: &Ctx) -> Result<(), Error> {
    let (organization, user) = ctx.account()?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let ctx = work_ctx.clone();
            Box::pin(async move {
                let own = ctx.session.as_ref().map(|session| session.record.id);
                match sessions::end_others(tx, user, own).await? {
                    0 => Ok(()),
                    ended => note(tx, &ctx, user, "session.end_others", json!({"ended": ended})),
                }
            })
        })
        .await?;
    Ok(())
}

/// Lets the caller's session mean another organization's things.
pub async fn switch(manage: &Manage, ctx: &Ctx, name: String) -> Result<Session, Error> {
    let mut session = ctx.console_session()?.record.clone();
    let mut snapshot = manage.store.read().await?;
    let unknown =
        || Error::names_unknown(vec![crate::FieldError::new("organization", "there is no such organization")]);
    let wanted = organization(&mut snapshot, &name).await?.ok_or_else(unknown)?;
    drop(snapshot);
    let (id, user, now) = (session.id, session.user, ctx.now);
    let work_ctx = Ctx { organization: Some(wanted), ..ctx.clone() };
    manage
        .store
        .write(Scope::Organization(wanted), move |tx| {
            let ctx = work_ctx.clone();
            Box::pin(async move {
                // Whoever is not in it learns nothing of it.
                let member = members::get(tx, wanted, user).await?;
                let place =
                    member.filter(|place| place.accepted_at.is_some() && place.standing(now) == Standing::InService);
                place.ok_or_else(unknown)?;
                sessions::switch(tx, id, wanted).await?;
                members::note_sign_in(tx, wanted, user, now).await?;
                note(tx, &ctx, user, "session.switch", json!({"session": id.to_string()}))
            })
        })
        .await?;
    session.organization = wanted;
    Ok(session)
}

/// An entry about the caller.
pub(super) fn note(tx: &mut Tx, ctx: &Ctx, user: UserId, action: &str, after: serde_json::Value) -> Result<(), Error> {
    let (organization, _) = ctx.person()?;
    let subject = Subject { kind: "user".to_owned(), id: user.to_string(), name: ctx.actor.name.clone() };
    tx.audit(Chain::Organization(organization), ctx.entry(action, subject, None, Some(after)));
    Ok(())
}
