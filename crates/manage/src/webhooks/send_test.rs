//! Sends an event that says nothing, to see whether it arrives.

use claviger_domain::authority::Authority;
use claviger_domain::webhook::EventType;
use claviger_domain::{WebhookDeliveryId, WebhookId};
use claviger_store::{Scope, webhook_deliveries};
use serde_json::json;

use super::WAITING_MAX;
use super::event::{Event, delivery};
use super::record::{find, note};
use super::wire::DeliveryView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::write::Changed;

/// Sends a `webhook.test` to a webhook, whichever types it is told of.
pub async fn send_test(manage: &Manage, ctx: &Ctx, webhook: WebhookId) -> Result<Changed<DeliveryView>, Error> {
    let organization = ctx.organization_with(Authority::PolicyManage)?;
    let id = WebhookDeliveryId::new(ctx.now, &*manage.random);
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let ctx = work_ctx.clone();
            Box::pin(async move {
                let record = find(tx, organization, webhook).await?;
                if record.disabled.is_some() {
                    return Err(Error::conflict("The webhook is disabled: enable it first."));
                }
                if webhook_deliveries::depth_of(tx, webhook).await?.waiting >= WAITING_MAX {
                    return Err(Error::new(ErrorCode::LimitReached, "Too many events wait for this webhook."));
                }
                let data = json!({"organization": organization, "webhook": {"id": webhook, "name": record.name.as_str()}, "actor": ctx.actor});
                let event = Event { kind: EventType::Test, cause: format!("test {id}"), at: ctx.now, data };
                let delivery = delivery(id, &record, &event, ctx.now);
                webhook_deliveries::put(tx, &delivery).await?;
                note(tx, &ctx, "webhook.test", &record, None, Some(json!({"event": id})));
                Ok(DeliveryView::new(delivery, Vec::new()))
            })
        })
        .await
}
