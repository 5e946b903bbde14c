//! The first step: an organization with its administrator's key. Without HTTP it works on the store alone.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, State};
use claviger_domain::authority::Authority;
use claviger_domain::email::Email;
use claviger_domain::keyring::Keyring;
use claviger_domain::name::{Name, Slug};
use claviger_domain::{Random, Secret};
use claviger_store::{Committed, Scope, Store, organizations};
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Manage;
use crate::answer::Answer;
use crate::authenticate::request_id;
use crate::body::{JsonBody, Waiting};
use crate::ctx::Ctx;
use crate::error::{Error, FieldError, Problem};
use crate::idempotency;
use crate::keys::expose_some;
use crate::organizations::{Founder, Founding};
use crate::passwords::{Passwords, chosen};

/// What the first step asks.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    /// What people call the organization; its slug is made from it.
    #[schema(value_type = String, example = "Example")]
    #[serde(deserialize_with = "crate::body::new_name")]
    pub organization: Name,
    /// The administrator's address.
    #[schema(value_type = String, example = "ann@example.com")]
    pub email: Email,
    /// The administrator's password for the console; without one the key that is answered is the only way in.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1024)]
    pub password: Option<Secret>,
    /// Whether a management key with the administrator's authorities is made, whose secret is answered once. Without one there
    /// has to be a password.
    #[serde(default = "yes")]
    pub management_key: bool,
}

fn yes() -> bool {
    true
}

/// What the first step made.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetUpDone {
    /// The organization's id.
    pub organization: String,
    /// The administrator's id.
    pub user: String,
    /// A management key with the administrator's authorities, where one was asked for; it cannot be shown again.
    #[serde(serialize_with = "expose_some")]
    #[schema(value_type = Option<String>)]
    pub token: Option<Secret>,
}

/// Whoever may make the first step: the operator, or who has the link that the first start printed.
struct SetUpCaller(Ctx);

/// Makes the first organization, which is the default one; 409 once there is one.
pub async fn set_up(
    store: &Store,
    keyring: &Keyring,
    passwords: &Passwords,
    random: &dyn Random,
    ctx: &Ctx,
    request: SetUp,
) -> Result<Committed<SetUpDone>, Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    if request.password.is_none() && !request.management_key {
        return Err(Error::invalid(vec![FieldError::new(
            "password",
            "needed where no management key is made: nobody could get in",
        )]));
    }
    let hash = match &request.password {
        None => None,
        Some(text) => {
            let own = [request.organization.as_str(), request.email.as_str()];
            Some(passwords.hash(chosen("password", text, &own)?, random).await?)
        }
    };
    let slug = Slug::from_name(request.organization.as_str(), "organization");
    let founder = Founder { name: request.organization, slug, email: request.email };
    let founding = Founding::draw(ctx, founder, true, random).with_first_member_there(ctx);
    let (founding, token) =
        if request.management_key { founding.with_first_key(ctx, keyring, random) } else { (founding, None) };
    let (organization, ctx) = (founding.organization.id.to_string(), ctx.clone());
    let committed = store
        .write(Scope::Installation, move |tx| {
            let (ctx, founding, hash) = (ctx.clone(), founding.clone(), hash.clone());
            Box::pin(async move {
                idempotency::look(tx, &ctx).await?;
                if organizations::count(tx).await? > 0 {
                    return Err(Error::conflict("There is an organization already; setup makes the first one only."));
                }
                let user = founding.insert(tx, &ctx).await?;
                if let Some(hash) = &hash {
                    claviger_store::passwords::set(tx, user, hash, ctx.now).await?;
                }
                let answer = json!({"organization": founding.organization.id, "user": user, "token": null});
                idempotency::keep(tx, &ctx, Scope::Installation, Answer::created(answer)).await?;
                Ok(user)
            })
        })
        .await?;
    let user = committed.value.to_string();
    Ok(Committed { value: SetUpDone { organization, user, token }, position: committed.position })
}

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(setup))
}

/// Makes the first organization, its administrator and a management token: for the operator, and by the token of the link that
/// the first start prints.
#[utoipa::path(post, path = "/setup", operation_id = "setup", tag = "setup", request_body = SetUp,
    responses((status = 201, body = SetUpDone), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn setup(
    State(manage): State<Arc<Manage>>,
    SetUpCaller(ctx): SetUpCaller,
    JsonBody(request): JsonBody<SetUp>,
) -> Result<Answer<SetUpDone>, Error> {
    let Manage { store, keyring, passwords, random, .. } = &*manage;
    let done = set_up(store, keyring, passwords, &**random, &ctx, request).await?;
    let done = manage.in_force(done).await?;
    Answer::created(done.value).settled_with_secret(&manage, done.position, Waiting::default()).await
}

impl FromRequestParts<Arc<Manage>> for SetUpCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, manage: &Arc<Manage>) -> Result<Self, Error> {
        if !holds_link(manage, parts) {
            return Ok(Self(Ctx::from_request_parts(parts, manage).await?));
        }
        let ip = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical());
        Ok(Self(Ctx { ip, ..Ctx::operator(request_id(parts)?, manage.clock.now()) }))
    }
}

/// Whether the caller bears the token of the set-up link; compared by SHA-256 in constant time.
fn holds_link(manage: &Manage, parts: &Parts) -> bool {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some(token) = value.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")) else { return false };
    let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    manage.setup_token_sha256.is_some_and(|known| known.ct_eq(&digest).into())
}
