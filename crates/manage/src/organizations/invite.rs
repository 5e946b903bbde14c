//! Invites the first administrator of an organization anew, for as long as nobody has come: afterwards they invite others.

use std::sync::Arc;

use claviger_domain::OrganizationId;
use claviger_domain::authority::Authority;
use claviger_domain::email::Email;
use claviger_domain::member::Member;
use claviger_domain::role::Role;
use claviger_store::{Conn, Scope, members};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::home;
use crate::Manage;
use crate::answer::Answer;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::invitations::{self, NewInvitation};
use crate::write::Changed;

/// Whom to invite.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteFirst {
    /// The first administrator's address, in the place of the one before.
    #[schema(value_type = String, example = "ann@example.com")]
    pub email: Email,
}

/// Makes a new link for the first administrator; the one before ends.
pub async fn invite(
    manage: &Manage,
    ctx: &Ctx,
    id: OrganizationId,
    request: InviteFirst,
) -> Result<Changed<NewInvitation>, Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    let home = home(manage, id).await?;
    let mut member = first_member(&mut *manage.store.read().await?, id).await?;
    member.user.email = request.email.clone();
    let drawn = invitations::draw(manage, ctx, home.name.as_str(), &member)?;
    let all = Arc::new((ctx.clone(), drawn, request.email));
    manage
        .create(
            ctx,
            Scope::Installation,
            move |tx| {
                let all = Arc::clone(&all);
                Box::pin(async move {
                    let mut member = first_member(tx, id).await?;
                    if member.user.email != all.2 {
                        member.user.email = all.2.clone();
                        (member.version, member.updated_at) = (member.version + 1, all.0.now);
                        members::update(tx, &member).await?;
                    }
                    let made = invitations::put(tx, &all.0, &all.1, &member).await?;
                    invitations::note(tx, &all.0, "invitation.create", &member, &made.without_link());
                    Ok(made)
                })
            },
            |made| Answer::created(json!(made.without_link())),
        )
        .await
}

/// The one who is to come, while nobody has: what the operator knows of an organization's people is the address it gave itself.
async fn first_member(conn: &mut Conn, organization: OrganizationId) -> Result<Member, Error> {
    let admins = members::with_role(conn, organization, Role::admin_id(organization)).await?;
    let is_founded = admins.iter().any(|member| member.accepted_at.is_some());
    let first = admins.into_iter().min_by_key(|member| member.created_at).filter(|_| !is_founded);
    first.ok_or_else(|| Error::conflict("Somebody has come to this organization: its administrators invite others."))
}
