//! Ends the old secret of a rotation before its time.

use claviger_domain::KeyId;

use super::access::Need;
use super::record::{Recorded, change};
use super::rotate::end_old;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Ends the old secret alone; 409 if none is valid any more.
pub async fn end_overlap(manage: &Manage, ctx: &Ctx, id: KeyId) -> Result<Changed<Recorded>, Error> {
    change(manage, ctx, id, IfMatch::ANY, ("key.end_overlap", Need::End), |_, ctx, key, _| {
        let overlapping = key.overlap.as_ref().is_some_and(|overlap| ctx.now < overlap.valid_until);
        if overlapping {
            end_old(key, ctx.now);
        }
        Box::pin(async move {
            if overlapping {
                Ok(())
            } else {
                Err(Error::conflict("The key has one valid secret only: no overlap to end."))
            }
        })
    })
    .await
}
