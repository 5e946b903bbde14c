//! Sends an event again.

use claviger_domain::authority::Authority;
use claviger_domain::{WebhookDeliveryId, WebhookId};
use claviger_store::{Scope, webhook_deliveries};
use serde_json::json;

use super::record::{find, note};
use super::wire::DeliveryView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Sends an event again, under the same `webhook-id`, whatever became of it; one that waits goes out at once.
pub async fn replay(
    manage: &Manage,
    ctx: &Ctx,
    webhook: WebhookId,
    id: WebhookDeliveryId,
) -> Result<Changed<DeliveryView>, Error> {
    let organization = ctx.organization_with(Authority::PolicyManage)?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let ctx = work_ctx.clone();
            Box::pin(async move {
                let record = find(tx, organization, webhook).await?;
                let missing = || Error::not_found("event of this webhook");
                webhook_deliveries::get(tx, webhook, id).await?.ok_or_else(missing)?;
                if record.disabled.is_some() {
                    return Err(Error::conflict("The webhook is disabled: enable it first."));
                }
                if !webhook_deliveries::replay(tx, id, ctx.now).await? {
                    return Err(Error::conflict("The event is being sent at this moment."));
                }
                let delivery = webhook_deliveries::get(tx, webhook, id).await?.ok_or_else(missing)?;
                note(tx, &ctx, "webhook.replay", &record, None, Some(json!({"event": id, "type": delivery.kind})));
                let attempts = webhook_deliveries::attempts(tx, id).await?;
                Ok(DeliveryView::new(delivery, attempts))
            })
        })
        .await
}
