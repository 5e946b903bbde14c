//! Takes an API user out of service, which ends its sessions, and puts it back.

use claviger_domain::key::Disabled;

use super::record::change;
use super::wire::Recorded;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::{Reason, reason};
use crate::write::Changed;

/// Makes an API user inactive: it signs in no more, and its sessions end.
pub async fn disable(manage: &Manage, ctx: &Ctx, id: String, request: Reason) -> Result<Changed<Recorded>, Error> {
    let reason = reason(&request)?;
    change(manage, ctx, id, IfMatch::ANY, "api_user.disable", move |_, ctx, user| {
        if user.disabled.is_none() {
            let reason = reason.clone();
            user.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason });
        }
        Box::pin(async { Ok(()) })
    })
    .await
}

/// Makes an API user active again; it has to sign in anew.
pub async fn enable(manage: &Manage, ctx: &Ctx, id: String, request: Reason) -> Result<Changed<Recorded>, Error> {
    reason(&request)?;
    change(manage, ctx, id, IfMatch::ANY, "api_user.enable", |_, _, user| {
        user.disabled = None;
        Box::pin(async { Ok(()) })
    })
    .await
}
