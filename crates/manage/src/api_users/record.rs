//! What several use cases do with the record of an API user.

use std::net::IpAddr;

use claviger_domain::api_user::{ApiSession, ApiUser};
use claviger_domain::application::SignIn;
use claviger_domain::audit::{Chain, Entry, Subject};
use claviger_domain::authority::Authority;
use claviger_domain::email::Email;
use claviger_domain::key::{Actor, ActorKind};
use claviger_domain::{ApiSessionId, ApiUserId, KeyId, OrganizationId, RequestId, Timestamp};
use claviger_store::api_user_secrets::{self, Event};
use claviger_store::{
    Conn, Scope, Tx, api_sessions, api_user_codes, api_users, application_types, applications, members,
};
use serde_json::Value;

use super::wire::{ApiUserView, Recorded, Surroundings};
use crate::Manage;
use crate::body::IfMatch;
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::rights::UNKNOWN;
use crate::users::find_member;
use crate::write::{Changed, Work};

/// A session in which an API user calls, as the web service has found it.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: ApiSessionId,
    /// Whose it is.
    pub user: ApiUserId,
    /// The tenant.
    pub organization: OrganizationId,
    /// The key that it began with.
    pub key: KeyId,
    /// The caller's address.
    pub ip: Option<IpAddr>,
    /// The client, as it calls itself.
    pub agent: Option<String>,
    /// Names the call.
    pub request_id: RequestId,
    /// The instant of the call.
    pub now: Timestamp,
}

/// The user of this id, or 404.
pub(super) async fn find(conn: &mut Conn, organization: OrganizationId, id: &str) -> Result<ApiUser, Error> {
    let found = match id.parse() {
        Ok(id) => api_users::get(conn, organization, id).await?,
        Err(_) => None,
    };
    found.ok_or_else(|| Error::not_found("API user"))
}

/// The view of one user.
pub(super) async fn view(conn: &mut Conn, user: &ApiUser) -> Result<ApiUserView, Error> {
    let application = applications::find(conn, user.application).await?;
    let named = |application: &claviger_domain::application::Application| {
        (application.slug.to_string(), application.name.to_string())
    };
    let profile = members::get(conn, user.organization, user.profile_user).await?;
    let enrolled = api_user_secrets::totp(conn, user.id).await?.is_some();
    let recovery_codes_left = if enrolled { api_user_codes::count(conn, user.id).await? } else { 0 };
    Ok(ApiUserView::new(
        user,
        Surroundings {
            application: application.as_ref().map(named).unwrap_or_default(),
            profile: profile.map(|member| member.user.name.to_string()),
            enrolled,
            recovery_codes_left,
            has_password: api_user_secrets::password(conn, user.id).await?.is_some(),
            last_sign_in: api_users::visits(conn, user.id).await?.signed_in_at,
            sessions: api_sessions::count_of_user(conn, user.id).await?,
        },
    ))
}

/// The person whom `profile_user` names.
pub(super) async fn profile(
    conn: &mut Conn,
    organization: OrganizationId,
    name: &str,
) -> Result<claviger_domain::member::Member, Error> {
    let unknown = || Error::names_unknown(vec![FieldError::new("profile_user", UNKNOWN)]);
    find_member(conn, organization, name).await?.ok_or_else(unknown)
}

/// Where mails to a user go: its contact's address, its user name where that is one, or that of the profile user.
pub(super) async fn address(conn: &mut Conn, user: &ApiUser) -> Result<Option<Email>, Error> {
    if let Some(contact) = &user.contact {
        return Ok(Some(contact.email.clone()));
    }
    if let Ok(email) = user.user_name.as_str().parse() {
        return Ok(Some(email));
    }
    let profile = members::get(conn, user.organization, user.profile_user).await?;
    Ok(profile.map(|member| member.user.email))
}

/// Refuses users of applications whose users have no password: they do not sign in.
pub(super) async fn require_password(conn: &mut Conn, user: &ApiUser) -> Result<(), Error> {
    let kind = match applications::find(conn, user.application).await? {
        Some(application) => application_types::get(conn, user.organization, application.kind).await?,
        None => None,
    };
    if kind.is_some_and(|kind| kind.sign_in == SignIn::Session) {
        return Ok(());
    }
    Err(Error::conflict("Users of this application have no passwords: they do not sign in."))
}

