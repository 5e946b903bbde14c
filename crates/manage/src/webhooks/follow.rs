//! Looks through the audit chains for what webhooks are told of: each entry once, whichever node does it and whatever dies.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::audit::Chain;
use claviger_domain::key::Disabled;
use claviger_domain::webhook::{EventType, Webhook};
use claviger_domain::{KeyId, OrganizationId, Random, RequestId};
use claviger_store::audit::Stored;
use claviger_store::{Scope, Tx, audit, keys, notices, webhook_deliveries, webhooks};
use serde_json::{Value, json};

use super::WAITING_MAX;
use super::event::{Event, Keys, describe, put};
use super::record::save;
use crate::Manage;
use crate::audit::EntryView;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::notices::{begins_to_wait, is_idle};

/// The most entries of one transaction.
const BATCH: i64 = 200;
/// A webhook for which as many events wait as may, one of them for so long, is dead, and holds up the others.
const PATIENCE: Duration = Duration::from_hours(24);
/// The most bytes of each of what an entry has as before and after, in an event that carries it: both, and all else, fit.
const CHANGES_BYTES_MAX: usize = 8_000;
/// Why such a webhook is disabled.
const OVERFLOWING: &str = "too many events wait: none got through for a day";

/// Looks through what came since the last time, of all organizations; how many events were put in.
pub async fn follow(manage: &Manage) -> Result<usize, Error> {
    let mut told = 0;
    let behind = webhooks::behind(&mut *manage.store.read().await?).await?;
    for organization in behind {
        loop {
            let (count, is_through) = follow_some(manage, organization).await?;
            told += count;
            if is_through {
                break;
            }
        }
    }
    Ok(told)
}

/// One transaction; how many events were put in, and whether nothing is left to do now.
async fn follow_some(manage: &Manage, organization: OrganizationId) -> Result<(usize, bool), Error> {
    let now = manage.clock.now();
    let ctx = Ctx::system(RequestId::new(now, &*manage.random), now);
    let all = (ctx.clone(), Arc::clone(&manage.random));
    let changed = manage.write(&ctx, Scope::Organization(organization), move |tx| {
        let (ctx, random) = all.clone();
        Box::pin(async move { look(tx, &ctx, &*random, organization).await })
    });
    Ok(changed.await?.value)
}

async fn look(
    tx: &mut Tx,
    ctx: &Ctx,
    random: &dyn Random,
    organization: OrganizationId,
) -> Result<(usize, bool), Error> {
    let Some(all) = webhooks_with_room(tx, ctx, organization).await? else { return Ok((0, true)) };
    // What had happened before any of them was there, or back, is told to none.
    let Some(begin) = all.iter().map(|webhook| webhook.after_entry).min() else { return Ok((0, true)) };
    let from = webhooks::cursor(tx, organization).await?.max(begin);
    let head = audit::head(tx, Chain::Organization(organization)).await?.seq;
    let to = head.min(from + BATCH);
    let mut count = 0;
    if from < to {
        let entries = if all.iter().any(|webhook| webhook.wants(EventType::AuditEntry)) {
            audit::from(tx, Chain::Organization(organization), from + 1, to - from).await?
        } else {
            notices::entries(tx, organization, (from, to), &EventType::ACTIONS).await?
        };
        if !entries.is_empty() {
            count = tell_of(tx, ctx, random, &all, entries).await?;
        }
    }
    webhooks::advance(tx, organization, to.max(from)).await?;
    Ok((count, to >= head))
}

/// The webhooks in service; `None` while one of them can take no more. One that is dead is disabled.
async fn webhooks_with_room(
    tx: &mut Tx,
    ctx: &Ctx,
    organization: OrganizationId,
) -> Result<Option<Vec<Webhook>>, Error> {
    let mut all = webhooks::list(tx, organization).await?;
    all.retain(|webhook| webhook.disabled.is_none());
    let mut alive = Vec::new();
    for webhook in all {
        let depth = webhook_deliveries::depth_of(tx, webhook.id).await?;
        if depth.waiting < WAITING_MAX {
            alive.push(webhook);
            continue;
        }
        if depth.oldest.is_none_or(|oldest| ctx.now.saturating_since(oldest) < PATIENCE) {
            return Ok(None);
        }
        let reason = Some(OVERFLOWING.to_owned());
        let disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason });
        save(tx, ctx, "webhook.disable", &webhook, Webhook { disabled, ..webhook.clone() }).await?;
    }
    Ok(Some(alive))
}

