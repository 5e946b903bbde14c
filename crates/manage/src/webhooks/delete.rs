//! Deletes a webhook.

use claviger_domain::WebhookId;
use claviger_domain::authority::Authority;
use claviger_store::{Scope, webhook_deliveries, webhooks};

use super::record::{find, note};
use super::wire::WebhookView;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Deletes a webhook, with its secret and what is on its way to it.
pub async fn delete(manage: &Manage, ctx: &Ctx, id: WebhookId, if_match: IfMatch) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::PolicyManage)?;
    ctx.require_step_up()?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, if_match) = (work_ctx.clone(), if_match.clone());
            Box::pin(async move {
                let webhook = find(tx, organization, id).await?;
                if_match.check(webhook.version)?;
                webhook_deliveries::end_waiting(tx, id, ctx.now).await?;
                webhooks::delete(tx, organization, id).await?;
                let old = WebhookView::new(&webhook, ctx.now).audited();
                note(tx, &ctx, "webhook.delete", &webhook, Some(old), None);
                Ok(())
            })
        })
        .await
}
