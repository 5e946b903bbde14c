//! Takes a key out of service at once. Anybody who manages keys may: a misused one must go fast.

use claviger_domain::KeyId;
use claviger_domain::key::Disabled;

use super::access::Need;
use super::record::{Recorded, change};
use super::request::{Reason, reason};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Disables a key; a disabled one stays as it is.
pub async fn disable(manage: &Manage, ctx: &Ctx, id: KeyId, request: Reason) -> Result<Changed<Recorded>, Error> {
    let reason = reason(&request)?;
    change(manage, ctx, id, IfMatch::ANY, ("key.disable", Need::End), move |_, ctx, key, _| {
        if key.disabled.is_none() {
            key.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason: reason.clone() });
        }
        Box::pin(async { Ok(()) })
    })
    .await
}
