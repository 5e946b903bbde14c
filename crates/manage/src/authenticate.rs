//! From a request's headers to a [`Ctx`]: a management key, the operator's local token, or a session's cookie.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use claviger_domain::authority::Authorities;
use claviger_domain::digest::{CredentialDigest, CredentialKind};
use claviger_domain::key::{Actor, ActorKind, Owner, State};
use claviger_domain::rules::Rules;
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, OrganizationId, RequestId, Secret};
use claviger_engine::{Caller, Presented};
use claviger_store::{Conn, Page, Scope, organizations};
use http::header::{AUTHORIZATION, USER_AGENT};
use http::request::Parts;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::Manage;
use crate::ctx::{Ctx, CtxSession};
use crate::error::Error;
use crate::idempotency::Attempt;
use crate::request_log::CallActor;
use crate::sign_in::session_ctx;

// === impl FromRequestParts for Ctx ===

impl FromRequestParts<Arc<Manage>> for Ctx {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, manage: &Arc<Manage>) -> Result<Self, Error> {
        let request_id = request_id(parts)?;
        let ip = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical());
        // A header is meant; a cookie comes along by itself.
        let session = if parts.headers.contains_key(AUTHORIZATION) {
            None
        } else {
            session_ctx(manage, parts, ip, request_id).await?
        };
        let mut ctx = match session {
            Some(ctx) => ctx,
            None => bearer_ctx(manage, parts, ip, request_id).await?,
        };
        if let Some(actor) = parts.extensions.get::<CallActor>() {
            actor.set(ctx.actor.kind);
        }
        if let Some(attempt) = parts.extensions.get::<Arc<Attempt>>() {
            attempt.begin(manage, &ctx).await?;
            ctx.attempt = Some(attempt.clone());
        }
        Ok(ctx)
    }
}

/// The caller by the `Authorization` header.
async fn bearer_ctx(manage: &Manage, parts: &Parts, ip: Option<IpAddr>, request_id: RequestId) -> Result<Ctx, Error> {
    let token = bearer_token(parts)?;
    if manage.is_operator_token(&token) {
        return operator_ctx(manage, ip, request_id).await;
    }
    let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    key_ctx(manage, &token, ip, agent, request_id)
}

/// The caller by a management key alone, as whoever is outside may be one.
pub(crate) fn outside_ctx(
    manage: &Manage,
    parts: &Parts,
    ip: Option<IpAddr>,
    request_id: RequestId,
) -> Result<Ctx, Error> {
    let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    key_ctx(manage, &bearer_token(parts)?, ip, agent, request_id)
}

/// The id that the outermost layer gave the request.
pub(crate) fn request_id(parts: &Parts) -> Result<RequestId, Error> {
    parts
        .extensions
        .get()
        .copied()
        .ok_or_else(|| Error::internal("the request has no id: the outermost layer is missing"))
}

fn bearer_token(parts: &Parts) -> Result<Secret, Error> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let value =
        values.next().ok_or_else(|| Error::unauthenticated("Send `Authorization: Bearer` with a management key."))?;
    if values.next().is_some() {
        return Err(Error::unauthenticated("There are several Authorization headers."));
    }
    let expected = || Error::unauthenticated("Expected `Authorization: Bearer` with a management key.");
    let (scheme, token) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(expected)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(expected());
    }
    Ok(Secret::new(token.to_owned()))
}

/// The operator may make organizations, and is the administrator while there is exactly one.
async fn operator_ctx(manage: &Manage, ip: Option<IpAddr>, request_id: RequestId) -> Result<Ctx, Error> {
    let mut ctx = Ctx { ip, ..Ctx::operator(request_id, manage.clock.now()) };
    ctx.organization = only_organization(manage).await?;
    if ctx.organization.is_some() {
        ctx.authorities = ctx.authorities.union(Authorities::ADMIN);
    }
    Ok(ctx)
}

