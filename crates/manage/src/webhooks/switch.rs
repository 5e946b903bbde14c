//! Takes webhooks out of service, and puts them back.

use claviger_domain::WebhookId;
use claviger_domain::key::Disabled;

use super::record::{Recorded, change};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::{Reason, reason};
use crate::write::Changed;

/// Disables a webhook: nothing is sent, and what waits has come to its end. A disabled one stays as it is.
pub async fn disable(manage: &Manage, ctx: &Ctx, id: WebhookId, request: Reason) -> Result<Changed<Recorded>, Error> {
    let reason = reason(&request)?;
    change(manage, ctx, id, IfMatch::ANY, "webhook.disable", move |ctx, webhook| {
        if webhook.disabled.is_none() {
            webhook.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason: reason.clone() });
        }
        Ok(())
    })
    .await
}

/// Enables a webhook, which is told of what happens from then on.
pub async fn enable(manage: &Manage, ctx: &Ctx, id: WebhookId) -> Result<Changed<Recorded>, Error> {
    change(manage, ctx, id, IfMatch::ANY, "webhook.enable", |_, webhook| {
        webhook.disabled = None;
        Ok(())
    })
    .await
}
