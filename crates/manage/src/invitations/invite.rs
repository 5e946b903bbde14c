//! Makes the link of a user who has not come, and ends it.

use std::sync::Arc;

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_domain::digest::CredentialKind;
use claviger_domain::link::{Link, LinkKind, generate_link_token};
use claviger_domain::member::Member;
use claviger_domain::{LinkId, OrganizationId, Secret, UserId};
use claviger_store::{Conn, Scope, Tx, links, outbox};
use claviger_texts::Mail;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::wire::{InvitationView, NewInvitation};
use super::{INVITATION_LIFETIME, PATH};
use crate::answer::Answer;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::mail::{self, Draft};
use crate::mandate::roles_of;
use crate::rights::UNKNOWN;
use crate::users::find_member;
use crate::write::Changed;
use crate::{Manage, organizations};

/// Whom to send an invitation anew.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteAgain {
    /// A user who has not come, by id, user name or e-mail address.
    #[schema(example = "bob@example.com")]
    pub user: String,
}

/// A link with its token and its mail, drawn before the transaction.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    link: Link,
    /// Shown where no mail goes.
    shown: Option<Secret>,
    mail: Option<outbox::Waiting>,
}

/// Draws the link of a member.
pub(crate) fn draw(manage: &Manage, ctx: &Ctx, organization_name: &str, member: &Member) -> Result<Drawn, Error> {
    let token = generate_link_token(&*manage.random);
    let digest = manage.keyring.pepper().digest(CredentialKind::LinkToken, token.expose().as_bytes());
    let link = Link {
        id: LinkId::new(ctx.now, &*manage.random),
        kind: LinkKind::Invitation,
        organization: Some(member.organization),
        user: member.user.id,
        digest,
        email: None,
        created_by: ctx.actor.clone(),
        created_at: ctx.now,
        expires_at: ctx.now.saturating_add(INVITATION_LIFETIME),
    };
    let inviter = ctx.actor.name.clone().unwrap_or_else(|| "The operator".to_owned());
    let mail = manage.seal_mail(
        ctx,
        Draft {
            unique_key: mail_key(&link),
            organization: link.organization,
            recipient: member.user.email.clone(),
            language: member.user.language.clone(),
            mail: Mail::Invitation {
                organization: organization_name.to_owned(),
                inviter,
                until: mail::shown(link.expires_at, &member.user.time_zone),
            },
            link: Some((PATH.into(), token.clone())),
            give_up_at: link.expires_at,
        },
    )?;
    let shown = if mail.is_none() { Some(manage.link(PATH, &token)) } else { None };
    Ok(Drawn { link, shown, mail })
}

/// Writes a drawn link in the place of the member's one before, and puts its mail into the outbox.
pub(crate) async fn put(tx: &mut Tx, ctx: &Ctx, drawn: &Drawn, member: &Member) -> Result<NewInvitation, Error> {
    end(tx, member.organization, member.user.id).await?;
    links::put(tx, &drawn.link).await?;
    mail::put(tx, drawn.mail.as_ref()).await?;
    Ok(NewInvitation {
        invitation: InvitationView::load(tx, &drawn.link, member, ctx.now).await?,
        mailed: drawn.mail.is_some(),
        link: drawn.shown.clone(),
    })
}

/// Ends the link of a member, if there is one, and its mail if that waits.
pub(crate) async fn end(tx: &mut Tx, organization: OrganizationId, user: UserId) -> Result<(), Error> {
    if let Some(link) = links::of_user(tx, LinkKind::Invitation, Some(organization), user).await? {
        links::take(tx, link.id).await?;
        outbox::take_back(tx, &mail_key(&link)).await?;
    }
    Ok(())
}

/// Makes a new link for a user who has not come; the one before ends.
pub async fn invite(manage: &Manage, ctx: &Ctx, request: InviteAgain) -> Result<Changed<NewInvitation>, Error> {
    let organization = ctx.organization_with(Authority::UsersManage)?;
    let home = organizations::home(manage, organization).await?;
    let mut snapshot = manage.store.read().await?;
    let member = invited(&mut snapshot, organization, &request.user).await?;
    drop(snapshot);
    let drawn = draw(manage, ctx, home.name.as_str(), &member)?;
    let all = Arc::new((ctx.clone(), member.user.id.to_string(), drawn));
    manage
        .create(
            ctx,
            Scope::Organization(organization),
            move |tx| {
                let all = all.clone();
                Box::pin(async move {
                    let (ctx, user, drawn) = &*all;
                    let member = invited(tx, organization, user).await?;
                    let roles = roles_of(tx, &member).await?;
                    if !roles.is_empty() {
                        ctx.require_step_up()?;
                    }
                    ctx.require_roles(tx, &roles).await?;
                    let made = put(tx, ctx, drawn, &member).await?;
                    note(tx, ctx, "invitation.create", &member, &made.without_link());
                    Ok(made)
                })
            },
            |made| Answer::created(json!(made.without_link())),
        )
        .await
}

/// Ends an invitation. The user stays, and can be invited anew or removed.
pub async fn revoke(manage: &Manage, ctx: &Ctx, id: LinkId) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::UsersManage)?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let ctx = work_ctx.clone();
            Box::pin(async move {
                let nothing = || Error::not_found("invitation");
                let link = links::get(tx, organization, id).await?.ok_or_else(nothing)?;
                let member = claviger_store::members::get(tx, organization, link.user).await?.ok_or_else(nothing)?;
                end(tx, organization, link.user).await?;
                let ended = InvitationView::load(tx, &link, &member, ctx.now).await?;
                note(tx, &ctx, "invitation.revoke", &member, &ended);
                Ok(())
            })
        })
        .await
}

/// The member of this name, who has not come.
async fn invited(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<Member, Error> {
    let unknown = || Error::names_unknown(vec![FieldError::new("user", UNKNOWN)]);
    let member = find_member(conn, organization, name).await?.ok_or_else(unknown)?;
    if member.accepted_at.is_some() {
        return Err(Error::conflict("This user has come already."));
    }
    Ok(member)
}

fn mail_key(link: &Link) -> String {
    format!("invitation {}", link.id)
}

pub(crate) fn note(tx: &mut Tx, ctx: &Ctx, action: &str, member: &Member, shown: &impl serde::Serialize) {
    let subject =
        Subject { kind: "user".to_owned(), id: member.user.id.to_string(), name: Some(member.user.name.to_string()) };
    tx.audit(Chain::Organization(member.organization), ctx.entry(action, subject, None, Some(json!(shown))));
}