async fn tell_of(
    tx: &mut Tx,
    ctx: &Ctx,
    random: &dyn Random,
    all: &[Webhook],
    entries: Vec<Stored>,
) -> Result<usize, Error> {
    let Some(organization) = all.first().map(|webhook| webhook.organization) else { return Ok(0) };
    let wanting = |event: EventType, seq: i64| {
        all.iter().filter(move |webhook| webhook.wants(event) && webhook.after_entry < seq)
    };
    let events = entries.iter().flat_map(|stored| events_of(stored).map(move |event| (event, stored)));
    let wanted: Vec<_> = events.filter(|(event, stored)| wanting(*event, stored.seq).next().is_some()).collect();
    let ids: Vec<KeyId> = wanted.iter().filter_map(|(_, stored)| stored.entry.object.id.parse().ok()).collect();
    let keys = keys::find_many(tx, &ids).await?;
    let keys = describe(tx, organization, &keys, ctx.now).await?;
    let mut count = 0;
    for (kind, stored) in wanted {
        let event = match kind {
            EventType::AuditEntry => of_entry(organization, stored),
            _ => event(organization, kind, stored, &keys),
        };
        for webhook in wanting(kind, stored.seq) {
            count += usize::from(put(tx, random, webhook, &event, ctx.now).await?);
        }
    }
    Ok(count)
}

/// What an entry is told as: an event of its own type, if it has one, that a key waits for approval from then on, and the entry.
fn events_of(stored: &Stored) -> impl Iterator<Item = EventType> {
    let action = &stored.entry.action;
    let typed = EventType::of_action(action, is_idle(stored));
    let waits = begins_to_wait(stored).then_some(EventType::KeyPending);
    typed.into_iter().chain(waits).chain(EventType::is_told_as_entry(action).then_some(EventType::AuditEntry))
}

/// An entry as the export has it. What makes it too long for an event is left out, and named.
fn of_entry(organization: OrganizationId, stored: &Stored) -> Event {
    let mut entry = json!(EntryView::from(stored.clone()));
    let mut cut = Vec::new();
    for member in ["before", "after"] {
        if entry[member].to_string().len() > CHANGES_BYTES_MAX {
            entry[member] = Value::Null;
            cut.push(member);
        }
    }
    let data = json!({"organization": organization, "entry": entry, "cut": cut});
    // An event of the entry's own type has the number alone.
    Event { kind: EventType::AuditEntry, cause: format!("the entry {}", stored.seq), at: stored.entry.at, data }
}

fn event(organization: OrganizationId, kind: EventType, Stored { seq, entry, .. }: &Stored, keys: &Keys) -> Event {
    let object = json!({"id": entry.object.id, "name": entry.object.name});
    let mut data = json!({"organization": organization, "actor": entry.actor});
    let after = entry.after.as_ref().unwrap_or(&Value::Null);
    match kind {
        EventType::UserDisabled | EventType::UserLocked => data["user"] = object,
        EventType::ApplicationDisabled => data["application"] = object,
        _ => {
            let key = entry.object.id.parse().ok().and_then(|id: KeyId| keys.get(&id));
            data["key"] = key.cloned().unwrap_or(object);
        }
    }
    match kind {
        EventType::KeyEdited => data["changed"] = changed(after),
        EventType::KeyIdle => {
            data["days"] = json!(0);
            data["idle_at"] = after["state_at"].clone();
        }
        EventType::KeyOldSecretUsed => data["seen"] = after["seen"].clone(),
        EventType::KeyDisabled | EventType::KeyDenied | EventType::KeyLeaked => {
            data["reason"] = after["state_reason"].clone();
        }
        _ => {}
    }
    // An entry that tells of two things is two causes.
    let further = if kind == EventType::KeyPending { " pending" } else { "" };
    Event { kind, cause: format!("entry {seq}{further}"), at: entry.at, data }
}

/// The names of what was changed.
fn changed(after: &Value) -> Value {
    let names = after.as_object().map(|members| members.keys().cloned().collect::<Vec<_>>());
    json!(names.unwrap_or_default())
}
