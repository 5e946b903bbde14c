//! What is counted goes when it is old, a few rows at a time.

use std::time::Duration;

use claviger_domain::{KeyId, Timestamp};

use crate::keys::{bind_ids, id_lists, placeholders};
use crate::sql::{Sql, sql};
use crate::{Error, Result, Store, sightings};

/// For how long counts are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Those of minutes.
    pub minutes: Duration,
    /// Those of hours.
    pub hours: Duration,
    /// Those of days, and which rights were used.
    pub days: Duration,
}

/// Rows that are deleted in one transaction.
const TRIMMED_TOGETHER: usize = 500;
/// Transactions of one kind of count and organization: what is left goes the next time.
const ROUNDS_MAX: usize = 200;
/// Organizations, and keys, that are read together.
const READ_TOGETHER: i64 = 64;
/// What is counted in each table.
const KINDS: [&str; 5] = ["all", "api", "key", "owner", "set"];
/// The tables.
const TRIMS: [&str; 3] = [
    "DELETE FROM usage_minutes WHERE (organization_id, kind, at, subject, code) IN \
         (SELECT organization_id, kind, at, subject, code FROM usage_minutes \
         WHERE organization_id = $1 AND kind = $2 AND at < $3 LIMIT $4)",
    "DELETE FROM usage_hours WHERE (organization_id, kind, at, subject, code) IN \
         (SELECT organization_id, kind, at, subject, code FROM usage_hours \
         WHERE organization_id = $1 AND kind = $2 AND at < $3 LIMIT $4)",
    "DELETE FROM usage_days WHERE (organization_id, kind, at, subject, code) IN \
         (SELECT organization_id, kind, at, subject, code FROM usage_days \
         WHERE organization_id = $1 AND kind = $2 AND at < $3 LIMIT $4)",
];

/// Deletes the counts of minutes, hours and days that are older than they are kept; how many rows. Several nodes may do it at once.
pub async fn trim(store: &Store, kept: Kept) -> Result<u64> {
    let now = store.clock().now();
    let before = [kept.minutes, kept.hours, kept.days].map(|kept| now.saturating_sub(kept));
    let (mut trimmed, mut after) = (0, String::new());
    loop {
        let statement = sql("SELECT id FROM organizations WHERE id > $1 ORDER BY id LIMIT $2");
        let statement = statement.bind(&after).bind(READ_TOGETHER);
        let organizations = store.read().await?.rows(statement, |row| Ok(row.text(0)?.to_owned())).await?;
        let Some(last) = organizations.last() else { return Ok(trimmed) };
        after.clone_from(last);
        for organization in &organizations {
            for (statement, before) in TRIMS.into_iter().zip(before) {
                for kind in KINDS {
                    trimmed += trim_kind(store, statement, organization, kind, before).await?;
                }
            }
        }
    }
}

async fn trim_kind(
    store: &Store,
    statement: &'static str,
    organization: &str,
    kind: &'static str,
    before: Timestamp,
) -> Result<u64> {
    let delete = || sql(statement).bind(organization).bind(kind).bind(before).bind(TRIMMED_TOGETHER);
    let mut trimmed = 0;
    for _ in 0..ROUNDS_MAX {
        let deleted = run(store, delete).await?;
        trimmed += deleted;
        if deleted < TRIMMED_TOGETHER as u64 {
            break;
        }
    }
    Ok(trimmed)
}

/// Deletes the hours of keys and the rights that they used which are older than they are kept; how many rows. It looks at every key
/// that was ever used: once a day is often enough.
pub async fn trim_keys(store: &Store, kept: Kept) -> Result<u64> {
    let now = store.clock().now();
    let (hours, days) = (now.saturating_sub(kept.hours), now.saturating_sub(kept.days));
    let (mut trimmed, mut after) = (0, String::new());
    loop {
        let statement = sql("SELECT key_id FROM key_usage WHERE key_id > $1 ORDER BY key_id LIMIT $2");
        let statement = statement.bind(&after).bind(READ_TOGETHER);
        let keys: Vec<KeyId> = store.read().await?.rows(statement, |row| row.parsed(0)).await?;
        let Some(last) = keys.last() else { return Ok(trimmed) };
        after = last.to_string();
        for ids in id_lists(&keys) {
            let of_keys = |head: &'static str, before: Timestamp, tail: &'static str| {
                bind_ids(sql(head).push(placeholders(ids.len())).push(")"), ids).push_bound(tail, [before])
            };
            let hours = || of_keys("DELETE FROM usage_counts WHERE key_id IN (", hours, " AND hour < ?");
            let rights = || of_keys("DELETE FROM key_rights WHERE key_id IN (", days, " AND day < ?");
            let sightings = || sightings::of_deleted(ids);
            trimmed += run(store, hours).await? + run(store, rights).await? + run(store, sightings).await?;
        }
    }
}

async fn run(store: &Store, statement: impl Fn() -> Sql) -> Result<u64> {
    let mut writing = store.begin().await?;
    let deleted = writing.conn.execute(statement()).await?;
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(deleted)
}
