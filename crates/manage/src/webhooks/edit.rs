//! Changes a webhook.

use claviger_domain::WebhookId;

use super::record::{Recorded, change};
use super::request::{self, EditWebhook};
use crate::Manage;
use crate::body::IfMatch;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Changes a webhook; what waits for it goes to the new address.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    id: WebhookId,
    if_match: IfMatch,
    request: EditWebhook,
) -> Result<Changed<Recorded>, Error> {
    let mut checks = Checks::default();
    let url = request.url.as_deref().map(|url| request::url(&mut checks, &manage.config.outgoing, url));
    let events = request.events.as_deref().map(|events| request::events(&mut checks, events));
    // Who may not change it learns that first.
    ctx.organization_with(claviger_domain::authority::Authority::PolicyManage)?;
    checks.finish()?;
    change(manage, ctx, id, if_match, "webhook.edit", move |ctx, webhook| {
        if let Some(name) = &request.name {
            webhook.name = name.clone();
        }
        if let Some(url) = &url {
            webhook.url.clone_from(url);
        }
        if let Some(events) = &events {
            webhook.events.clone_from(events);
        }
        // Another address for what was subscribed before, too.
        request::require_audit(ctx, &webhook.events)
    })
    .await
}
