//! Tells webhooks of networks that keys were used from for the first time.

use claviger_domain::key::Key;
use claviger_domain::webhook::{EventType, Webhook};
use claviger_domain::{OrganizationId, Random};
use claviger_store::sightings::Seen;
use claviger_store::{Tx, webhook_deliveries, webhooks};
use serde_json::json;

use super::WAITING_MAX;
use super::event::{Event, describe, put};
use crate::ctx::Ctx;
use crate::error::Error;

/// The webhooks that are told of such uses; `None` while one of them can take no more.
pub(crate) async fn told_of_networks(tx: &mut Tx, organization: OrganizationId) -> Result<Option<Vec<Webhook>>, Error> {
    let mut told = webhooks::list(tx, organization).await?;
    told.retain(|webhook| webhook.wants(EventType::KeyNewAddress));
    for webhook in &told {
        if webhook_deliveries::depth_of(tx, webhook.id).await?.waiting >= WAITING_MAX {
            return Ok(None);
        }
    }
    Ok(Some(told))
}

/// Puts an event in for each of them and use; how many.
pub(crate) async fn tell_of_networks(
    tx: &mut Tx,
    (ctx, random): (&Ctx, &dyn Random),
    organization: OrganizationId,
    told: &[Webhook],
    seen: &[(Key, Seen)],
) -> Result<usize, Error> {
    if told.is_empty() || seen.is_empty() {
        return Ok(0);
    }
    let keys: Vec<Key> = seen.iter().map(|(key, _)| key.clone()).collect();
    let described = describe(tx, organization, &keys, ctx.now).await?;
    let mut count = 0;
    for (key, seen) in seen {
        let event = Event {
            kind: EventType::KeyNewAddress,
            cause: format!("network {} {}", key.id, seen.subject),
            at: seen.sighting.at,
            data: json!({"organization": organization, "key": described.get(&key.id), "seen": seen.sighting}),
        };
        for webhook in told {
            count += usize::from(put(tx, random, webhook, &event, ctx.now).await?);
        }
    }
    Ok(count)
}
