//! Takes an application out of service and puts it back: its keys stay as they are, and pass no door meanwhile.

use claviger_domain::key::Disabled;

use super::record::{change, require_held};
use super::wire::Recorded;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::{Reason, reason};
use crate::write::Changed;

/// Makes an application inactive; one that is stays as it is.
pub async fn disable(manage: &Manage, ctx: &Ctx, name: String, request: Reason) -> Result<Changed<Recorded>, Error> {
    let reason = reason(&request)?;
    change(manage, ctx, name, IfMatch::ANY, "application.disable", move |_, ctx, application| {
        if application.disabled.is_none() {
            let reason = reason.clone();
            application.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason });
        }
        Box::pin(async { Ok(()) })
    })
    .await
}

/// Makes an application active again; its keys work as before.
pub async fn enable(manage: &Manage, ctx: &Ctx, name: String, request: Reason) -> Result<Changed<Recorded>, Error> {
    reason(&request)?;
    change(manage, ctx, name, IfMatch::ANY, "application.enable", |tx, ctx, application| {
        Box::pin(async move {
            require_held(tx, ctx, application).await?;
            application.disabled = None;
            Ok(())
        })
    })
    .await
}
