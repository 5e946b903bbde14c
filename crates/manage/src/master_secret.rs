//! Another master secret for the same key ring.

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_domain::keyring::SealedKeyring;
use claviger_store::{Scope, Store, keyring};

use crate::ctx::Ctx;
use crate::error::Error;

/// Puts the ring under its new seal in the place of the old one, which must be there still.
///
/// # Errors
/// `conflict` where the database has another seal by now: somebody else was first.
pub async fn reseal(store: &Store, ctx: &Ctx, old: SealedKeyring, new: SealedKeyring) -> Result<(), Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    let subject = Subject { kind: "installation".to_owned(), id: "installation".to_owned(), name: None };
    let entry = ctx.entry("master_secret.rotate", subject, None, None);
    store
        .write(Scope::Installation, move |tx| {
            let (old, new, entry) = (old.clone(), new.clone(), entry.clone());
            Box::pin(async move {
                if !keyring::reseal(tx, &old, &new).await? {
                    return Err(Error::conflict("The key ring was sealed anew, or a backup restored, meanwhile."));
                }
                tx.audit(Chain::Installation, entry);
                Ok(())
            })
        })
        .await?;
    Ok(())
}
