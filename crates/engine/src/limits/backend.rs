//! What the engine asks of others where it cannot know by itself: blocks of quotas that many nodes share, and rates that are
//! counted in one place. `server` implements it; the engine never sees a database.
//!
//! The engine is told of them by `Engine::keep_quotas` and `Engine::keep_rates`, at any time, and of the number of live nodes by
//! `Engine::note_live_nodes`. Blocks that have ended or are not needed any more it hands out by `Engine::blocks_to_give_back`: the
//! server takes them a few times a second and calls [`QuotaKeeper::give_back`], and at a stop takes all.
//!
//! A request waits for one of these for [`super::LimitsConfig::wait`] at most, and only where what is in hand is not enough.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use claviger_domain::limit::{CounterId, Gcra, Quota, Zone};
use claviger_domain::{OrganizationId, Timestamp};

/// A future of a port: boxed, as ports are objects. None is made while what is in hand is enough.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, Unavailable>> + Send + 'a>>;

/// Who keeps the truth about quotas: one for all nodes.
///
/// # What an implementer promises
/// - **Never more than the quota.** Of one counter, all blocks that are granted and were not given back are together no more than
///   [`Quota::limit`] in a period, whatever nodes ask at once, crash or restart. A block counts as spent from its grant on, until
///   it is given back. One transaction a call, with the counter's row locked.
/// - **The calendar is the keeper's.** Each call brings the tally forward by [`Quota::advance`] with the keeper's one clock before
///   it looks at it, so that nodes whose clocks differ agree on the period. Blocks of a period that has ended are not given back
///   into the next one ([`Quota::begins_anew`]).
/// - **A block has a lease.** After it the node does not spend from the block any more (the engine sees to that by the monotonic
///   clock, and counts [`Granted::lease_time`] from *before* it asked). What the node has not given back within some time after that
///   is spent: that is what a crash costs, and the implementer counts it for the metrics.
/// - **Blocks halve as the rest shrinks**, so that the last ones are not all in one node's hand; one that is asked for `wanted`
///   gets no more than is left, and at least `needed` or nothing. A grant of nothing says when to ask again
///   ([`Granted::ask_again`]): soonest when another node's block may come back.
/// - **Idempotent give-back.** The same [`Unspent`] twice counts once.
/// - **Cancel safe.** A future that is dropped may have granted a block: then it ends by its lease.
pub trait QuotaKeeper: Send + Sync + 'static {
    /// Takes a block out of a quota for this node.
    fn lease_block(&self, asked: BlockAsked) -> Asking<'_, Granted>;

    /// Gives back what is left of blocks: they have ended, another one took their place, or the node stops.
    fn give_back(&self, blocks: Vec<Unspent>) -> Asking<'_, ()>;

    /// How these quotas stand, in their order, without taking anything: for those who look at them.
    fn peek(&self, asked: Vec<QuotaAsked>) -> Asking<'_, Vec<QuotaStanding>>;
}

/// Who counts rates for all nodes in one place (Redis, Valkey).
///
/// # What an implementer promises
/// - **All or none**: one script, one round trip. If every rate has room, all are taken; else none is touched.
/// - The algorithm is [`Gcra`]'s, by the keeper's own clock: `interval` and `capacity` are what [`Gcra::parts`] says.
/// - A key of its own for each [`CounterId`], in one hash slot where the back end has slots, that ends when its bucket is full.
/// - **Answers in time or fails**: the engine goes on after [`super::LimitsConfig::wait`] as its configuration says.
pub trait RateKeeper: Send + Sync + 'static {
    /// Takes these rates, all or none.
    fn take(&self, rates: Vec<RateAsked>) -> Asking<'_, Vec<RateTaken>>;

    /// Gives back what a request took that another limit then refused. Best effort: what is lost refills.
    fn give_back(&self, rates: Vec<RateAsked>) -> Asking<'_, ()>;
}

/// A block that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockAsked {
    /// Of which counter; its text is what it is known by.
    pub counter: CounterId,
    /// Whose it is: the row goes with the organization.
    pub organization: OrganizationId,
    /// The quota as it is now; its limit may have been changed since the last block.
    pub quota: Quota,
    /// Where its periods begin.
    pub zone: Zone,
    /// What the request that waits takes: a smaller block is of no use, none is granted then.
    pub needed: u64,
    /// What would be good: more, so that the next requests need not ask. At least `needed`.
    pub wanted: u64,
}

/// A quota that somebody looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaAsked {
    /// Which counter.
    pub counter: CounterId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The quota as it is now.
    pub quota: Quota,
    /// Where its periods begin.
    pub zone: Zone,
}

/// How a quota stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaStanding {
    /// What is spent in this period.
    pub spent: u64,
    /// What nodes hold in blocks: spent or not.
    pub held: u64,
    /// When the next period begins or something comes back, by the keeper's clock; `None`: never.
    pub resets_at: Option<Timestamp>,
}

/// A block that is in this node's hand, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// Which lease: to give it back by. Never one that was given to anybody before.
    pub lease: LeaseId,
    /// How many; 0: none is left, or fewer than are needed.
    pub amount: u64,
    /// How long it may be spent, from before it was asked for.
    pub lease_time: Duration,
    /// In how long the period of the calendar ends, by the keeper's clock; `None`: never, or the refill changes nothing in hand.
    /// The block is nothing any more then.
    pub period_left: Option<Duration>,
    /// What is left of the quota beside the block, other nodes' blocks not counted.
    pub rest: u64,
    /// Where nothing was granted: in how long it is worth to ask again. `None`: when the period ends, or never.
    pub ask_again: Option<Duration>,
}

/// A lease of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct LeaseId(pub u128);

/// What is left of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unspent {
    /// Of which counter.
    pub counter: CounterId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// Of which lease.
    pub lease: LeaseId,
    /// How many were not spent; may be 0, then the lease is only ended.
    pub amount: u64,
}

/// A rate that a request takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateAsked {
    /// Of which counter.
    pub counter: CounterId,
    /// The whole rate.
    pub rate: Gcra,
    /// What the request takes.
    pub cost: u64,
}

/// What came of it, in the order of the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateTaken {
    /// Whether there was room.
    pub passes: bool,
    /// How many of cost 1 would pass now.
    pub remaining: u64,
    /// In how many nanoseconds the bucket is full again.
    pub full_in: u64,
    /// Where there was no room: in how many nanoseconds the same request would pass; `None`: never.
    pub retry_in: Option<u64>,
}

/// The back end cannot be asked. Which way requests go then is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable;

// === impl Unavailable ===

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whoever keeps the limits cannot be asked")
    }
}

impl std::error::Error for Unavailable {}