async fn only_organization(manage: &Manage) -> Result<Option<OrganizationId>, Error> {
    let mut snapshot = manage.store.read().await?;
    let first = organizations::list(&mut snapshot, &Page::first(2)).await?;
    match first.items.as_slice() {
        [only] => Ok(Some(only.id)),
        _ => Ok(None),
    }
}

fn key_ctx(
    manage: &Manage,
    token: &Secret,
    ip: Option<IpAddr>,
    agent: Option<&str>,
    request_id: RequestId,
) -> Result<Ctx, Error> {
    let presented = Presented::new().with_credential(token.expose());
    let caller = manage.engine.authenticate(&presented, Caller { ip, agent, request_id }).map_err(refusal)?;
    let user = match caller.owner {
        Owner::User(user) => Some(user),
        Owner::Organization(_) | Owner::Application(_) => None,
    };
    // Who acts through a key of their own acts as who they are; the key stands in the entry's session.
    let actor = match user {
        Some(user) => {
            Actor { kind: ActorKind::User, id: Some(user.to_string()), name: caller.owner_name.map(String::from) }
        }
        None => {
            Actor { kind: ActorKind::Key, id: Some(caller.key.to_string()), name: Some(caller.key_name.to_string()) }
        }
    };
    Ok(Ctx {
        actor,
        organization: Some(caller.organization),
        authorities: caller.authorities,
        user,
        granted: caller.granted,
        credential: Some((
            caller.key,
            manage.keyring.pepper().digest(CredentialKind::Single, token.expose().as_bytes()),
        )),
        session: None,
        ip,
        request_id,
        now: manage.clock.now(),
        attempt: None,
        call: Some(Arc::new(manage.calls.begin(caller.organization)?)),
    })
}

/// What a caller learns: who has proved the secret is known, and may still not be allowed.
fn refusal(code: Code) -> Error {
    match code {
        Code::OperationNotAllowed => {
            Error::forbidden("This key may not use the management API: it holds none of the sets claviger-….")
        }
        Code::IpNotAllowed => Error::forbidden(code.detail()),
        code => Error::unauthenticated(code.detail()),
    }
}

// === impl Ctx (in the transaction) ===

impl Ctx {
    /// Refuses unless the actor may still do what it could when the call began. Calls wait in line for their tenant's
    /// lock: one whose key was ended, rotated out or given less meanwhile must not change anything any more.
    pub(crate) async fn confirm(&self, conn: &mut Conn, scope: Scope) -> Result<(), Error> {
        if let (Some((key, value)), Some(organization)) = (self.credential, self.organization) {
            return self.confirm_key(conn, organization, key, value).await;
        }
        if let (Some(session), Some(organization)) = (&self.session, self.organization) {
            return self.confirm_session(conn, organization, session).await;
        }
        let administers = self.is_operator() && matches!(scope, Scope::Organization(_));
        if administers && organizations::count(conn).await? != 1 {
            return Err(Error::forbidden("There is a second organization now: the operator administers neither."));
        }
        Ok(())
    }

    async fn confirm_session(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
        session: &CtxSession,
    ) -> Result<(), Error> {
        if claviger_store::sessions::get(conn, session.record.id, &session.digest).await?.is_none() {
            return Err(Error::unauthenticated("The session ended meanwhile."));
        }
        let rights = crate::mandate::of_user(conn, organization, session.record.user, self.now).await?;
        if rights.authorities.has_all(self.authorities) {
            return Ok(());
        }
        Err(Error::forbidden("The person was given fewer authorities meanwhile."))
    }

