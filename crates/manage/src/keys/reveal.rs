//! Shows the secret of a recoverable key again.

use claviger_domain::authority::Authority;
use claviger_domain::key::Shape;
use claviger_domain::sealing::{SealedField, SealedPlace};
use claviger_domain::{KeyId, Secret};
use claviger_store::{Scope, Tx, key_reveals};

use super::record::{find_visible, note, view};
use super::value::Issued;
use super::wire::{KeyView, KeyWithSecret};
use super::{access, grants};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// The current secret of a recoverable key, with an audit entry; 409 for a pair, and for a key whose secret was shown once.
pub async fn reveal(manage: &Manage, ctx: &Ctx, id: KeyId) -> Result<Changed<KeyWithSecret>, Error> {
    let organization = ctx.organization_with_any(&[Authority::KeysReveal, Authority::KeysManageOwn])?;
    let work_ctx = ctx.clone();
    let changed = manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let ctx = work_ctx.clone();
            Box::pin(async move { take(tx, &ctx, id).await })
        })
        .await?;
    let Changed { value: (key, sealed), position } = changed;
    let place = SealedPlace::of_key(organization, id, SealedField::Secret);
    let opened = manage.keyring.sealing().open(&place, &sealed);
    let secret: Secret = opened.map_err(|error| Error::internal(format!("{id}: {error}")))?;
    let issued = Issued { secret: Some(secret), ..Issued::default() };
    Ok(Changed { value: KeyWithSecret { key, issued }, position })
}

/// The sealed secret, and that it was asked for.
async fn take(tx: &mut Tx, ctx: &Ctx, id: KeyId) -> Result<(KeyView, Vec<u8>), Error> {
    let key = find_visible(tx, ctx, id).await?;
    // A person's key is shown once, to that person too.
    if !access::is_own(ctx, &key.owner) {
        ctx.require(Authority::KeysReveal)?;
        grants::require_held(tx, ctx, &key).await?;
    }
    if key.shape == Shape::Pair {
        return Err(Error::conflict("The password of a pair is shown once; a rotation gives it a new one."));
    }
    let Some(sealed) = key_reveals::get(tx, id).await? else {
        return Err(Error::conflict("The secret of this key was shown once; a rotation gives it a new one."));
    };
    ctx.require_step_up()?;
    let shown = view(tx, &key, ctx.now).await?;
    note(tx, ctx, "key.reveal", &key, Some(&shown), &shown);
    Ok((shown, sealed))
}
