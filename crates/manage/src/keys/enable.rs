//! Puts a disabled key back into service, with the same secret; its expiry stays.

use claviger_domain::KeyId;
use claviger_store::sightings;

use super::access::Need;
use super::grants;
use super::record::{Recorded, change};
use super::request::{Reason, reason};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Enables a key; an enabled one stays as it is. It gives rights back, so only who holds them may.
pub async fn enable(manage: &Manage, ctx: &Ctx, id: KeyId, request: Reason) -> Result<Changed<Recorded>, Error> {
    reason(&request)?;
    change(manage, ctx, id, IfMatch::ANY, ("key.enable", Need::End), |tx, ctx, key, _| {
        Box::pin(async move {
            grants::require_held(tx, ctx, key).await?;
            if key.disabled.take().is_some() {
                sightings::forget_old_secret(tx, key.id).await?;
                // It has as long as a new one to be used.
                key.idle_from = Some(ctx.now);
            }
            Ok(())
        })
    })
    .await
}
