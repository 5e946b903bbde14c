//! Accepts an invitation: whoever has the link comes as the person who was invited.
//!
//! Nobody becomes another person by it: where somebody is known by the address, only they may accept, and prove who they are.

use std::sync::Arc;

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::digest::{CredentialDigest, CredentialKind};
use claviger_domain::key::Owner;
use claviger_domain::link::{Link, LinkKind, is_link_token};
use claviger_domain::member::{Member, Standing, User};
use claviger_domain::name::Name;
use claviger_domain::password::PasswordHash;
use claviger_domain::{OrganizationId, Secret, Timestamp};
use claviger_store::{Conn, Scope, Tx, keys, links, members, organizations};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::wire::Accepted;
use crate::error::Error;
use crate::visitor::Visitor;
use crate::write::Changed;
use crate::{Manage, passwords};

/// What whoever has a link sends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// The token: what stands behind the `#` of the link.
    #[schema(value_type = String)]
    pub token: Secret,
    /// What others see; as the inviter wrote it if not given. Of a person who is known already nothing changes.
    #[serde(default, deserialize_with = "crate::body::new_name_or_none")]
    #[schema(value_type = Option<String>, example = "Bob")]
    pub name: Option<Name>,
    /// With it they sign in from now on: 12 to 256 characters, none that is quickly guessed. Of a person who is known already
    /// nothing changes.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 12, max_length = 256)]
    pub password: Option<Secret>,
}

/// Accepts the invitation of `request.token`.
pub async fn accept(manage: &Manage, visitor: &Visitor, request: Accept) -> Result<Changed<Accepted>, Error> {
    if !is_link_token(request.token.expose()) {
        return Err(Error::unknown_link());
    }
    let digest = manage.keyring.pepper().digest(CredentialKind::LinkToken, request.token.expose().as_bytes());
    let mut snapshot = manage.store.read().await?;
    let (link, organization) = valid(&mut snapshot, &digest, visitor.now).await?;
    let member = members::get(&mut snapshot, organization, link.user).await?.ok_or_else(Error::unknown_link)?;
    let is_known = members::known_user(&mut snapshot, &member.user.email).await?.is_some();
    drop(snapshot);
    let hash = match request.password.filter(|_| !is_known) {
        None => None,
        Some(text) => {
            let name = request.name.as_ref().unwrap_or(&member.user.name);
            let own = [name.as_str(), member.user.email.as_str(), member.username.as_str()];
            let password = passwords::chosen("password", &text, &own)?;
            Some(manage.passwords.hash(password, &*manage.random).await?)
        }
    };
    let all = Arc::new((visitor.clone(), request.name, hash, digest));
    let committed = manage
        .store
        .write(Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (visitor, name, hash, digest) = &*all;
                if let Some(ctx) = visitor.known.as_ref().filter(|ctx| ctx.user.is_some()) {
                    ctx.confirm(tx, Scope::Organization(organization)).await?;
                }
                come(tx, visitor, name.clone(), hash.as_ref(), digest).await
            })
        })
        .await?;
    manage.in_force(committed).await
}

/// The link of this token and its organization, while it works.
async fn valid(conn: &mut Conn, digest: &CredentialDigest, now: Timestamp) -> Result<(Link, OrganizationId), Error> {
    let found = links::by_digest(conn, LinkKind::Invitation, digest).await?;
    let link = found.filter(|link| now < link.expires_at).ok_or_else(Error::unknown_link)?;
    let organization = link.organization.ok_or_else(Error::unknown_link)?;
    Ok((link, organization))
}

#[allow(clippy::single_match_else, reason = "two ways of the same weight")]
async fn come(
    tx: &mut Tx,
    visitor: &Visitor,
    name: Option<Name>,
    hash: Option<&PasswordHash>,
    digest: &CredentialDigest,
) -> Result<Accepted, Error> {
    let (link, organization) = valid(tx, digest, visitor.now).await?;
    let before = members::get(tx, organization, link.user).await?.ok_or_else(Error::unknown_link)?;
    if before.accepted_at.is_some() || before.standing(visitor.now) != Standing::InService {
        return Err(Error::unknown_link());
    }
    let mut member = before.clone();
    member.accepted_at = Some(visitor.now);
    (member.version, member.updated_at) = (before.version + 1, visitor.now);
    match members::known_user(tx, &before.user.email).await? {
        Some(known) => {
            require_person(visitor, &known)?;
            member.user = known;
            join(tx, &before, &member).await?;
        }
        None => {
            if visitor.known.as_ref().is_some_and(|ctx| ctx.user.is_some()) {
                return Err(Error::conflict(
                    "This invitation is for another address than yours: sign out, or send it without Authorization, to come as that person.",
                ));
            }
            member.user.name = name.unwrap_or(member.user.name);
            links::take(tx, link.id).await?;
            members::update(tx, &member).await?;
            if let Some(hash) = hash {
                claviger_store::passwords::set(tx, member.user.id, hash, visitor.now).await?;
            }
        }
    }
    note(tx, visitor, &before, &member);
    let home = organizations::get(tx, organization).await?.ok_or_else(Error::unknown_link)?;
    Ok(Accepted {
        organization: organization.to_string(),
        organization_name: home.name.to_string(),
        user: member.user.id.to_string(),
        email: member.user.email.to_string(),
    })
}

fn require_person(visitor: &Visitor, known: &User) -> Result<(), Error> {
    match visitor.known.as_ref().and_then(|ctx| ctx.user) {
        Some(user) if user == known.id => Ok(()),
        Some(_) => Err(Error::forbidden("This invitation is for somebody else.")),
        None => Err(Error::unauthenticated(
            "You are known by this address already: sign in, or prove who you are by `Authorization: Bearer` with a key of \
             yours.",
        )),
    }
}

/// The person who is known takes the place of the record that was made for the invitation.
async fn join(tx: &mut Tx, before: &Member, member: &Member) -> Result<(), Error> {
    if keys::count_of_owner(tx, before.organization, &Owner::User(before.user.id), 1).await? > 0 {
        return Err(Error::conflict(
            "Keys were made for you before you came: an administrator has to end them before you can join.",
        ));
    }
    // The link goes with the membership.
    members::delete(tx, before.organization, before.user.id).await?;
    members::insert(tx, member).await?;
    Ok(())
}

fn note(tx: &mut Tx, visitor: &Visitor, before: &Member, member: &Member) {
    let ctx = visitor.as_person(&member.user);
    let subject =
        Subject { kind: "user".to_owned(), id: member.user.id.to_string(), name: Some(member.user.name.to_string()) };
    let state =
        |member: &Member| json!({"user": member.user.id, "name": member.user.name, "accepted_at": member.accepted_at});
    let entry = ctx.entry("invitation.accept", subject, Some(state(before)), Some(state(member)));
    tx.audit(Chain::Organization(member.organization), entry);
}
