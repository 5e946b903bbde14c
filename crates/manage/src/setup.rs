//! The first step: an organization with its administrator's key. Without HTTP it works on the store alone.

use std::sync::Arc;

use axum::extract::State;
use claviger_domain::authority::Authority;
use claviger_domain::email::Email;
use claviger_domain::keyring::Keyring;
use claviger_domain::name::{Name, Slug};
use claviger_domain::{Random, Secret};
use claviger_store::{Committed, Scope, Store, organizations};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Manage;
use crate::answer::Answer;
use crate::body::{JsonBody, Waiting};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::idempotency;
use crate::keys::expose;
use crate::organizations::{Founder, Founding};

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
}

/// What the first step made.
#[derive(Debug, Serialize, ToSchema)]
pub struct SetUpDone {
    /// The organization's id.
    pub organization: String,
    /// The administrator's id.
    pub user: String,
    /// A management key with the administrator's authorities; it cannot be shown again.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub token: Secret,
}

/// Makes the first organization, which is the default one; 409 once there is one.
pub async fn set_up(
    store: &Store,
    keyring: &Keyring,
    random: &dyn Random,
    ctx: &Ctx,
    request: SetUp,
) -> Result<Committed<SetUpDone>, Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    let slug = Slug::from_name(request.organization.as_str(), "organization");
    let founder = Founder { name: request.organization, slug, email: request.email };
    let (founding, token) = Founding::draw(ctx, founder, true, keyring, random);
    let (organization, ctx) = (founding.organization.id.to_string(), ctx.clone());
    let committed = store
        .write(Scope::Installation, move |tx| {
            let (ctx, founding) = (ctx.clone(), founding.clone());
            Box::pin(async move {
                idempotency::look(tx, &ctx).await?;
                if organizations::count(tx).await? > 0 {
                    return Err(Error::conflict("There is an organization already; setup makes the first one only."));
                }
                let user = founding.insert(tx, &ctx).await?;
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

/// Makes the first organization, its administrator and a management token (the operator's).
#[utoipa::path(post, path = "/setup", operation_id = "setup", tag = "setup", request_body = SetUp,
    responses((status = 201, body = SetUpDone), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn setup(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    JsonBody(request): JsonBody<SetUp>,
) -> Result<Answer<SetUpDone>, Error> {
    let done = set_up(&manage.store, &manage.keyring, &*manage.random, &ctx, request).await?;
    let done = manage.in_force(done).await?;
    Answer::created(done.value).settled_with_secret(&manage, done.position, Waiting::default()).await
}
