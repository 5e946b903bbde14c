//! Reads one key.

use claviger_domain::KeyId;

use super::record::{Recorded, find_visible, view};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// A living key.
pub async fn get(manage: &Manage, ctx: &Ctx, id: KeyId) -> Result<Recorded, Error> {
    let mut snapshot = manage.store.read().await?;
    let found = find_visible(&mut snapshot, ctx, id).await?;
    let key = view(&mut snapshot, &found, ctx.now).await?;
    Ok(Recorded { key, version: found.version })
}
