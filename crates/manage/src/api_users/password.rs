//! Passwords of API users: changed by the user, or chosen by a link that went to its mailbox and works once.

use std::sync::Arc;

use claviger_domain::api_user::ApiUser;
use claviger_domain::audit::Chain;
use claviger_domain::digest::{CredentialDigest, CredentialKind};
use claviger_domain::link::is_link_token;
use claviger_domain::name::Name;
use claviger_domain::{ApiSessionId, ApplicationId, Secret, Timestamp};
use claviger_store::api_user_secrets::Event;
use claviger_store::{Conn, Scope, Tx, api_sessions, api_user_secrets, api_users};
use claviger_texts::templates::TemplateKind;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::create::hash_of;
use super::mailing::{LINK_LIFETIME, Put, draw_password_link, put};
use super::record::{Session, note_done};
use super::sign_in::{Origin, entered};
use super::verify::{held, verify};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::passwords::Match;
use crate::sign_in::{Origin as From_, attempt_counter, begin_attempt};
use crate::visitor::Visitor;
use crate::write::Changed;

/// The password before, and the new one.
#[derive(Debug, Clone)]
pub struct NewPassword {
    /// The password before.
    pub current: Secret,
    /// The new one.
    pub password: Secret,
}

/// What whoever has a link sends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChosenByLink {
    /// The token of the link: what stands at its end.
    #[schema(value_type = String)]
    pub token: Secret,
    /// The new password: 12 to 256 characters, none that is quickly guessed.
    #[schema(value_type = String, min_length = 12, max_length = 256)]
    pub password: Secret,
}

/// Where a link is used.
#[derive(Debug, Clone)]
enum Door {
    /// At the application, whose own links alone work there.
    Client(Origin),
    /// At Claviger's own page, where each does.
    Page(Ctx),
}

// === by the user ===

/// Changes the password of a session's user, whose other sessions end; false where the one before is another.
pub async fn change_password(manage: &Manage, session: &Session, request: NewPassword) -> Result<bool, Error> {
    let mut snapshot = manage.store.read().await?;
    let (_, user) = session.confirm(&mut snapshot).await?;
    let held = held(&mut snapshot, &user).await?;
    drop(snapshot);
    let current = entered(&request.current)?;
    let counter =
        attempt_counter(manage, &user.id.as_raw().to_be_bytes(), From_::Known(&session.id.as_raw().to_be_bytes()));
    let tried = begin_attempt(manage, &[&counter], session.now).await?;
    let place = manage.passwords.admit()?;
    let whose = (Some(&user), held.as_ref());
    let matched = verify(manage, &place, user.application, whose, (&current, &request.current)).await?;
    drop(place);
    let Some(before) = held.map(|held| held.hash).filter(|_| matched != Match::No) else {
        let (event, id) = (session.event("password_not_changed"), user.id);
        manage
            .store
            .write(Scope::Organization(session.organization), move |tx| {
                let event = event.clone();
                Box::pin(async move { Ok::<_, Error>(api_user_secrets::note(tx, id, &event).await?) })
            })
            .await?;
        return Ok(false);
    };
    let hash = hash_of(manage, &user, "newPassword", &request.password).await?;
    let all = Arc::new((session.clone(), before, hash, tried));
    let committed = manage
        .store
        .write(Scope::Organization(session.organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (session, before, hash, tried) = &*all;
                let (_, user) = session.confirm(tx).await?;
                let stands = api_user_secrets::password_locked(tx, user.id).await?;
                if stands.is_none_or(|stands| stands.expose() != before.expose()) {
                    return Ok::<_, Error>(false);
                }
                api_user_secrets::set_password(tx, user.id, hash, session.now).await?;
                api_user_secrets::end_link(tx, user.id).await?;
                let ended = api_sessions::end_of_user(tx, user.id, Some(session.id)).await?;
                api_user_secrets::note(tx, user.id, &session.event("password_changed")).await?;
                tried.clear(tx).await?;
                let entry = session.entry("api_user.change_password", &user, Some(json!({"sessions_ended": ended})));
                tx.audit(Chain::Organization(user.organization), entry);
                Ok(true)
            })
        })
        .await?;
    Ok(manage.in_force(committed).await?.value)
}