    async fn confirm_key(
        &self,
        conn: &mut Conn,
        organization: OrganizationId,
        key: KeyId,
        value: CredentialDigest,
    ) -> Result<(), Error> {
        let found = claviger_store::keys::get(conn, organization, key).await?;
        let home = organizations::get(conn, organization).await?;
        let rules = home.map(|home| Rules::new(&home.policy, &home.time_zone)).unwrap_or_default();
        let living = found.filter(|key| {
            let overlap = key.overlap.as_ref().filter(|overlap| self.now < overlap.valid_until);
            let accepted = key.secret.digest == value || overlap.is_some_and(|old| old.secret.digest == value);
            // The call itself is a use.
            accepted && key.facts(&rules, Some(self.now)).state(self.now) == State::Active
        });
        let key =
            living.ok_or_else(|| Error::unauthenticated("The management key was taken out of service meanwhile."))?;
        if crate::keys::authorities_held(conn, &key, self.now).await?.has_all(self.authorities) {
            return Ok(());
        }
        Err(Error::forbidden("The management key was given fewer authorities meanwhile."))
    }
}

// === impl Manage ===

impl Manage {
    /// Whether `token` is the local token; compared by SHA-256 in constant time.
    fn is_operator_token(&self, token: &Secret) -> bool {
        let digest: [u8; 32] = Sha256::digest(token.expose().as_bytes()).into();
        self.operator_token_sha256.is_some_and(|known| known.ct_eq(&digest).into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::ErrorCode;
    use crate::testing::{OPERATOR, World};
    use crate::{keys, organizations};

    fn request_id(world: &World) -> RequestId {
        RequestId::new(world.manage.clock.now(), &*world.manage.random)
    }

    fn new_key() -> keys::CreateKey {
        serde_json::from_value(json!({"name": "late", "api_sets": ["claviger-admin"]})).expect("a request")
    }

    #[tokio::test]
    async fn a_call_that_waited_while_its_key_lost_its_rights_changes_nothing() {
        let (world, admin) = World::with_organization().await;
        for (method, action, body, code) in [
            ("POST", "/disable", json!({}), ErrorCode::Unauthenticated),
            ("POST", "/rotate", json!({"overlap_seconds": 0}), ErrorCode::Unauthenticated),
            ("DELETE", "", Value::Null, ErrorCode::Unauthenticated),
            ("PATCH", "", json!({"api_sets": ["claviger-keys-read"]}), ErrorCode::Forbidden),
        ] {
            let (id, secret) = world.key(&admin, &format!("{method} {action}"), &["claviger-admin"]).await;
            let ctx = key_ctx(&world.manage, &Secret::new(secret), None, None, request_id(&world)).expect("a caller");
            let body = Some(body).filter(|body| !body.is_null());
            let done = world.call(method, &admin, &format!("/keys/{id}{action}"), body).await;
            assert!(done.status.is_success(), "{done:?}");
            let late = keys::create(&world.manage, &ctx, new_key()).await.expect_err("the key's rights ended");
            assert_eq!(late.code(), code, "{method} {action}");
        }
    }

    #[tokio::test]
    async fn an_overlap_leaves_calls_with_the_old_secret_in_force() {
        let (world, admin) = World::with_organization().await;
        let (id, secret) = world.key(&admin, "k", &["claviger-admin"]).await;
        let ctx = key_ctx(&world.manage, &Secret::new(secret), None, None, request_id(&world)).expect("a caller");
        world.post(&admin, &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 60})).await;
        assert!(keys::create(&world.manage, &ctx, new_key()).await.is_ok());
    }

    #[tokio::test]
    async fn the_operator_is_no_administrator_once_a_second_organization_came_first() {
        let (world, _) = World::with_organization().await;
        let ctx = operator_ctx(&world.manage, None, request_id(&world)).await.expect("the operator");
        world.post(OPERATOR, "/organizations", json!({"name": "Other", "email": "bob@example.com"})).await;
        let late = keys::create(&world.manage, &ctx, new_key()).await.expect_err("two organizations");
        assert_eq!(late.code(), ErrorCode::Forbidden);
        let third = json!({"name": "Third", "email": "eve@example.com"});
        let third = serde_json::from_value(third).expect("a request");
        assert!(organizations::create(&world.manage, &ctx, third).await.is_ok(), "that is still the operator's");
    }
}
