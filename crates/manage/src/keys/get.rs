//! Reads one key.

use claviger_domain::KeyId;
use claviger_domain::authority::Authority;

use super::record::{Recorded, find, view};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// A living key.
pub async fn get(manage: &Manage, ctx: &Ctx, id: KeyId) -> Result<Recorded, Error> {
    let organization = ctx.organization_with(Authority::KeysRead)?;
    let mut snapshot = manage.store.read().await?;
    let found = find(&mut snapshot, organization, id).await?;
    let key = view(&mut snapshot, &found, ctx.now).await?;
    Ok(Recorded { key, version: found.version })
}
