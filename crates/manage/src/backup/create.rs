//! Writes a backup while the server runs.

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_store::backup::Parts;
use claviger_store::{Error as StoreError, Scope};

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// The version of the program, as backups name it.
const PROGRAM: &str = env!("CARGO_PKG_VERSION");

/// Everything as it stands now, part by part. That it was taken is noted first, so that the backup tells of itself.
pub async fn backup(manage: &Manage, ctx: &Ctx) -> Result<Parts, Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    let turn = manage.store.backup_turn().map_err(|error| match error {
        StoreError::Busy => Error::busy("Another backup is under way; one is written at a time."),
        error => error.into(),
    })?;
    let entry = ctx.entry("backup.create", installation(), None, None);
    manage
        .write(ctx, Scope::Installation, move |tx| {
            let entry = entry.clone();
            Box::pin(async move {
                tx.audit(Chain::Installation, entry);
                Ok(())
            })
        })
        .await?;
    Ok(turn.begin(PROGRAM).await?)
}

/// What entries about the installation as a whole are about.
pub(super) fn installation() -> Subject {
    Subject { kind: "installation".to_owned(), id: "installation".to_owned(), name: None }
}
