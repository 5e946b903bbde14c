//! The counters in memory, in shards: a request locks the shards of all its counters in their order, so that what it sees is what
//! it takes, and nobody waits for anybody in a ring.

use claviger_domain::limit::{Bucket, CounterId, Quota};
use claviger_domain::{OrganizationId, Timestamp};
use hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use super::backend::{BlockAsked, Granted, Unspent};
use super::quota::{Look, QuotaState};

const SHARDS: usize = 16;
/// A shard that is full looks for counters to forget no more often than this, in nanoseconds.
const SWEEP_PERIOD: u64 = 1_000_000_000;

/// All counters of this node.
#[derive(Debug)]
pub(crate) struct Counters {
    shards: [Padded; SHARDS],
    shard_max: usize,
}

/// A shard on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded {
    shard: Mutex<Shard>,
    /// Tells whoever waits for a block of one of its quotas.
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Shard {
    rates: HashMap<CounterId, Bucket>,
    quotas: HashMap<CounterId, QuotaState>,
    /// Blocks to give back.
    returns: Vec<Unspent>,
    swept_at: u64,
}

/// Some shards, locked.
pub(crate) struct Locked<'c> {
    shards: [Option<MutexGuard<'c, Shard>>; SHARDS],
    shard_max: usize,
}

// === impl Counters ===

impl Counters {
    pub(crate) fn new(counters_max: usize) -> Self {
        Self { shards: std::array::from_fn(|_| Padded::default()), shard_max: (counters_max / SHARDS).max(1) }
    }

    /// Locks what these counters stand in.
    pub(crate) fn lock(&self, counters: impl Iterator<Item = CounterId>) -> Locked<'_> {
        let needed = counters.fold(0u32, |needed, counter| needed | 1 << counter.shard(SHARDS));
        let mut locked = Locked { shards: [const { None }; SHARDS], shard_max: self.shard_max };
        for (at, padded) in self.shards.iter().enumerate() {
            if needed & 1 << at != 0 {
                locked.shards[at] = Some(padded.shard.lock());
            }
        }
        locked
    }

    /// Tells of each block that arrives for a quota of this one's shard.
    pub(crate) fn arrivals(&self, counter: CounterId) -> &Notify {
        &self.shards[counter.shard(SHARDS)].arrived
    }

    /// Whether a block of this quota is being asked for.
    pub(crate) fn is_asking(&self, counter: CounterId) -> bool {
        let shard = self.shards[counter.shard(SHARDS)].shard.lock();
        shard.quotas.get(&counter).is_some_and(QuotaState::is_asking)
    }

    /// Notes what the keeper gave.
    pub(crate) fn install(&self, asked: &BlockAsked, granted: &Granted, asked_at: u64, resets_at: Option<Timestamp>) {
        let mut shard = self.shards[asked.counter.shard(SHARDS)].shard.lock();
        let state = shard.quotas.entry(asked.counter).or_insert_with(|| QuotaState::new(asked.organization));
        state.install(asked, granted, asked_at, resets_at);
    }

    /// Nobody asks for a block of this quota any more, with or without having got one.
    pub(crate) fn end_asking(&self, counter: CounterId, down_until: Option<u64>) {
        let padded = &self.shards[counter.shard(SHARDS)];
        if let Some(state) = padded.shard.lock().quotas.get_mut(&counter) {
            state.end_asking(down_until);
        }
        padded.arrived.notify_waiters();
    }

    /// The blocks to give back at `now`; with `all`, every one.
    pub(crate) fn blocks_to_give_back(&self, now: u64, all: bool) -> Vec<Unspent> {
        let mut returned = Vec::new();
        for padded in &self.shards {
            let mut shard = padded.shard.lock();
            let Shard { quotas, returns, .. } = &mut *shard;
            quotas.retain(|counter, state| {
                state.let_go(*counter, (!all).then_some(now), returns);
                !state.is_idle(now)
            });
            returned.append(returns);
        }
        returned
    }

    /// How many counters there are.
    pub(crate) fn len(&self) -> usize {
        let count = |padded: &Padded| {
            let shard = padded.shard.lock();
            shard.rates.len() + shard.quotas.len()
        };
        self.shards.iter().map(count).sum()
    }
}

// === impl Locked ===

impl Locked<'_> {
    fn shard(&mut self, counter: CounterId) -> Option<&mut Shard> {
        self.shards[counter.shard(SHARDS)].as_deref_mut()
    }

    /// The bucket of a rate; a full one where nothing is counted.
    pub(crate) fn bucket(&mut self, counter: CounterId) -> Bucket {
        self.shard(counter).and_then(|shard| shard.rates.get(&counter).copied()).unwrap_or_default()
    }

    /// Writes a bucket.
    pub(crate) fn set_bucket(&mut self, counter: CounterId, bucket: Bucket) {
        if let Some(shard) = self.shard(counter) {
            shard.rates.insert(counter, bucket);
        }
    }

    /// Whether there is room for this counter, or it is there.
    pub(crate) fn has_room(&mut self, counter: CounterId, now: u64) -> bool {
        let most = self.shard_max;
        self.shard(counter).is_some_and(|shard| {
            let is_there = || shard.rates.contains_key(&counter) || shard.quotas.contains_key(&counter);
            shard.rates.len() + shard.quotas.len() < most || is_there() || shard.sweep(now, most)
        })
    }

    /// Whether a request may take of a quota.
    pub(crate) fn look(
        &mut self,
        counter: CounterId,
        organization: OrganizationId,
        quota: Quota,
        now: u64,
        cost: u64,
    ) -> Look {
        let Some(shard) = self.shard(counter) else { return Look::Dry };
        let Shard { quotas, returns, .. } = shard;
        let state = quotas.entry(counter).or_insert_with(|| QuotaState::new(organization));
        state.look(counter, quota, now, cost, returns)
    }

    /// A quota that was looked at.
    pub(crate) fn quota(&mut self, counter: CounterId) -> Option<&mut QuotaState> {
        self.shard(counter)?.quotas.get_mut(&counter)
    }
}

// === impl Shard ===

impl Shard {
    /// Forgets what is full again: whoever counts there anew begins where it was. Says whether there is room now.
    fn sweep(&mut self, now: u64, most: usize) -> bool {
        if now < self.swept_at.saturating_add(SWEEP_PERIOD) && self.swept_at > 0 {
            return false;
        }
        self.swept_at = now.max(1);
        self.rates.retain(|_, bucket| *bucket > now);
        self.quotas.retain(|_, state| !state.is_idle(now));
        self.rates.len() + self.quotas.len() < most
    }
}
