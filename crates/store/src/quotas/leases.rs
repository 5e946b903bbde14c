//! Blocks: taken, given back, and lost with their process.
//!
//! Whoever touches leases holds their counters' rows, taken in the order of the counters, so that nobody waits in a circle.

use std::collections::{BTreeMap, BTreeSet};

use claviger_domain::Timestamp;
use claviger_domain::quota_block::block;

use super::counters::{Key, hold, make, of_counter, put, settle};
use super::{Ask, GIVEN_BACK_MAX, Lease, Return, TAKEN_MAX, Taken, amount};
use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::sql;
use crate::{Error, Result, Store};

/// The most counters of which blocks are written off in one transaction.
const LOST_MAX: i64 = 100;

/// What was lost with a process that ended out of order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lost {
    /// Blocks.
    pub leases: u64,
    /// Their units: it is not known how many of them were spent.
    pub units: u64,
}

/// Takes a block of each ask under a new id, all in one transaction, at most [`TAKEN_MAX`]; in their order. After
/// [`Error::Unknown`] the same asks under the same ids give the same blocks.
pub async fn take(store: &Store, asks: &[(Lease, Ask)]) -> Result<Vec<Taken>> {
    if asks.len() > TAKEN_MAX {
        return Err(Error::Refused(format!("more than {TAKEN_MAX} blocks at once")));
    }
    let mut by_counter: Vec<usize> = (0..asks.len()).collect();
    by_counter.sort_by_cached_key(|at| Key::from(&asks[*at].1.counter));
    transact!(store, |conn| take_each_within(conn, asks, &by_counter))
}

/// `order`: all of them, in the order in which counters are locked.
async fn take_each_within(conn: &mut Conn, asks: &[(Lease, Ask)], order: &[usize]) -> Result<Vec<Taken>> {
    let mut taken = vec![None; asks.len()];
    for at in order {
        let (lease, ask) = &asks[*at];
        taken[*at] = Some(take_within(conn, lease, ask).await?);
    }
    Ok(taken.into_iter().flatten().collect())
}

async fn take_within(conn: &mut Conn, lease: &Lease, ask: &Ask) -> Result<Taken> {
    let counter = Key::from(&ask.counter);
    let mut found = hold(conn, &counter).await?;
    if found.is_none() {
        make(conn, &counter, ask.now).await?;
        found = hold(conn, &counter).await?;
    }
    let mut row = found.ok_or_else(|| Error::Unreadable("a counter that was just made is not there".to_owned()))?;
    row.tally = ask.quota.advance(row.tally, ask.now, &ask.zone);
    // The period in which the counter is: a clock that is behind does not take it back.
    let ends_at = ask.quota.begins_anew().then(|| ask.quota.resets_at(row.tally.since, &ask.zone)).flatten();
    let rest = ask.quota.left(&row.tally).saturating_sub(row.held);
    if let Some(units) = taken(conn, lease).await? {
        return Ok(Taken { units, rest, held: row.held, ends_at });
    }
    let units = block(rest, ask.nodes, ask.wanted);
    if units > 0 {
        insert(conn, lease, &counter, units, ends_at).await?;
        row.held += units;
    }
    put(conn, &counter, &row, ends_at).await?;
    Ok(Taken { units, rest: rest - units, held: row.held, ends_at })
}

/// Gives back what is unspent of blocks, at most [`GIVEN_BACK_MAX`]. A block that was given back before, or never taken, or is
/// written off, is passed over; so after [`Error::Unknown`] the same may be given again. How many were passed over.
pub async fn give_back(store: &Store, returns: &[Return]) -> Result<usize> {
    if returns.len() > GIVEN_BACK_MAX {
        return Err(Error::Refused(format!("more than {GIVEN_BACK_MAX} leases at once")));
    }
    let mut by_counter: BTreeMap<Key, Vec<&Return>> = BTreeMap::new();
    for back in returns {
        by_counter.entry(Key::from(&back.counter)).or_default().push(back);
    }
    transact!(store, |conn| give_back_within(conn, &by_counter))
}

