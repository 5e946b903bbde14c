//! What the engine gathered, written in batches: no audit, no tenant's lock, and in the feed only uses that are news.
//!
//! A batch is counted once, also where its COMMIT was lost on the way and it is written again: each writer numbers its
//! batches, and the number of the last one stands in the transaction that wrote it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use claviger_domain::change::Position;
use claviger_domain::usage::{KeyUsage, Refusal, Sighting, UsageBatch};
use claviger_domain::{KeyId, OrganizationId, Random, Timestamp};

use crate::conn::Conn;
use crate::pools::Writing;
use crate::sightings::{self, KnownPlaces, Place};
use crate::sql::{Sql, batches, json, sql};
use crate::write::FeedRow;
use crate::{Error, Result, Store, refusals, write};

mod read;
mod rights;
mod since;
mod subjects;
mod trim;

pub use read::{Counted, Ranked, Span, Step, TopFilter, series, top};
pub use rights::rights_of;
pub use since::since;
pub use subjects::subjects_of;
pub use trim::{Kept, trim, trim_keys};

/// How often a batch is tried when others are in its way.
const ATTEMPTS_MAX: u32 = 8;

/// A writer's number is forgotten this long after its last batch: far longer than any COMMIT stays unclear.
const WRITER_KEPT: Duration = Duration::from_hours(7 * 24);

/// Keys that one row of the feed names.
const USES_PER_ROW: usize = 64;

const USAGE_HEAD: &str = "INSERT INTO key_usage (key_id, organization_id, last_used_at, last_used, old_last_used_at, \
     last_refused_at, last_refused) VALUES";
/// Several nodes write: what is newer stays.
const USAGE_TAIL: &str = " ON CONFLICT (key_id) DO UPDATE SET \
     last_used = CASE WHEN COALESCE(excluded.last_used_at, -1) > COALESCE(key_usage.last_used_at, -1) \
         THEN excluded.last_used ELSE key_usage.last_used END, \
     last_used_at = CASE WHEN COALESCE(excluded.last_used_at, -1) > COALESCE(key_usage.last_used_at, -1) \
         THEN excluded.last_used_at ELSE key_usage.last_used_at END, \
     old_last_used_at = CASE WHEN COALESCE(excluded.old_last_used_at, -1) > COALESCE(key_usage.old_last_used_at, -1) \
         THEN excluded.old_last_used_at ELSE key_usage.old_last_used_at END, \
     last_refused = CASE WHEN COALESCE(excluded.last_refused_at, -1) > COALESCE(key_usage.last_refused_at, -1) \
         THEN excluded.last_refused ELSE key_usage.last_refused END, \
     last_refused_at = CASE WHEN COALESCE(excluded.last_refused_at, -1) > COALESCE(key_usage.last_refused_at, -1) \
         THEN excluded.last_refused_at ELSE key_usage.last_refused_at END";
const COUNTS_HEAD: &str = "INSERT INTO usage_counts (organization_id, key_id, hour, door, code, count) VALUES";
const COUNTS_TAIL: &str =
    " ON CONFLICT (key_id, hour, door, code) DO UPDATE SET count = usage_counts.count + excluded.count";

/// A row of `usage_counts` without its count.
type CountKey = (KeyId, OrganizationId, Timestamp, &'static str, &'static str);

/// Whoever writes batches: a process, which does so one after the other.
#[derive(Debug)]
pub struct Writer {
    /// Random, so that no two processes are ever the same writer.
    id: String,
    /// The number of the batch that is next, or that is not certainly written yet.
    batch: i64,
    /// What it has written of where keys were used from.
    known: KnownPlaces,
}

// === impl Writer ===

impl Writer {
    /// A writer that has written nothing.
    pub fn new(random: &dyn Random) -> Self {
        let mut id = [0; 16];
        random.fill(&mut id);
        Self { id: format!("{:032x}", u128::from_be_bytes(id)), batch: 1, known: KnownPlaces::default() }
    }

