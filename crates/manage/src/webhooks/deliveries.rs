//! Reads what became of a webhook's events.

use claviger_domain::{WebhookDeliveryId, WebhookId};
use claviger_store::webhook_deliveries::{self, DeliveryState};
use serde::Deserialize;
use utoipa::IntoParams;

use super::READERS;
use super::record::find;
use super::wire::DeliveryView;
use crate::Manage;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, page};

/// Which events.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveryQuery {
    /// Those that have come to this: `waiting`, `delivered` or `failed`.
    #[param(value_type = Option<String>)]
    pub state: Option<DeliveryState>,
    /// How many at most; 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u32>,
    /// The page after the one whose `next_cursor` this was.
    pub cursor: Option<String>,
}

/// The events of a webhook, the newest first; they are kept for 30 days.
pub async fn list_deliveries(
    manage: &Manage,
    ctx: &Ctx,
    id: WebhookId,
    query: &DeliveryQuery,
) -> Result<Listed<DeliveryView>, Error> {
    let organization = ctx.organization_with_any(&READERS)?;
    let (key, which) = (manage.keyring.fingerprint(), format!("{organization} {id} {:?}", query.state));
    let names = ["webhook-deliveries", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let mut snapshot = manage.store.read().await?;
    find(&mut snapshot, organization, id).await?;
    let found = webhook_deliveries::list(&mut snapshot, id, query.state, &page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for delivery in found.items {
        let attempts = webhook_deliveries::attempts(&mut snapshot, delivery.id).await?;
        items.push(DeliveryView::new(delivery, attempts));
    }
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}

/// One of them.
pub async fn delivery(
    manage: &Manage,
    ctx: &Ctx,
    webhook: WebhookId,
    id: WebhookDeliveryId,
) -> Result<DeliveryView, Error> {
    let organization = ctx.organization_with_any(&READERS)?;
    let mut snapshot = manage.store.read().await?;
    find(&mut snapshot, organization, webhook).await?;
    let found = webhook_deliveries::get(&mut snapshot, webhook, id).await?;
    let delivery = found.ok_or_else(|| Error::not_found("event of this webhook"))?;
    let attempts = webhook_deliveries::attempts(&mut snapshot, id).await?;
    Ok(DeliveryView::new(delivery, attempts))
}