/// Refuses a name that another user of the application has.
pub(super) async fn check_free(conn: &mut Conn, user: &ApiUser) -> Result<(), Error> {
    match api_users::by_name(conn, user.application, &user.user_name.search_form()).await? {
        Some(other) if other.id != user.id => Err(Error::name_taken("user_name", other.id)),
        _ => Ok(()),
    }
}

fn subject(user: &ApiUser) -> Subject {
    let name = Some(user.user_name.to_string());
    Subject { kind: "api_user".to_owned(), id: user.id.to_string(), name }
}

/// The audit entry of a change of a user: the fields that differ.
pub(super) fn note(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    user: &ApiUser,
    before: Option<&ApiUserView>,
    after: Option<&ApiUserView>,
) {
    let audited = |view: Option<&ApiUserView>| view.map(ApiUserView::audited);
    let (before, after) = differing_fields(audited(before), audited(after));
    tx.audit(Chain::Organization(user.organization), ctx.entry(action, subject(user), before, after));
}

/// The audit entry of something else that was done to a user.
pub(super) fn note_done(tx: &mut Tx, ctx: &Ctx, action: &str, user: &ApiUser, after: Option<Value>) {
    tx.audit(Chain::Organization(user.organization), ctx.entry(action, subject(user), None, after));
}

/// Changes one user in one transaction: `edit` changes the record.
pub(super) async fn change<F>(
    manage: &Manage,
    ctx: &Ctx,
    id: String,
    if_match: IfMatch,
    action: &'static str,
    edit: F,
) -> Result<Changed<Recorded>, Error>
where
    F: for<'t> Fn(&'t mut Tx, &'t Ctx, &'t mut ApiUser) -> Work<'t, ()> + Clone + Send + Sync + 'static,
{
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, id, if_match, edit) = (work_ctx.clone(), id.clone(), if_match.clone(), edit.clone());
            Box::pin(async move {
                let before = find(tx, organization, &id).await?;
                if_match.check(before.version)?;
                let mut user = before.clone();
                edit(tx, &ctx, &mut user).await?;
                save(tx, &ctx, action, &before, user).await
            })
        })
        .await
}

/// Writes what changed; nothing if nothing did.
async fn save(tx: &mut Tx, ctx: &Ctx, action: &str, before: &ApiUser, mut user: ApiUser) -> Result<Recorded, Error> {
    let old = view(tx, before).await?;
    if user == *before {
        return Ok(Recorded { user: old, version: user.version });
    }
    user.version += 1;
    user.updated_at = ctx.now;
    api_users::update(tx, &user).await?;
    if user.disabled.is_some() && before.disabled.is_none() {
        api_sessions::end_of_user(tx, user.id, None).await?;
    }
    let new = view(tx, &user).await?;
    note(tx, ctx, action, &user, Some(&old), Some(&new));
    Ok(Recorded { user: new, version: user.version })
}

// === impl Session ===

impl Session {
    /// What the user did in this call, for its history.
    pub(super) fn event(&self, status: &str) -> Event {
        Event {
            id: self.request_id,
            at: self.now,
            status: status.to_owned(),
            ip: self.ip.map(|ip| ip.to_string()),
            agent: self.agent.clone(),
            device: None,
        }
    }

    /// An audit entry of this call, which the session's key has proved.
    pub(super) fn entry(&self, action: &str, user: &ApiUser, after: Option<Value>) -> Entry {
        Entry {
            at: self.now,
            actor: Actor {
                kind: ActorKind::Key,
                id: Some(self.key.to_string()),
                name: Some(user.user_name.to_string()),
            },
            action: action.to_owned(),
            object: subject(user),
            before: None,
            after,
            ip: self.ip.map(|ip| ip.to_string()),
            session: Some(self.id.to_string()),
            request_id: Some(self.request_id.to_string()),
        }
    }

    /// The session and its user as they stand in a transaction; refused where either is gone or out of service.
    pub(super) async fn confirm(&self, conn: &mut Conn) -> Result<(ApiSession, ApiUser), Error> {
        let over = || Error::unauthenticated("The session is over.");
        let session = api_sessions::find(conn, self.id).await?.filter(|session| session.user == self.user);
        let user = api_users::find(conn, self.user).await?.filter(|user| user.disabled.is_none());
        Ok((session.ok_or_else(over)?, user.ok_or_else(over)?))
    }
}
