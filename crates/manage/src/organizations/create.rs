//! Makes another organization and the invitation of its first administrator: the operator's, who gets no key of it.

use std::sync::Arc;

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
use crate::invitations::{self, NewInvitation};
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
    /// The first administrator's address: an invitation goes there.
    #[schema(value_type = String, example = "ann@example.com")]
    pub email: Email,
}

/// A new organization, and the invitation of its first administrator.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewOrganization {
    /// The organization.
    pub organization: OrganizationView,
    /// The invitation.
    pub invitation: NewInvitation,
    /// What changes for others.
    pub warnings: Vec<String>,
}

/// Makes an organization with its APIs and sets, and invites its first administrator. The first one is the default.
pub async fn create(
    manage: &Manage,
    ctx: &Ctx,
    request: CreateOrganization,
) -> Result<Changed<NewOrganization>, Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    let slug = request.slug.unwrap_or_else(|| Slug::from_name(request.name.as_str(), "organization"));
    let founder = Founder { name: request.name, slug, email: request.email };
    let founding = Founding::draw(ctx, founder, false, &*manage.random);
    let drawn = invitations::draw(manage, ctx, founding.organization.name.as_str(), &founding.member)?;
    let all = Arc::new((ctx.clone(), founding, drawn));
    let tokenless_calls = manage.engine.tokenless_calls_in_last_hour();
    let warnings = move |others| warnings(others, tokenless_calls);
    let changed = manage
        .create(
            ctx,
            Scope::Installation,
            move |tx| {
                let all = Arc::clone(&all);
                Box::pin(async move {
                    let (ctx, mut founding, drawn) = (&all.0, all.1.clone(), &all.2);
                    let others = organizations::count(tx).await?;
                    founding.organization.is_default = others == 0;
                    if let Some(other) = organizations::by_slug(tx, &founding.organization.slug).await? {
                        return Err(Error::name_taken("slug", other.id));
                    }
                    founding.insert(tx, ctx).await?;
                    let invitation = invitations::put(tx, ctx, drawn, &founding.member).await?;
                    invitations::note(tx, ctx, "invitation.create", &founding.member, &invitation.without_link());
                    Ok((OrganizationView::from(&founding.organization), invitation, others))
                })
            },
            move |(organization, invitation, others)| {
                let (invitation, warnings) = (invitation.without_link(), warnings(*others));
                Answer::created(json!({"organization": organization, "invitation": invitation, "warnings": warnings}))
            },
        )
        .await?;
    Ok(changed.map(|(organization, invitation, others)| NewOrganization {
        organization,
        invitation,
        warnings: warnings(others),
    }))
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