    /// Writes a batch in a transaction of its own, and keeps the diagnostic log within its bounds.
    ///
    /// # Errors
    /// Any [`Error`]: nothing of the batch was written then, but for [`Error::Unknown`]. The very same batch has to be
    /// given again, and is counted once whatever became of it before.
    pub async fn record(&mut self, store: &Store, batch: &UsageBatch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let refusals = newest_of_each_log(store, &batch.refusals);
        let mut attempt = 1;
        loop {
            let Writing { mut conn, place } = store.begin().await?;
            let written = match self.begin(store, &mut conn).await {
                Ok(true) => self.write_batch(store, &mut conn, batch, &refusals).await,
                Ok(false) => Ok((None, Vec::new())),
                Err(error) => Err(error),
            };
            let again = conn.met_conflict() && attempt < ATTEMPTS_MAX;
            match written {
                Ok((position, places)) => {
                    Writing { conn, place }.commit().await.map_err(Error::at_commit)?;
                    self.batch += 1;
                    self.known.extend(places);
                    if let Some(position) = position {
                        store.note_own_uses(position);
                        store.note_committed(position).await;
                    }
                    return Ok(());
                }
                Err(_) if again => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Takes the writer's row with this batch's number; `false`: the batch is there already. A transaction of before that
    /// still runs at the database holds the row: this waits for its end.
    async fn begin(&self, store: &Store, conn: &mut Conn) -> Result<bool> {
        let now = store.clock().now();
        if self.batch == 1 {
            let before = Timestamp::from_micros(now.as_micros().saturating_sub(WRITER_KEPT.as_micros() as i64));
            conn.execute(sql("DELETE FROM usage_writers WHERE written_at < $1").bind(before)).await?;
            since::begin(conn, now).await?;
        }
        let statement = sql("INSERT INTO usage_writers (id, batch, written_at) VALUES ($1, $2, $3) \
             ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, written_at = excluded.written_at \
             WHERE usage_writers.batch < excluded.batch");
        Ok(conn.execute(statement.bind(&self.id).bind(self.batch).bind(now)).await? == 1)
    }

    /// Where it stands in the feed, and the places that are known once it is committed.
    async fn write_batch(
        &self,
        store: &Store,
        conn: &mut Conn,
        batch: &UsageBatch,
        refusals: &[(&Refusal, String)],
    ) -> Result<(Option<Position>, Vec<Place>)> {
        write_rows(conn, &batch.keys, refusals).await?;
        subjects::write(conn, &batch.keys, &batch.subjects).await?;
        rights::write(conn, &batch.rights).await?;
        let places = sightings::note(conn, &self.known, &batch.keys, &batch.refusals).await?;
        Ok((announce_news(store, conn, &batch.keys).await?, places))
    }
}

/// Tells the other nodes of uses that they do not know.
async fn announce_news(store: &Store, conn: &mut Conn, keys: &[KeyUsage]) -> Result<Option<Position>> {
    let mut news: BTreeMap<OrganizationId, BTreeSet<KeyId>> = BTreeMap::new();
    for usage in keys.iter().filter(|usage| usage.is_news) {
        news.entry(usage.organization).or_default().insert(usage.key);
    }
    let mut rows = Vec::new();
    for (organization, keys) in news {
        let keys: Vec<KeyId> = keys.into_iter().collect();
        rows.extend(keys.chunks(USES_PER_ROW).map(|keys| FeedRow::of_uses(organization, keys)));
    }
    if rows.is_empty() {
        return Ok(None);
    }
    write::announce(conn, store.random(), store.kind(), rows).await.map(Some)
}

/// A row of `key_usage`.
struct Last<'a> {
    organization: OrganizationId,
    used: Option<&'a Sighting>,
    old_used: Option<Timestamp>,
    refused: Option<&'a Sighting>,
}

async fn write_rows(conn: &mut Conn, keys: &[KeyUsage], refusals: &[(&Refusal, String)]) -> Result<()> {
    let last: Vec<(KeyId, Last<'_>)> = last_by_key(keys).into_iter().collect();
    for batch in batches(&last) {
        let mut statement = Sql::rows(USAGE_HEAD, 7, batch.len(), USAGE_TAIL);
        for (key, last) in batch {
            statement = statement.bind(*key).bind(last.organization);
            statement = statement.bind(last.used.map(|seen| seen.at)).bind(last.used.map(json)).bind(last.old_used);
            statement = statement.bind(last.refused.map(|seen| seen.at)).bind(last.refused.map(json));
        }
        conn.execute(statement).await?;
    }
    let counts: Vec<(CountKey, u64)> = sum(keys).into_iter().collect();
    for batch in batches(&counts) {
        let mut statement = Sql::rows(COUNTS_HEAD, 6, batch.len(), COUNTS_TAIL);
        for ((key, organization, hour, door, code), count) in batch {
            statement = statement.bind(*organization).bind(*key).bind(*hour).bind(*door).bind(*code);
            statement = statement.bind(i64::try_from(*count).unwrap_or(i64::MAX));
        }
        conn.execute(statement).await?;
    }
    refusals::append(conn, refusals).await
}

/// One row a key, in the order of the ids, so that two nodes do not wait for each other in a circle.
fn last_by_key(keys: &[KeyUsage]) -> BTreeMap<KeyId, Last<'_>> {
    let mut rows: BTreeMap<KeyId, Last<'_>> = BTreeMap::new();
    for usage in keys {
        let empty = Last { organization: usage.organization, used: None, old_used: None, refused: None };
        let row = rows.entry(usage.key).or_insert(empty);
        row.used = row.used.into_iter().chain(&usage.last_used).max_by_key(|seen| seen.at);
        row.old_used = row.old_used.max(usage.old_last_used);
        row.refused = row.refused.into_iter().chain(&usage.last_refused).max_by_key(|seen| seen.at);
    }
    rows
}

fn sum(keys: &[KeyUsage]) -> BTreeMap<CountKey, u64> {
    let mut counts: BTreeMap<CountKey, u64> = BTreeMap::new();
    for usage in keys {
        for count in &usage.counts {
            let row = (usage.key, usage.organization, count.hour(), count.door.as_str(), count.code.as_str());
            *counts.entry(row).or_default() += count.count;
        }
    }
    counts
}

/// What of a batch would outlive the trimming, oldest first, each with the id of its row.
fn newest_of_each_log<'a>(store: &Store, refusals: &'a [Refusal]) -> Vec<(&'a Refusal, String)> {
    let mut kept: HashMap<(OrganizationId, Option<KeyId>), usize> = HashMap::new();
    let mut rows: Vec<(&Refusal, String)> = Vec::with_capacity(refusals.len());
    for (index, refusal) in refusals.iter().enumerate().rev() {
        let count = kept.entry((refusal.organization, refusal.key)).or_default();
        *count += 1;
        if *count <= refusals::bound(refusal.key) {
            let mut random = [0; 8];
            store.random().fill(&mut random);
            // The index keeps the order of refusals of the same microsecond.
            rows.push((refusal, format!("{index:08x}{:016x}", u64::from_be_bytes(random))));
        }
    }
    rows.reverse();
    rows
}
