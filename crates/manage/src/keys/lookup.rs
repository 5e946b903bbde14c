//! Finds the key that a pasted secret belongs to, ended secrets and deleted keys included.

use claviger_domain::Secret;
use claviger_domain::authority::Authority;
use claviger_domain::credential::{CREDENTIAL_LENGTH_MAX, Form, form};
use claviger_domain::digest::CredentialKind;
use claviger_store::keys::{self, Standing};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record::view;
use super::wire::KeyView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// A pasted secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// The whole secret.
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
    let organization = ctx.organization_with(Authority::KeysRead)?;
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
    let digest = manage.keyring.pepper().digest(CredentialKind::Single, text.as_bytes());
    let mut snapshot = manage.store.read().await?;
    let nobody = || Error::not_found("key");
    let found = keys::by_digest(&mut snapshot, &digest).await?.ok_or_else(nobody)?;
    let key = keys::get(&mut snapshot, organization, found.key).await?.ok_or_else(nobody)?;
    let overlapping = key.overlap.as_ref().is_some_and(|overlap| ctx.now < overlap.valid_until);
    let standing = match found.standing {
        _ if key.deleted_at.is_some() => "ended",
        Standing::Current => "current",
        Standing::Overlapping if overlapping => "overlapping",
        Standing::Overlapping | Standing::Ended => "ended",
    };
    Ok(Found { key: view(&mut snapshot, &key, ctx.now).await?, standing })
}
