//! Tells webhooks of keys whose end, or whose going idle, is near; the machinery of notices finds them.

use claviger_domain::notice::NoticeKind;
use claviger_domain::organization::Organization;
use claviger_domain::webhook::{EventType, Webhook};
use claviger_domain::{KeyId, OrganizationId, RequestId};
use claviger_store::{Scope, Tx, keys, notices, organizations, webhook_deliveries, webhooks};
use serde_json::json;

use super::WAITING_MAX;
use super::event::{Event, describe, put};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::home_in;
use crate::notices::{Due, due_keys, reminders_of};

/// Keys of one transaction.
const BATCH: usize = 100;

/// Goes through the keys of all organizations that have webhooks; how many events were put in.
pub async fn remind(manage: &Manage) -> Result<usize, Error> {
    let now = manage.clock.now();
    let ctx = Ctx::system(RequestId::new(now, &*manage.random), now);
    let mut told = 0;
    let all = webhooks::organizations(&mut *manage.store.read().await?).await?;
    for organization in all {
        let mut snapshot = manage.store.read().await?;
        let Some(home) = organizations::get(&mut snapshot, organization).await? else { continue };
        let wanting = wanting(webhooks::list(&mut snapshot, organization).await?);
        drop(snapshot);
        told += remind_organization(manage, &ctx, &home, &wanting).await?;
    }
    Ok(told)
}

/// Those that are told of what time brings.
fn wanting(all: Vec<Webhook>) -> Vec<Webhook> {
    let is_told = |webhook: &Webhook| webhook.wants(EventType::KeyExpiring) || webhook.wants(EventType::KeyIdle);
    all.into_iter().filter(is_told).collect()
}

async fn remind_organization(
    manage: &Manage,
    ctx: &Ctx,
    home: &Organization,
    wanting: &[Webhook],
) -> Result<usize, Error> {
    let recipients =
        |event| wanting.iter().filter(move |webhook| webhook.wants(event)).map(|webhook| webhook.id.to_string());
    let expiry: Vec<String> = recipients(EventType::KeyExpiring).collect();
    let idle: Vec<String> = recipients(EventType::KeyIdle).collect();
    let due = due_keys(manage, ctx.now, home, Due { expiry: &expiry, idle: &idle }).await?;
    let mut told = 0;
    for batch in due.chunks(BATCH) {
        told += tell_of(manage, ctx, home.id, batch.to_vec()).await?;
    }
    Ok(told)
}

/// One transaction; keys and webhooks are read again, for they may have been changed meanwhile.
async fn tell_of(manage: &Manage, ctx: &Ctx, organization: OrganizationId, ids: Vec<KeyId>) -> Result<usize, Error> {
    let all = (ctx.clone(), manage.engine.clone(), manage.random.clone());
    let changed = manage.write(ctx, Scope::Organization(organization), move |tx| {
        let ((ctx, engine, random), ids) = (all.clone(), ids.clone());
        Box::pin(async move {
            let home = home_in(tx, organization).await?;
            let all = webhooks::list(tx, organization).await?;
            let wanting = with_room(tx, wanting(all)).await?;
            let keys = keys::find_many(tx, &ids).await?;
            let told_of = describe(tx, organization, &keys, ctx.now).await?;
            let mut count = 0;
            for (told, key, found) in reminders_of(tx, &engine, &home, keys, ctx.now).await? {
                let (kind, when) = match found.kind {
                    NoticeKind::Expiry => (EventType::KeyExpiring, "expires_at"),
                    _ => (EventType::KeyIdle, "idle_at"),
                };
                let key_data = told_of.get(&key.id);
                let mut data = json!({"organization": organization, "key": key_data, "days": found.days});
                data[when] = json!(found.at);
                let cause = format!("{} {} {}", kind.as_str(), key.id, told.threshold);
                let event = Event { kind, cause, at: ctx.now, data };
                for webhook in wanting.iter().filter(|webhook| webhook.wants(kind)) {
                    if notices::note_webhook(tx, &told, webhook.id).await? {
                        count += usize::from(put(tx, &*random, webhook, &event, ctx.now).await?);
                    }
                }
            }
            Ok(count)
        })
    });
    Ok(changed.await?.value)
}

/// Those that can take more; the others are told when they can.
async fn with_room(tx: &mut Tx, all: Vec<Webhook>) -> Result<Vec<Webhook>, Error> {
    let mut with_room = Vec::new();
    for webhook in all {
        if webhook_deliveries::depth_of(tx, webhook.id).await?.waiting < WAITING_MAX {
            with_room.push(webhook);
        }
    }
    Ok(with_room)
}
