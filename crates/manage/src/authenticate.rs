//! From a request's headers to a [`Ctx`]: a management key, or the operator's local token.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use claviger_domain::authority::Authorities;
use claviger_domain::key::{Actor, ActorKind};
use claviger_domain::verdict::Code;
use claviger_domain::{OrganizationId, RequestId, Secret};
use claviger_engine::{Caller, Presented};
use claviger_store::{Page, organizations};
use http::header::{AUTHORIZATION, USER_AGENT};
use http::request::Parts;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

// === impl FromRequestParts for Ctx ===

impl FromRequestParts<Arc<Manage>> for Ctx {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, manage: &Arc<Manage>) -> Result<Self, Error> {
        let request_id = request_id(parts)?;
        let ip = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical());
        let token = bearer_token(parts)?;
        if manage.is_operator_token(&token) {
            return operator_ctx(manage, ip, request_id).await;
        }
        let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        key_ctx(manage, &token, ip, agent, request_id)
    }
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
    Ok(Ctx {
        actor: Actor {
            kind: ActorKind::Key,
            id: Some(caller.key.to_string()),
            name: Some(caller.key_name.to_string()),
        },
        organization: Some(caller.organization),
        authorities: caller.authorities,
        ip,
        request_id,
        now: manage.clock.now(),
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

// === impl Manage ===

impl Manage {
    /// Whether `token` is the local token; compared by SHA-256 in constant time.
    fn is_operator_token(&self, token: &Secret) -> bool {
        let digest: [u8; 32] = Sha256::digest(token.expose().as_bytes()).into();
        self.operator_token_sha256.is_some_and(|known| known.ct_eq(&digest).into())
    }
}
