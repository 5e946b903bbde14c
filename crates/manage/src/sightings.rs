//! Tells of what was seen of keys: uses from a network for the first time, and of secrets that were rotated out.
//!
//! It waits in the store from the transaction that wrote the usage, and stops waiting in the one that tells: so nothing is told twice
//! and nothing lost, on however many nodes and whatever dies.

use std::collections::HashMap;
use std::sync::Arc;

use claviger_domain::key::Key;
use claviger_domain::{KeyId, OrganizationId, Random, RequestId};
use claviger_engine::Engine;
use claviger_store::sightings::{Seen, SightingKind};
use claviger_store::{Scope, Tx, keys, sightings};

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::{home_in, note_old_secret_use};
use crate::notices::{self, Teller};
use crate::webhooks;

/// What is told of in one transaction.
const BATCH: usize = 100;
/// Organizations that are looked at in one go; what is left waits for the next.
const ORGANIZATIONS_MAX: usize = 1_000;

/// What telling takes beside the transaction.
#[derive(Clone)]
struct Work {
    ctx: Ctx,
    teller: Teller,
    engine: Arc<Engine>,
    random: Arc<dyn Random>,
    organization: OrganizationId,
}

/// Deals with all that waits; how much was told of.
pub async fn tell(manage: &Manage) -> Result<usize, Error> {
    let mut told = 0;
    let waiting = sightings::waiting_organizations(&mut *manage.store.read().await?, ORGANIZATIONS_MAX).await?;
    for organization in waiting {
        // What fails for one is no reason to leave the others.
        match tell_organization(manage, organization).await {
            Ok(count) => told += count,
            Err(error) => tracing::debug!(%organization, "what was seen of keys could not be told now: {error:?}"),
        }
    }
    Ok(told)
}

async fn tell_organization(manage: &Manage, organization: OrganizationId) -> Result<usize, Error> {
    let mut told = 0;
    loop {
        let (count, is_through) = tell_some(manage, organization).await?;
        told += count;
        if is_through {
            return Ok(told);
        }
    }
}

/// One transaction; how much was told of, and whether nothing is left that can be told now.
async fn tell_some(manage: &Manage, organization: OrganizationId) -> Result<(usize, bool), Error> {
    let now = manage.clock.now();
    let ctx = Ctx::system(RequestId::new(now, &*manage.random), now);
    let work = Work {
        ctx: ctx.clone(),
        teller: Teller::new(manage, now),
        engine: manage.engine.clone(),
        random: manage.random.clone(),
        organization,
    };
    let changed = manage.write(&ctx, Scope::Organization(organization), move |tx| {
        let work = work.clone();
        Box::pin(async move { work.run(tx).await })
    });
    Ok(changed.await?.value)
}

// === impl Work ===

impl Work {
    async fn run(&self, tx: &mut Tx) -> Result<(usize, bool), Error> {
        let mut seen = sightings::waiting(tx, self.organization, SightingKind::OldSecret, BATCH).await?;
        let mut is_through = seen.len() < BATCH;
        // Networks wait where a webhook can take no more; what may be a thief never does.
        let webhooks = webhooks::told_of_networks(tx, self.organization).await?;
        if webhooks.is_some() {
            let networks = sightings::waiting(tx, self.organization, SightingKind::Network, BATCH).await?;
            is_through &= networks.len() < BATCH;
            seen.extend(networks);
        }
        let webhooks = webhooks.unwrap_or_default();
        let home = home_in(tx, self.organization).await?;
        let keys = living(tx, &seen).await?;
        let of_key = |seen: &Seen| Some((keys.get(&seen.key)?.clone(), seen.clone()));
        let (networks, old): (Vec<_>, Vec<_>) =
            seen.iter().filter_map(of_key).partition(|(_, seen)| seen.kind == SightingKind::Network);
        let mut told = notices::tell_of_networks(tx, &self.teller, &home, &networks).await?;
        let means = (&self.ctx, &*self.random);
        told += webhooks::tell_of_networks(tx, means, self.organization, &webhooks, &networks).await?;
        for (key, Seen { sighting, .. }) in old {
            note_old_secret_use(tx, (&self.ctx, &self.engine), &home, key, &sighting).await?;
            told += 1;
        }
        for seen in &seen {
            sightings::settle(tx, seen).await?;
        }
        Ok((told, is_through))
    }
}

/// The keys that are still there.
async fn living(tx: &mut Tx, seen: &[Seen]) -> Result<HashMap<KeyId, Key>, Error> {
    let ids: Vec<KeyId> = seen.iter().map(|seen| seen.key).collect();
    let found = keys::find_many(tx, &ids).await?.into_iter().filter(|key| key.deleted_at.is_none());
    Ok(found.map(|key| (key.id, key)).collect())
}