/// Has a link mailed to the user of this name; says until when it works, whether there is such a user or not.
pub async fn ask_for_password(manage: &Manage, origin: &Origin, user_name: &str) -> Result<(Timestamp, bool), Error> {
    let until = origin.now.saturating_add(LINK_LIFETIME);
    let Ok(name) = user_name.parse::<Name>() else { return Ok((until, false)) };
    let mut snapshot = manage.store.read().await?;
    let user = api_users::by_name(&mut snapshot, origin.application, &name.search_form()).await?;
    let Some(user) = user.filter(|user| user.disabled.is_none()) else { return Ok((until, false)) };
    let ctx = Ctx { ip: origin.ip, ..Ctx::system(origin.request_id, origin.now) };
    let drawn = draw_password_link(manage, &ctx, &mut snapshot, &user, TemplateKind::PasswordReset).await?;
    let Ok(drawn) = drawn else { return Ok((until, false)) };
    drop(snapshot);
    let event = origin.as_session(&user, ApiSessionId::from_raw(0)).event("password_asked_for");
    let all = Arc::new((ctx, user, drawn, event));
    manage
        .store
        .write(Scope::Organization(origin.organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (ctx, user, drawn, event) = &*all;
                if put(tx, ctx, user, drawn).await? == Put::Waits {
                    api_user_secrets::note(tx, user.id, event).await?;
                    note_done(tx, ctx, "api_user.ask_for_password", user, None);
                }
                Ok::<_, Error>(())
            })
        })
        .await?;
    Ok((until, true))
}

/// Gives the user of a link this password, at its application; all its sessions end. False where the link does not work.
pub async fn choose_password(manage: &Manage, origin: &Origin, request: ChosenByLink) -> Result<bool, Error> {
    Ok(choose(manage, Door::Client(origin.clone()), request).await?.is_some())
}

/// The same at Claviger's own page, for whoever has the link.
///
/// # Errors
/// 404 where it does not work.
pub async fn choose_password_at_page(
    manage: &Manage,
    visitor: &Visitor,
    request: ChosenByLink,
) -> Result<Changed<()>, Error> {
    let ctx = Ctx { ip: visitor.ip, ..Ctx::system(visitor.request_id, visitor.now) };
    let chosen = choose(manage, Door::Page(ctx), request).await?;
    chosen.ok_or_else(Error::unknown_link)
}

async fn choose(manage: &Manage, door: Door, request: ChosenByLink) -> Result<Option<Changed<()>>, Error> {
    if !is_link_token(request.token.expose()) {
        return Ok(None);
    }
    let digest = manage.keyring.pepper().digest(CredentialKind::LinkToken, request.token.expose().as_bytes());
    let mut snapshot = manage.store.read().await?;
    let Some(user) = user_of(&mut snapshot, &door, &digest).await? else { return Ok(None) };
    drop(snapshot);
    let hash = hash_of(manage, &user, "password", &request.password).await?;
    let all = Arc::new((door, digest, hash));
    let committed = manage
        .store
        .write(Scope::Organization(user.organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (door, digest, hash) = &*all;
                let Some(user) = user_of(tx, door, digest).await? else { return Ok::<_, Error>(false) };
                if !api_user_secrets::take_link(tx, digest).await? {
                    return Ok(false);
                }
                api_user_secrets::set_password(tx, user.id, hash, door.now()).await?;
                let sessions_ended = api_sessions::end_of_user(tx, user.id, None).await?;
                api_user_secrets::note(tx, user.id, &door.event(&user)).await?;
                door.audit(tx, &user, json!({"sessions_ended": sessions_ended}));
                Ok(true)
            })
        })
        .await?;
    let changed = manage.in_force(committed).await?;
    Ok(changed.value.then(|| changed.map(|_| ())))
}

/// Whose link this is, if it works at the door.
async fn user_of(conn: &mut Conn, door: &Door, digest: &CredentialDigest) -> Result<Option<ApiUser>, Error> {
    let Some(id) = api_user_secrets::user_of_link(conn, digest, door.now()).await? else { return Ok(None) };
    let user = api_users::find(conn, id).await?.filter(|user| user.disabled.is_none());
    Ok(user.filter(|user| door.application().is_none_or(|application| application == user.application)))
}

// === impl Door ===

impl Door {
    fn now(&self) -> Timestamp {
        match self {
            Self::Client(origin) => origin.now,
            Self::Page(ctx) => ctx.now,
        }
    }

    /// The application whose links alone work here.
    fn application(&self) -> Option<ApplicationId> {
        match self {
            Self::Client(origin) => Some(origin.application),
            Self::Page(_) => None,
        }
    }

    fn event(&self, user: &ApiUser) -> Event {
        let status = "password_reset";
        match self {
            Self::Client(origin) => origin.as_session(user, ApiSessionId::from_raw(0)).event(status),
            Self::Page(ctx) => Event {
                id: ctx.request_id,
                at: ctx.now,
                status: status.to_owned(),
                ip: ctx.ip.map(|ip| ip.to_string()),
                agent: None,
                device: None,
            },
        }
    }

    fn audit(&self, tx: &mut Tx, user: &ApiUser, after: serde_json::Value) {
        let action = "api_user.reset_password";
        match self {
            Self::Client(origin) => {
                let call = origin.as_session(user, ApiSessionId::from_raw(0));
                tx.audit(Chain::Organization(user.organization), call.entry(action, user, Some(after)));
            }
            Self::Page(ctx) => note_done(tx, ctx, action, user, Some(after)),
        }
    }
}
