//! Makes another organization: the operator's.

use claviger_domain::Secret;
use claviger_domain::authority::Authority;
use claviger_domain::email::Email;
use claviger_domain::name::{Name, Slug};
use claviger_store::{Scope, organizations};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::found::{Founder, Founding};
use super::wire::OrganizationView;
use crate::Manage;
use crate::answer::Answer;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::expose;
use crate::write::Changed;

/// An organization to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateOrganization {
    /// Unique in the installation; made from the name if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub slug: Option<Slug>,
    /// What people call it.
    #[schema(value_type = String)]
    #[serde(deserialize_with = "crate::body::new_name")]
    pub name: Name,
    /// The first member's address.
    #[schema(value_type = String, example = "ann@example.com")]
    pub email: Email,
}

/// A new organization, and the secret of its first key.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewOrganization {
    /// The organization.
    pub organization: OrganizationView,
    /// The secret of its key `setup`, which administers it; it cannot be shown again.
    #[serde(serialize_with = "expose")]
    #[schema(value_type = String)]
    pub token: Secret,
    /// What changes for others.
    pub warnings: Vec<String>,
}

/// Makes an organization with its first member, APIs, sets and key. The first one is the default.
pub async fn create(
    manage: &Manage,
    ctx: &Ctx,
    request: CreateOrganization,
) -> Result<Changed<NewOrganization>, Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    let slug = request.slug.unwrap_or_else(|| Slug::from_name(request.name.as_str(), "organization"));
    let founder = Founder { name: request.name, slug, email: request.email };
    let (founding, token) = Founding::draw(ctx, founder, false, &manage.keyring, &*manage.random);
    let work_ctx = ctx.clone();
    let tokenless_calls = manage.engine.tokenless_calls_in_last_hour();
    let warnings = move |others| warnings(others, tokenless_calls);
    let changed = manage
        .create(
            ctx,
            Scope::Installation,
            move |tx| {
                let (ctx, mut founding) = (work_ctx.clone(), founding.clone());
                Box::pin(async move {
                    let others = organizations::count(tx).await?;
                    founding.organization.is_default = others == 0;
                    if let Some(other) = organizations::by_slug(tx, &founding.organization.slug).await? {
                        return Err(Error::name_taken("slug", other.id));
                    }
                    founding.insert(tx, &ctx).await?;
                    Ok((OrganizationView::from(&founding.organization), others))
                })
            },
            move |(organization, others)| {
                Answer::created(json!({"organization": organization, "token": null, "warnings": warnings(*others)}))
            },
        )
        .await?;
    Ok(changed.map(|(organization, others)| NewOrganization { organization, token, warnings: warnings(others) }))
}

/// With a second organization a door call without a token could be anybody's.
fn warnings(others: i64, tokenless_calls: u64) -> Vec<String> {
    if others != 1 {
        return Vec::new();
    }
    vec![format!(
        "There is more than one organization now: door calls without a door token (X-Claviger-Door) are refused. \
         Give each gateway a key with the set claviger-verify. Door calls without a token in the last hour, at this \
         node: {tokenless_calls}."
    )]
}
