//! Finds the key that a pasted secret belongs to, ended secrets and deleted keys included; a pair by its identifier too.

use claviger_domain::credential::{CREDENTIAL_LENGTH_MAX, Form, form};
use claviger_domain::digest::{CredentialKind, Pepper, sha256_of_text, sha512_of_text};
use claviger_domain::pair::is_identifier;
use claviger_domain::{KeyId, Secret};
use claviger_store::keys::{self, Standing};
use claviger_store::{Conn, key_identifiers};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Need};
use super::record::view;
use super::revoke::digests_of;
use super::wire::KeyView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// What was pasted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The whole secret, or its SHA-256 or SHA-512 in hexadecimal or base64; of a pair the identifier, alone or with `:` and the password.
    #[schema(value_type = String)]
    pub credential: Secret,
}

/// Whose it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Found {
    /// The key; its `state` is `deleted` for a tombstone.
    key: KeyView,
    /// `current`, `overlapping` (the old one of a rotation, still valid) or `ended`.
    standing: &'static str,
}

/// Finds a key of the organization by its secret.
pub async fn lookup(manage: &Manage, ctx: &Ctx, request: Lookup) -> Result<Found, Error> {
    let organization = access::organization(ctx, Need::See)?;
    let text = request.credential.expose().trim();
    match form(text) {
        Form::BadChecksum => return Err(Error::field("credential", "the checksum is wrong: mistyped or cut off")),
        Form::Unfit => {
            return Err(Error::field(
                "credential",
                format!("expected a whole secret of at most {CREDENTIAL_LENGTH_MAX} bytes"),
            ));
        }
        Form::Native | Form::Opaque => {}
    }
    let mut snapshot = manage.store.read().await?;
    let nobody = || Error::not_found("key");
    let (id, standing) = owner_of(&mut snapshot, manage.keyring.pepper(), text).await?.ok_or_else(nobody)?;
    let key = keys::get(&mut snapshot, organization, id).await?.ok_or_else(nobody)?;
    access::check(ctx, &key, Need::See, false)?;
    let overlapping = key.overlap.as_ref().is_some_and(|overlap| ctx.now < overlap.valid_until);
    let standing = match standing {
        _ if key.deleted_at.is_some() => "ended",
        Standing::Current => "current",
        Standing::Overlapping if overlapping => "overlapping",
        Standing::Overlapping | Standing::Ended => "ended",
    };
    Ok(Found { key: view(&mut snapshot, &key, ctx.now).await?, standing })
}

/// The key that a text belongs to, and as what; an identifier counts as long as its key.
async fn owner_of(conn: &mut Conn, pepper: &Pepper, text: &str) -> Result<Option<(KeyId, Standing)>, Error> {
    if is_identifier(text.as_bytes()) {
        let digest = pepper.digest(CredentialKind::PairIdentifier, text.as_bytes());
        if let Some(key) = key_identifiers::by_digest(conn, &digest).await? {
            return Ok(Some((key, Standing::Current)));
        }
    }
    // A hash is what scanners tell of a value without repeating it, and what lists of other systems hold.
    let by_sha256 = sha256_of_text(text).map(|sha256| pepper.digest_of_sha256(CredentialKind::Single, &sha256));
    let by_sha512 = sha512_of_text(text).map(|sha512| pepper.digest_of_sha512(&sha512));
    for digest in digests_of(pepper, text).into_iter().chain(by_sha256).chain(by_sha512) {
        if let Some(found) = keys::by_digest(conn, &digest).await? {
            return Ok(Some((found.key, found.standing)));
        }
    }
    Ok(None)
}
