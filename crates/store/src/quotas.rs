//! Quotas: how much of each is spent, and the blocks that nodes hold.
//!
//! A node takes units in blocks and gives back what it did not spend. A unit is taken before it is spent and comes back only from
//! who holds it, so no number of nodes ever spends more than the quota. Taking is a short transaction on the rows of some counters: no
//! tenant's lock, no audit, no feed. Leases are known by process and number, so whoever is not told how a COMMIT ended does the
//! same once more and nothing is counted twice.

use claviger_domain::limit::{CounterId, Quota, Zone};
use claviger_domain::quota_block::Wanted;
use claviger_domain::{OrganizationId, Timestamp};

use crate::pools::Writing;
use crate::{Error, Result};

/// Ends a transaction's try: what it came to, or nothing where others were in its way and it is to be tried again.
async fn end_try<T>(writing: Writing<'_>, tried: Result<T>, attempt: u32) -> Option<Result<T>> {
    match tried {
        Ok(value) => Some(writing.commit().await.map_err(Error::at_commit).map(|()| value)),
        Err(_) if writing.conn.met_conflict() && attempt < ATTEMPTS_MAX => None,
        Err(error) => Some(Err(error)),
    }
}

/// Tries a transaction of its own until it is through.
macro_rules! transact {
    ($store:expr, |$conn:ident| $work:expr) => {{
        let mut attempt = 1;
        loop {
            let mut writing = $store.begin().await?;
            let $conn = &mut writing.conn;
            let tried = $work.await;
            if let Some(ended) = $crate::quotas::end_try(writing, tried, attempt).await {
                break ended;
            }
            attempt += 1;
        }
    }};
}

mod counters;
mod leases;

pub use counters::{trim, usage};
pub use leases::{Lost, give_back, lose, runs, take};

/// The most leases that are given back at once.
pub const GIVEN_BACK_MAX: usize = 64;
/// The most blocks that are taken in one transaction.
pub const TAKEN_MAX: usize = 64;
/// How often a transaction is tried when others are in its way.
const ATTEMPTS_MAX: u32 = 8;

/// A counter: whose, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter {
    /// Whose limit it is.
    pub organization: OrganizationId,
    /// Of which limit, and of whom.
    pub id: CounterId,
}

/// A block to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Of which counter.
    pub counter: Counter,
    /// The quota as it is now.
    pub quota: Quota,
    /// Where its periods begin.
    pub zone: Zone,
    /// What time it is: where clocks differ, the counter's calendar goes by the latest.
    pub now: Timestamp,
    /// How much is of use.
    pub wanted: Wanted,
    /// How many nodes share the rest.
    pub nodes: usize,
}

/// Which block: a process's own number for it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The process.
    pub run: String,
    /// Never used twice by it.
    pub number: i64,
}

/// What an [`Ask`] came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The block; 0: too little is left.
    pub units: u64,
    /// What is left beside it, blocks that others hold not counted.
    pub rest: u64,
    /// What all hold in blocks, this one included: it may come back.
    pub held: u64,
    /// When the period ends, after which the block is nothing; `None`: never.
    pub ends_at: Option<Timestamp>,
}

/// A block that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    /// Which.
    pub lease: Lease,
    /// Of which counter.
    pub counter: Counter,
    /// What of it was not spent.
    pub unspent: u64,
}

/// How a counter stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// What is spent, and what was lost with nodes that ended out of order.
    pub spent: u64,
    /// What nodes hold in blocks at the moment: spent or not.
    pub held: u64,
    /// What was lost with nodes that ended out of order, since there is this counter.
    pub lost: u64,
}

/// An amount as the database holds it; all amounts are below 2^53.
fn amount(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}
