//! Looks through the audit chains for what people are told of: each entry once, whichever node does it and whatever dies.

use std::collections::HashMap;

use claviger_domain::audit::Chain;
use claviger_domain::key::{ActorKind, IDLE_REASON, Key, Owner};
use claviger_domain::notice::NoticeKind;
use claviger_domain::{KeyId, OrganizationId, RequestId, Timestamp};
use claviger_store::audit::Stored;
use claviger_store::notices::Told;
use claviger_store::{Scope, Tx, audit, keys, notices};

use super::tell::{Item, News, Teller, tell};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::home_in;

/// The most entries of one transaction.
const BATCH: i64 = 200;
/// What notices are caused by.
const ACTIONS: [&str; 14] = [
    "key.create",
    "key.import",
    "key.edit",
    "key.enable",
    "key.approve",
    "key.deny",
    "key.reveal",
    "key.rotate",
    "key.disable",
    "key.old_secret_used",
    "key.leak",
    "user.disable",
    "user.lock",
    "application.disable",
];

/// The word of the state.
const PENDING: &str = "pending";

/// Looks through what came since the last time, of all organizations; how much was told of.
pub async fn follow(manage: &Manage) -> Result<usize, Error> {
    let mut told = 0;
    let behind = notices::behind(&mut *manage.store.read().await?).await?;
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

/// One transaction; how much was told of, and whether nothing is left.
async fn follow_some(manage: &Manage, organization: OrganizationId) -> Result<(usize, bool), Error> {
    let now = manage.clock.now();
    let ctx = Ctx::system(RequestId::new(now, &*manage.random), now);
    let teller = Teller::new(manage, now);
    let changed = manage.write(&ctx, Scope::Organization(organization), move |tx| {
        let teller = teller.clone();
        Box::pin(async move {
            let from = notices::cursor(tx, organization).await?;
            let head = audit::head(tx, Chain::Organization(organization)).await?.seq;
            let to = head.min(from + BATCH);
            if from >= to {
                return Ok((0, true));
            }
            let entries = notices::entries(tx, organization, (from, to), &ACTIONS).await?;
            let count = if entries.is_empty() { 0 } else { tell_of(tx, &teller, organization, entries).await? };
            notices::advance(tx, organization, to).await?;
            Ok((count, to == head))
        })
    });
    Ok(changed.await?.value)
}

async fn tell_of(
    tx: &mut Tx,
    teller: &Teller,
    organization: OrganizationId,
    entries: Vec<Stored>,
) -> Result<usize, Error> {
    let settings = notices::settings(tx, organization).await?;
    let news: Vec<_> =
        entries.into_iter().flat_map(|entry| kinds_of(&entry).map(move |kind| (kind, entry.clone()))).collect();
    let wanted = |(kind, _): &(NoticeKind, Stored)| settings.audience(*kind).is_anybody();
    if !teller.sends_mail || !news.iter().any(wanted) {
        return Ok(0);
    }
    let ids: Vec<KeyId> = news.iter().filter_map(|(_, found)| found.entry.object.id.parse().ok()).collect();
    let keys: HashMap<KeyId, Key> = keys::find_many(tx, &ids).await?.into_iter().map(|key| (key.id, key)).collect();
    let items = news.into_iter().filter_map(|(kind, found)| item(organization, kind, found, &keys));
    let home = home_in(tx, organization).await?;
    tell(tx, teller, &home, &settings, items.collect()).await
}

/// Of which kinds the notices are that an entry causes.
fn kinds_of(stored: &Stored) -> impl Iterator<Item = NoticeKind> + use<> {
    let waits = begins_to_wait(stored).then_some(NoticeKind::Approval);
    kind_of(stored).into_iter().chain(waits)
}

/// Whether a key waits for approval from this entry on.
pub(crate) fn begins_to_wait(stored: &Stored) -> bool {
    let after = stored.entry.after.as_ref();
    stored.entry.object.kind == "key" && after.is_some_and(|after| after["state"] == PENDING)
}

fn kind_of(stored: &Stored) -> Option<NoticeKind> {
    Some(match stored.entry.action.as_str() {
        "key.create" | "key.import" => NoticeKind::Created,
        "key.reveal" => NoticeKind::Revealed,
        "key.rotate" => NoticeKind::Rotated,
        "key.approve" | "key.deny" => NoticeKind::Decided,
        "key.disable" if is_idle(stored) => NoticeKind::Idle,
        "key.old_secret_used" => NoticeKind::OldSecretUsed,
        "key.leak" => NoticeKind::Leaked,
        "user.disable" | "user.lock" | "application.disable" => NoticeKind::OwnerDisabled,
        _ => return None,
    })
}

/// Whether the server has written down that a key is idle.
pub(crate) fn is_idle(stored: &Stored) -> bool {
    let after = stored.entry.after.as_ref();
    stored.entry.actor.kind == ActorKind::System && after.is_some_and(|after| after["state_reason"] == IDLE_REASON)
}

fn item(
    organization: OrganizationId,
    kind: NoticeKind,
    Stored { seq, entry, .. }: Stored,
    keys: &HashMap<KeyId, Key>,
) -> Option<Item> {
    let key = || keys.get(&entry.object.id.parse().ok()?).cloned();
    let news = match kind {
        NoticeKind::OwnerDisabled => News::OwnerDisabled(Owner::from_id(&entry.object.id)?, entry.actor.clone()),
        NoticeKind::Idle => {
            let at = entry.after.as_ref().and_then(|after| after["state_at"].as_str()?.parse::<Timestamp>().ok());
            News::Idle(key()?, at.unwrap_or(entry.at))
        }
        NoticeKind::Decided => News::Decided(key()?, entry.actor.clone(), entry.action == "key.approve"),
        NoticeKind::OldSecretUsed => {
            let ip = entry.after.as_ref().and_then(|after| after["seen"]["ip"].as_str()?.parse().ok());
            News::Used(key()?, ip)
        }
        _ => News::Done(key()?, entry.actor.clone()),
    };
    let (object, threshold) = (entry.object.id.clone(), format!("entry {seq}"));
    Some(Item { told: Told { organization, object, kind, threshold, at: entry.at }, news })
}
