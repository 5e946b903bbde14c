//! What several use cases do with the record of a webhook.

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_domain::webhook::Webhook;
use claviger_domain::{OrganizationId, WebhookId};
use claviger_store::{Conn, Scope, Tx, audit, webhook_deliveries, webhooks};
use serde_json::Value;

use super::wire::WebhookView;
use crate::Manage;
use crate::body::IfMatch;
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// A webhook after a change, with the version that its entity tag shows.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The webhook.
    pub webhook: WebhookView,
    /// Its version.
    pub version: i64,
}

/// The webhook of this id, or 404.
pub(super) async fn find(conn: &mut Conn, organization: OrganizationId, id: WebhookId) -> Result<Webhook, Error> {
    webhooks::get(conn, organization, id).await?.ok_or_else(|| Error::not_found("webhook"))
}

/// Refuses a name that another webhook of the organization has.
pub(super) async fn check_name(conn: &mut Conn, webhook: &Webhook) -> Result<(), Error> {
    match webhooks::by_name(conn, webhook.organization, &webhook.name.search_form()).await? {
        Some(other) if other != webhook.id => Err(Error::name_taken("name", other)),
        _ => Ok(()),
    }
}

/// Changes one webhook in one transaction; `edit` changes the record.
pub(super) async fn change<F>(
    manage: &Manage,
    ctx: &Ctx,
    id: WebhookId,
    if_match: IfMatch,
    action: &'static str,
    edit: F,
) -> Result<Changed<Recorded>, Error>
where
    F: Fn(&Ctx, &mut Webhook) -> Result<(), Error> + Clone + Send + Sync + 'static,
{
    let organization = ctx.organization_with(Authority::PolicyManage)?;
    ctx.require_step_up()?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, if_match, edit) = (work_ctx.clone(), if_match.clone(), edit.clone());
            Box::pin(async move {
                let before = find(tx, organization, id).await?;
                if_match.check(before.version)?;
                let mut webhook = before.clone();
                edit(&ctx, &mut webhook)?;
                save(tx, &ctx, action, &before, webhook).await
            })
        })
        .await
}

/// Writes what changed; nothing if nothing did. What waits for a webhook that goes out of service has come to its end, and one that
/// is put back is told of what happens from then on.
pub(super) async fn save(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    before: &Webhook,
    mut webhook: Webhook,
) -> Result<Recorded, Error> {
    if webhook == *before {
        return Ok(Recorded { webhook: WebhookView::new(before, ctx.now), version: before.version });
    }
    check_name(tx, &webhook).await?;
    match (&before.disabled, &webhook.disabled) {
        (None, Some(_)) => {
            webhook_deliveries::end_waiting(tx, webhook.id, ctx.now).await?;
        }
        (Some(_), None) => webhook.after_entry = last_entry(tx, webhook.organization).await?,
        _ => {}
    }
    webhook.version += 1;
    webhook.updated_at = ctx.now;
    webhooks::update(tx, &webhook).await?;
    let (old, new) = (WebhookView::new(before, ctx.now), WebhookView::new(&webhook, ctx.now));
    note(tx, ctx, action, &webhook, Some(old.audited()), Some(new.audited()));
    Ok(Recorded { webhook: new, version: webhook.version })
}

/// The number of the last entry of the organization's audit chain.
pub(super) async fn last_entry(conn: &mut Conn, organization: OrganizationId) -> Result<i64, Error> {
    Ok(audit::head(conn, Chain::Organization(organization)).await?.seq)
}

/// The audit entry of a change of a webhook: the fields that differ.
pub(super) fn note(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    webhook: &Webhook,
    before: Option<Value>,
    after: Option<Value>,
) {
    let (before, after) = differing_fields(before, after);
    let name = Some(webhook.name.to_string());
    let subject = Subject { kind: "webhook".to_owned(), id: webhook.id.to_string(), name };
    tx.audit(Chain::Organization(webhook.organization), ctx.entry(action, subject, before, after));
}
