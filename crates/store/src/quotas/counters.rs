//! Counters: how they stand, and the end of those that count no more.

use claviger_domain::Timestamp;
use claviger_domain::limit::{Quota, Tally, Zone};

use super::{Counter, Usage, amount};
use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{Sql, sql};
use crate::{Result, Store};

/// How many rows a transaction of the trimming deletes at most.
const TRIMMED_MAX: i64 = 10_000;

/// What a counter's row is known by; in the order of these it is locked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) organization: String,
    pub(super) counter: String,
}

/// A counter's row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) tally: Tally,
    pub(super) held: u64,
    lost: u64,
}

const READ: &str = "SELECT since, spent, held, lost FROM quota_counters WHERE organization_id = $1 AND counter = $2";
/// `FOR UPDATE` is no SQLite.
const HOLD: &str = "UPDATE quota_counters SET held = held WHERE organization_id = $1 AND counter = $2 \
     RETURNING since, spent, held, lost";

/// How a counter stands at `now`; all zero where nothing was ever taken of it.
pub async fn usage(conn: &mut Conn, counter: &Counter, quota: &Quota, zone: &Zone, now: Timestamp) -> Result<Usage> {
    let row = conn.row(of_counter(sql(READ), &counter.into()), read).await?;
    let usage = row.map(|row| {
        let spent = quota.advance(row.tally, now, zone).spent;
        Usage { spent, held: row.held, lost: row.lost }
    });
    Ok(usage.unwrap_or_default())
}

/// Deletes counters whose period ended before `before`; how many. What nodes hold of them they may no longer spend.
pub async fn trim(store: &Store, before: Timestamp) -> Result<u64> {
    transact!(store, |conn| delete_ended(conn, before))
}

async fn delete_ended(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    let statement = sql("DELETE FROM quota_counters WHERE (organization_id, counter) IN \
         (SELECT organization_id, counter FROM quota_counters WHERE ends_at < $1 LIMIT $2)");
    conn.execute(statement.bind(before).bind(TRIMMED_MAX)).await
}

/// Makes a counter's row, unless it is there.
pub(super) async fn make(conn: &mut Conn, counter: &Key, now: Timestamp) -> Result<()> {
    let statement = sql("INSERT INTO quota_counters (organization_id, counter, since, spent, held, lost) \
         VALUES ($1, $2, $3, 0, 0, 0) ON CONFLICT (organization_id, counter) DO NOTHING");
    conn.execute(of_counter(statement, counter).bind(now)).await?;
    Ok(())
}

/// Locks a counter's row until the end of the transaction.
pub(super) async fn hold(conn: &mut Conn, counter: &Key) -> Result<Option<Row>> {
    conn.row(of_counter(sql(HOLD), counter), read).await
}

/// Writes what has changed in a row that is held.
pub(super) async fn put(conn: &mut Conn, counter: &Key, row: &Row, ends_at: Option<Timestamp>) -> Result<()> {
    let statement = sql("UPDATE quota_counters SET since = $3, spent = $4, held = $5, ends_at = $6 \
         WHERE organization_id = $1 AND counter = $2");
    let statement = of_counter(statement, counter).bind(row.tally.since).bind(amount(row.tally.spent));
    conn.execute(statement.bind(amount(row.held)).bind(ends_at)).await?;
    Ok(())
}

/// Notes in a row that is held that blocks have ended.
pub(super) async fn settle(conn: &mut Conn, counter: &Key, held: i64, spent: i64, lost: i64) -> Result<()> {
    let statement = sql("UPDATE quota_counters SET held = held - $3, spent = spent + $4, lost = lost + $5 \
         WHERE organization_id = $1 AND counter = $2");
    conn.execute(of_counter(statement, counter).bind(held).bind(spent).bind(lost)).await?;
    Ok(())
}

pub(super) fn of_counter(statement: Sql, counter: &Key) -> Sql {
    statement.bind(&counter.organization).bind(&counter.counter)
}

impl From<&Counter> for Key {
    fn from(counter: &Counter) -> Self {
        Self { organization: counter.organization.to_string(), counter: counter.id.to_string() }
    }
}

fn read(row: &dyn Fields) -> Result<Row> {
    let units = |column| Ok::<_, crate::Error>(u64::try_from(row.number(column)?).unwrap_or_default());
    let tally = Tally { since: row.time(0)?, spent: units(1)? };
    Ok(Row { tally, held: units(2)?, lost: units(3)? })
}
