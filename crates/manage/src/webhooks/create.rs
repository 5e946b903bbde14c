//! Makes a webhook.

use std::sync::Arc;

use claviger_domain::WebhookId;
use claviger_domain::authority::Authority;
use claviger_domain::sealing::SealedPlace;
use claviger_domain::webhook::{WEBHOOKS_MAX, Webhook, WebhookSecret};
use claviger_store::{Scope, Tx, webhooks};
use serde_json::json;

use super::record::{Recorded, check_name, last_entry, note};
use super::request::{self, CreateWebhook};
use super::wire::{WebhookView, WebhookWithSecret};
use crate::Manage;
use crate::answer::Answer;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::{Error, ErrorCode};
use crate::write::Changed;

/// Makes a webhook and answers its secret, once. It is told of what happens from then on.
pub async fn create(
    manage: &Manage,
    ctx: &Ctx,
    request: CreateWebhook,
) -> Result<(Changed<WebhookWithSecret>, i64), Error> {
    let organization = ctx.organization_with(Authority::PolicyManage)?;
    ctx.require_step_up()?;
    let mut checks = Checks::default();
    let url = request::url(&mut checks, &manage.config.outgoing, &request.url);
    let events = request::events(&mut checks, &request.events);
    checks.finish()?;
    request::require_audit(ctx, &events)?;
    let id = WebhookId::new(ctx.now, &*manage.random);
    let secret = WebhookSecret::generate(&*manage.random);
    let place = SealedPlace::of_webhook(organization, id);
    let draft = Webhook {
        id,
        organization,
        name: request.name,
        url,
        events,
        disabled: None,
        sealed: manage.keyring.sealing().seal(&place, secret.text(), &*manage.random),
        old: None,
        after_entry: 0,
        created_by: ctx.actor.clone(),
        created_at: ctx.now,
        updated_at: ctx.now,
        version: 1,
    };
    let all = Arc::new((ctx.clone(), draft));
    let changed = manage.create(
        ctx,
        Scope::Organization(organization),
        move |tx| {
            let all = all.clone();
            Box::pin(async move { insert(tx, &all.0, all.1.clone()).await })
        },
        |made| {
            let answer = Answer::created(json!({"webhook": made.webhook, "secret": null}));
            answer.location("webhooks", made.webhook.id()).version(made.version)
        },
    );
    let Changed { value: Recorded { webhook, version }, position } = changed.await?;
    let value = WebhookWithSecret { webhook, secret: Some(secret.text().clone()) };
    Ok((Changed { value, position }, version))
}

async fn insert(tx: &mut Tx, ctx: &Ctx, mut webhook: Webhook) -> Result<Recorded, Error> {
    let others = webhooks::list(tx, webhook.organization).await?;
    if others.len() >= WEBHOOKS_MAX {
        let most = format!("An organization has at most {WEBHOOKS_MAX} webhooks.");
        return Err(Error::new(ErrorCode::LimitReached, most));
    }
    check_name(tx, &webhook).await?;
    webhook.after_entry = last_entry(tx, webhook.organization).await?;
    webhooks::insert(tx, &webhook).await?;
    let made = WebhookView::new(&webhook, ctx.now);
    note(tx, ctx, "webhook.create", &webhook, None, Some(made.audited()));
    Ok(Recorded { webhook: made, version: webhook.version })
}
