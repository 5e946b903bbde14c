//! Deletes a key for good: a tombstone stays, so that its value can never be issued again.

use claviger_domain::KeyId;

use super::access::Need;
use super::record::{Recorded, change};
use super::rotate::end_old;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Deletes a key. Anybody who manages keys may: a misused one must go fast.
pub async fn delete(manage: &Manage, ctx: &Ctx, id: KeyId, if_match: IfMatch) -> Result<Changed<Recorded>, Error> {
    change(manage, ctx, id, if_match, ("key.delete", Need::End), |_, ctx, key, _| {
        end_old(key, ctx.now);
        key.deleted_at = Some(ctx.now);
        Box::pin(async { Ok(()) })
    })
    .await
}