async fn give_back_within(conn: &mut Conn, by_counter: &BTreeMap<Key, Vec<&Return>>) -> Result<usize> {
    let mut passed_over = 0;
    for (counter, returns) in by_counter {
        // A block that is being taken at this moment, by a transaction whose end nobody heard of, is there or not after this.
        let row = hold(conn, counter).await?;
        let (mut held, mut spent) = (0, 0);
        for back in returns {
            let Some((units, ends_at)) = end(conn, &back.lease).await? else {
                passed_over += 1;
                continue;
            };
            held += units;
            if row.is_some_and(|row| is_of_period(ends_at, row.tally.since)) {
                // Nobody gives back more than they took.
                spent += units - amount(back.unspent).min(units);
            }
        }
        if held > 0 {
            settle(conn, counter, held, spent, 0).await?;
        }
    }
    Ok(passed_over)
}

/// The processes that hold blocks.
pub async fn runs(conn: &mut Conn) -> Result<Vec<String>> {
    conn.rows(sql("SELECT DISTINCT run FROM quota_leases"), |row| Ok(row.text(0)?.to_owned())).await
}

/// Writes off blocks of a process that ended out of order: they count as spent, as they may have been. Some of them at a time, until
/// there are none.
pub async fn lose(store: &Store, run: &str) -> Result<Lost> {
    transact!(store, |conn| lose_within(conn, run))
}

async fn lose_within(conn: &mut Conn, run: &str) -> Result<Lost> {
    let statement = sql("SELECT organization_id, counter FROM quota_leases WHERE run = $1 ORDER BY number LIMIT $2");
    let read = |row: &dyn Fields| Ok(Key { organization: row.text(0)?.to_owned(), counter: row.text(1)?.to_owned() });
    let counters: BTreeSet<Key> = conn.rows(statement.bind(run).bind(LOST_MAX), read).await?.into_iter().collect();
    let mut lost = Lost::default();
    for counter in &counters {
        let since = hold(conn, counter).await?.map(|row| row.tally.since);
        let statement = sql("DELETE FROM quota_leases \
             WHERE organization_id = $1 AND counter = $2 AND run = $3 RETURNING units, ends_at");
        let ended = conn.rows(of_counter(statement, counter).bind(run), read_ended).await?;
        let held = ended.iter().map(|(units, _)| units).sum::<i64>();
        let spent = ended.iter().filter(|(_, ends_at)| since.is_some_and(|since| is_of_period(*ends_at, since)));
        let spent = spent.map(|(units, _)| units).sum::<i64>();
        settle(conn, counter, held, spent, spent).await?;
        lost.leases += ended.len() as u64;
        lost.units += u64::try_from(held).unwrap_or_default();
    }
    Ok(lost)
}

/// Whether a block that is nothing after `ends_at` was taken in the period in which its counter is.
fn is_of_period(ends_at: Option<Timestamp>, since: Timestamp) -> bool {
    ends_at.is_none_or(|ends_at| since < ends_at)
}

async fn insert(conn: &mut Conn, lease: &Lease, counter: &Key, units: u64, ends_at: Option<Timestamp>) -> Result<()> {
    let statement = sql("INSERT INTO quota_leases (organization_id, counter, run, number, units, ends_at) \
         VALUES ($1, $2, $3, $4, $5, $6)");
    let statement = of_counter(statement, counter).bind(&lease.run).bind(lease.number);
    conn.execute(statement.bind(amount(units)).bind(ends_at)).await?;
    Ok(())
}

async fn taken(conn: &mut Conn, lease: &Lease) -> Result<Option<u64>> {
    let statement = sql("SELECT units FROM quota_leases WHERE run = $1 AND number = $2");
    let units = conn.row(statement.bind(&lease.run).bind(lease.number), |row| row.number(0)).await?;
    Ok(units.map(|units| u64::try_from(units).unwrap_or_default()))
}

/// Takes a block's row away; its units and the end of its period, if it was there.
async fn end(conn: &mut Conn, lease: &Lease) -> Result<Option<(i64, Option<Timestamp>)>> {
    let statement = sql("DELETE FROM quota_leases WHERE run = $1 AND number = $2 RETURNING units, ends_at");
    conn.row(statement.bind(&lease.run).bind(lease.number), read_ended).await
}

fn read_ended(row: &dyn Fields) -> Result<(i64, Option<Timestamp>)> {
    Ok((row.number(0)?, row.time_or_none(1)?))
}
