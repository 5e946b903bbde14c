//! Reads webhooks.

use claviger_domain::WebhookId;
use claviger_store::webhooks;

use super::READERS;
use super::record::{Recorded, find};
use super::wire::WebhookView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::Listed;

/// All of the organization's, by name; they are at most [`WEBHOOKS_MAX`](claviger_domain::webhook::WEBHOOKS_MAX), so there is one page.
pub async fn list(manage: &Manage, ctx: &Ctx) -> Result<Listed<WebhookView>, Error> {
    let organization = ctx.organization_with_any(&READERS)?;
    let found = webhooks::list(&mut *manage.store.read().await?, organization).await?;
    let data = found.iter().map(|webhook| WebhookView::new(webhook, ctx.now)).collect();
    Ok(Listed { data, next_cursor: None })
}

/// The webhook of this id.
pub async fn get(manage: &Manage, ctx: &Ctx, id: WebhookId) -> Result<Recorded, Error> {
    let organization = ctx.organization_with_any(&READERS)?;
    let webhook = find(&mut *manage.store.read().await?, organization, id).await?;
    Ok(Recorded { webhook: WebhookView::new(&webhook, ctx.now), version: webhook.version })
}
