//! A new address: a link goes there, and with it the person is known by that address.

use std::sync::Arc;

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::digest::{CredentialDigest, CredentialKind};
use claviger_domain::email::Email;
use claviger_domain::link::{Link, LinkKind, generate_link_token, is_link_token};
use claviger_domain::member::Member;
use claviger_domain::{LinkId, Secret, Timestamp, UserId};
use claviger_store::{Conn, Scope, Tx, links, members, outbox};
use claviger_texts::Mail;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{ADDRESS_LIFETIME, PATH};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mail::{self, Draft, Pace};
use crate::password_resets::places;
use crate::visitor::Visitor;
use crate::write::Changed;

/// A link to a new address with its mail, drawn before the transaction.
#[derive(Debug)]
pub(super) struct Drawn {
    link: Link,
    email: Email,
    mail: outbox::Waiting,
    pace: Pace,
}

/// What whoever has a link sends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmAddress {
    /// The token: what stands behind the `#` of the link.
    #[schema(value_type = String)]
    pub token: Secret,
}

/// Draws the link of a person to a new address.
pub(super) fn draw(manage: &Manage, ctx: &Ctx, member: &Member, email: &Email) -> Result<Drawn, Error> {
    // By the address one gets another password: no key is a way to it.
    ctx.console_session()?;
    ctx.require_step_up()?;
    let token = generate_link_token(&*manage.random);
    let link = Link {
        id: LinkId::new(ctx.now, &*manage.random),
        kind: LinkKind::NewAddress,
        organization: None,
        user: member.user.id,
        digest: manage.keyring.pepper().digest(CredentialKind::LinkToken, token.expose().as_bytes()),
        email: Some(email.clone()),
        created_by: ctx.actor.clone(),
        created_at: ctx.now,
        expires_at: ctx.now.saturating_add(ADDRESS_LIFETIME),
    };
    let mail = manage.seal_mail(
        ctx,
        Draft {
            unique_key: String::new(),
            organization: None,
            recipient: email.clone(),
            language: member.user.language.clone(),
            mail: Mail::NewAddress {
                name: member.user.name.to_string(),
                until: mail::shown(link.expires_at, &member.user.time_zone),
            },
            link: Some((PATH.into(), token)),
            give_up_at: link.expires_at,
        },
    )?;
    let no_mail = || Error::conflict("This installation sends no mail: an administrator has to change your address.");
    let pace = Pace::new("new-address", member.user.id, ctx.now);
    Ok(Drawn { link, email: email.clone(), mail: mail.ok_or_else(no_mail)?, pace })
}

/// Ends what links to the mailbox of a person who gets another one could do.
pub(crate) async fn forget_links(tx: &mut Tx, user: UserId) -> Result<(), Error> {
    links::end(tx, LinkKind::PasswordReset, None, user).await?;
    links::end(tx, LinkKind::NewAddress, None, user).await?;
    Ok(())
}

/// Gives the person of `request.token` the address that it went to.
pub async fn confirm(manage: &Manage, visitor: &Visitor, request: ConfirmAddress) -> Result<Changed<()>, Error> {
    if !is_link_token(request.token.expose()) {
        return Err(Error::unknown_link());
    }
    let digest = manage.keyring.pepper().digest(CredentialKind::LinkToken, request.token.expose().as_bytes());
    let mut snapshot = manage.store.read().await?;
    let (link, email) = valid(&mut snapshot, &digest, visitor.now).await?;
    let places = places(&mut snapshot, link.user, visitor.now).await?;
    drop(snapshot);
    let first = places.first().ok_or_else(Error::unknown_link)?;
    let (organization, user) = (first.organization, &first.user);
    let ctx = visitor.as_person(user);
    let told = Mail::AddressChanged { address: email.to_string(), at: mail::shown(ctx.now, &user.time_zone) };
    let notice = manage.notice(&ctx, user, format!("address-changed {}", link.id), told)?;
    let all = Arc::new((ctx, digest, notice));
    let committed = manage
        .store
        .write(Scope::Organization(organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move { set(tx, &all.0, &all.1, all.2.as_ref()).await })
        })
        .await?;
    manage.in_force(committed).await
}

/// The link of this token while it works, and the address that it went to.
async fn valid(conn: &mut Conn, digest: &CredentialDigest, now: Timestamp) -> Result<(Link, Email), Error> {
    let found = links::by_digest(conn, LinkKind::NewAddress, digest).await?;
    let link = found.filter(|link| now < link.expires_at).ok_or_else(Error::unknown_link)?;
    let email = link.email.clone().ok_or_else(Error::unknown_link)?;
    Ok((link, email))
}

async fn set(tx: &mut Tx, ctx: &Ctx, digest: &CredentialDigest, notice: Option<&outbox::Waiting>) -> Result<(), Error> {
    let (link, email) = valid(tx, digest, ctx.now).await?;
    let places = places(tx, link.user, ctx.now).await?;
    let mut member = places.first().cloned().ok_or_else(Error::unknown_link)?;
    let before = member.user.email.clone();
    for place in members::of_user(tx, link.user).await? {
        // Said to who has the mailbox, and to nobody else.
        let holders = [
            members::known_user(tx, &email).await?.map(|user| user.id),
            members::by_email(tx, place.organization, &email).await?.map(|other| other.user.id),
        ];
        if holders.into_iter().flatten().any(|holder| holder != link.user) {
            return Err(Error::conflict("Somebody else is known or invited by this address."));
        }
    }
    if !links::take(tx, link.id).await? {
        return Err(Error::unknown_link());
    }
    forget_links(tx, link.user).await?;
    member.user.email = email.clone();
    (member.version, member.updated_at) = (member.version + 1, ctx.now);
    members::update(tx, &member).await?;
    mail::put(tx, notice).await?;
    for place in &places {
        let subject =
            Subject { kind: "user".to_owned(), id: link.user.to_string(), name: Some(member.user.name.to_string()) };
        let (old, new) = (json!({ "email": before }), json!({ "email": email }));
        tx.audit(
            Chain::Organization(place.organization),
            ctx.entry("user.change_email", subject, Some(old), Some(new)),
        );
    }
    Ok(())
}

// === impl Drawn ===

impl Drawn {
    pub(super) fn email(&self) -> &Email {
        &self.email
    }

    /// Puts link and mail in, unless the person has had their share of mails.
    pub(super) async fn write(&self, tx: &mut Tx, ctx: &Ctx, member: &Member) -> Result<(), Error> {
        let before = outbox::put_in_at(tx, self.pace.keys()).await?;
        let key = self.pace.next(&before, ctx.now).map_err(Error::too_many_attempts)?;
        outbox::put(tx, &outbox::Waiting { unique_key: key.to_owned(), ..self.mail.clone() }).await?;
        links::put(tx, &self.link).await?;
        let name = Some(member.user.name.to_string());
        let subject = Subject { kind: "user".to_owned(), id: member.user.id.to_string(), name };
        let after = json!({ "email": self.email });
        tx.audit(Chain::Organization(member.organization), ctx.entry("user.ask_for_email", subject, None, Some(after)));
        Ok(())
    }
}
