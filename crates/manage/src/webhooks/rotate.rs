//! Gives a webhook a new secret; the old one signs beside it for the overlap.

use std::time::Duration;

use claviger_domain::WebhookId;
use claviger_domain::authority::Authority;
use claviger_domain::sealing::SealedPlace;
use claviger_domain::webhook::{OVERLAP_SECONDS_MAX, OldSecret, WebhookSecret};

use super::record::{Recorded, change};
use super::request::RotateWebhook;
use super::wire::WebhookWithSecret;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Rotates a webhook's secret and answers the new one, once. During an overlap only `overlap_seconds: 0` is possible: it ends the old
/// ones at once.
pub async fn rotate(
    manage: &Manage,
    ctx: &Ctx,
    id: WebhookId,
    request: RotateWebhook,
) -> Result<(Changed<WebhookWithSecret>, i64), Error> {
    let organization = ctx.organization_with(Authority::PolicyManage)?;
    let overlap = request.overlap_seconds;
    if overlap > OVERLAP_SECONDS_MAX {
        return Err(Error::field("overlap_seconds", format!("expected 0 to {OVERLAP_SECONDS_MAX}")));
    }
    let secret = WebhookSecret::generate(&*manage.random);
    let place = SealedPlace::of_webhook(organization, id);
    let sealed = manage.keyring.sealing().seal(&place, secret.text(), &*manage.random);
    let changed = change(manage, ctx, id, IfMatch::ANY, "webhook.rotate", move |ctx, webhook| {
        let overlapping = webhook.old.as_ref().is_some_and(|old| ctx.now < old.valid_until);
        if overlapping && overlap > 0 {
            return Err(Error::conflict(
                "The secret before this one still signs: wait for its end, or rotate with overlap_seconds 0.",
            ));
        }
        let old = std::mem::replace(&mut webhook.sealed, sealed.clone());
        let valid_until = ctx.now.saturating_add(Duration::from_secs(overlap.into()));
        webhook.old = (overlap > 0).then_some(OldSecret { sealed: old, valid_until });
        Ok(())
    })
    .await?;
    let Changed { value: Recorded { webhook, version }, position } = changed;
    Ok((Changed { value: WebhookWithSecret { webhook, secret: Some(secret.text().clone()) }, position }, version))
}
