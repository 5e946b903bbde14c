//! Whoever has the link chooses the password; all sessions of the person end with the one before.

use std::sync::Arc;

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::digest::{CredentialDigest, CredentialKind};
use claviger_domain::link::{Link, LinkKind, is_link_token};
use claviger_domain::password::PasswordHash;
use claviger_domain::{Secret, Timestamp};
use claviger_store::{Conn, Scope, Tx, links, outbox, sessions};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::places;
use crate::error::Error;
use crate::mail;
use crate::visitor::Visitor;
use crate::{Manage, passwords};

/// What whoever has a link sends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChooseByLink {
    /// The token: what stands behind the `#` of the link.
    #[schema(value_type = String)]
    pub token: Secret,
    /// The new password: 12 to 256 characters, none that is quickly guessed.
    #[schema(value_type = String, min_length = 12, max_length = 256)]
    pub password: Secret,
}

/// Gives the person of `request.token` this password.
pub async fn choose(manage: &Manage, visitor: &Visitor, request: ChooseByLink) -> Result<(), Error> {
    if !is_link_token(request.token.expose()) {
        return Err(Error::unknown_link());
    }
    let digest = manage.keyring.pepper().digest(CredentialKind::LinkToken, request.token.expose().as_bytes());
    let mut snapshot = manage.store.read().await?;
    let link = valid(&mut snapshot, &digest, visitor.now).await?;
    let places = places(&mut snapshot, link.user, visitor.now).await?;
    drop(snapshot);
    let user = places.first().map(|place| place.user.clone()).ok_or_else(Error::unknown_link)?;
    let mut own = vec![user.name.as_str(), user.email.as_str()];
    own.extend(places.iter().map(|place| place.username.as_str()));
    let password = passwords::chosen("password", &request.password, &own)?;
    let hash = manage.passwords.hash(password, &*manage.random).await?;
    let ctx = visitor.as_person(&user);
    let notice = manage.password_changed(&ctx, &user, &link.id.to_string())?;
    let all = Arc::new((visitor.clone(), digest, hash, notice));
    manage
        .store
        .write(Scope::Installation, move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move { set(tx, &all.0, &all.1, &all.2, all.3.as_ref()).await })
        })
        .await?;
    Ok(())
}

/// The link of this token, while it works.
async fn valid(conn: &mut Conn, digest: &CredentialDigest, now: Timestamp) -> Result<Link, Error> {
    let found = links::by_digest(conn, LinkKind::PasswordReset, digest).await?;
    found.filter(|link| now < link.expires_at).ok_or_else(Error::unknown_link)
}

async fn set(
    tx: &mut Tx,
    visitor: &Visitor,
    digest: &CredentialDigest,
    hash: &PasswordHash,
    notice: Option<&outbox::Waiting>,
) -> Result<(), Error> {
    let link = valid(tx, digest, visitor.now).await?;
    // The person may have been taken out of service while the hash was computed.
    let places = places(tx, link.user, visitor.now).await?;
    let user = places.first().map(|place| place.user.clone()).ok_or_else(Error::unknown_link)?;
    if !links::take(tx, link.id).await? {
        return Err(Error::unknown_link());
    }
    claviger_store::passwords::set(tx, user.id, hash, visitor.now).await?;
    let ended = sessions::end_others(tx, user.id, None).await?;
    mail::put(tx, notice).await?;
    let ctx = visitor.as_person(&user);
    for place in &places {
        let subject = Subject { kind: "user".to_owned(), id: user.id.to_string(), name: Some(user.name.to_string()) };
        let after = json!({"sessions_ended": ended});
        let entry = ctx.entry("user.reset_password", subject, None, Some(after));
        tx.audit(Chain::Organization(place.organization), entry);
    }
    Ok(())
}
