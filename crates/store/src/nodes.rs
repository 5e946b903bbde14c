//! Nodes: which servers there are, how far each has applied the feed, and which of them signed off.
//!
//! A node writes its row before its first load, so whoever reads the rows after a commit finds every node that could give
//! verdicts without that change. Rows are no part of tenants, audit or feed.

use std::time::Duration;

use claviger_domain::change::Position;
use claviger_domain::{NodeId, Timestamp};

use crate::conn::{Conn, Snapshot};
use crate::feed::{self, Mark};
use crate::fields::Fields;
use crate::pools::Writing;
use crate::sql::{Sql, sql};
use crate::write::Tx;
use crate::{Error, Result, Store};

/// A node as it writes its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRow {
    /// Its id, which outlives the process.
    pub id: NodeId,
    /// This process.
    pub run: String,
    /// The machine's name, for people.
    pub host: String,
    /// The program's version.
    pub version: String,
    /// When the process began, by its own clock.
    pub started_at: Timestamp,
    /// For how long it gives verdicts without news from the database; `None`: for ever.
    pub staleness_limit: Option<Duration>,
}

/// A row as others read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRow {
    /// What the node says of itself.
    pub own: OwnRow,
    /// Counts up while the node lives and reaches the database.
    pub heartbeat: i64,
    /// What it has applied of this very feed; `None`: nothing, or of another one.
    pub applied: Option<Position>,
    /// When it stopped in order, if it did.
    pub signed_off_at: Option<Timestamp>,
    /// All uses that it saw before this instant, by its own clock, are written; `None`: by a program that does not say so.
    pub uses_written_to: Option<Timestamp>,
}

/// How far a node is, as it writes it into its row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress<'a> {
    /// What it has applied, if anything.
    pub applied: Option<&'a Mark>,
    /// See [`NodeRow::uses_written_to`].
    pub uses_written_to: Option<Timestamp>,
}

/// What became of a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// It is in the row.
    Counted,
    /// There is no such row: it was forgotten, or the database is another one.
    Missing,
    /// The row is another process's.
    Displaced,
}

const SELECT: &str = "SELECT n.id, n.run, n.host, n.version, n.started_at, n.staleness_limit, n.heartbeat, n.epoch, n.seq, \
     CASE WHEN c.nonce = n.nonce THEN 1 ELSE 0 END, n.signed_off_at, n.uses_written_to FROM nodes n \
     LEFT JOIN changes c ON c.epoch = n.epoch AND c.seq = n.seq AND c.n = 0 ORDER BY n.id";

/// All nodes in the order of their ids, and where the feed stands at that instant.
pub async fn all(snapshot: &mut Snapshot) -> Result<(Vec<NodeRow>, Position)> {
    let head = feed::head(snapshot).await?;
    Ok((snapshot.rows(sql(SELECT), read).await?, head.position))
}

fn read(row: &dyn Fields) -> Result<NodeRow> {
    let position = Position { epoch: row.number(7)?, seq: row.number(8)? };
    let is_of_this_feed = row.number(9)? == 1;
    let micros = row.number_or_none(5)?;
    let staleness_limit = micros.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or_default()));
    Ok(NodeRow {
        own: OwnRow {
            id: row.parsed(0)?,
            run: row.text(1)?.to_owned(),
            host: row.text(2)?.to_owned(),
            version: row.text(3)?.to_owned(),
            started_at: row.time(4)?,
            staleness_limit,
        },
        heartbeat: row.number(6)?,
        applied: is_of_this_feed.then_some(position),
        signed_off_at: row.time_or_none(10)?,
        uses_written_to: row.time_or_none(11)?,
    })
}

/// Writes the row of a node that comes or comes back, with how far it is; from here on it is live to the others.
pub async fn join(store: &Store, own: &OwnRow, progress: Progress<'_>) -> Result<()> {
    let statement =
        sql("INSERT INTO nodes (id, run, host, version, started_at, staleness_limit, heartbeat, epoch, seq, nonce, \
         uses_written_to) VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET \
         run = excluded.run, host = excluded.host, version = excluded.version, started_at = excluded.started_at, \
         staleness_limit = excluded.staleness_limit, heartbeat = nodes.heartbeat + 1, epoch = excluded.epoch, \
         seq = excluded.seq, nonce = excluded.nonce, uses_written_to = excluded.uses_written_to, signed_off_at = NULL");
    let limit = own.staleness_limit.map(|limit| i64::try_from(limit.as_micros()).unwrap_or(i64::MAX));
    let statement = statement.bind(own.id).bind(&own.run).bind(&own.host).bind(&own.version).bind(own.started_at);
    write(store, bind_progress(statement.bind(limit), progress)).await?;
    Ok(())
}

/// Raises the heartbeat of a node's row and says how far the node is.
pub async fn beat(store: &Store, own: &OwnRow, progress: Progress<'_>) -> Result<Beat> {
    let statement = sql("UPDATE nodes SET heartbeat = heartbeat + 1, epoch = $3, seq = $4, nonce = $5, \
         uses_written_to = $6 WHERE id = $1 AND run = $2");
    let statement = statement.bind(own.id).bind(&own.run);
    if write(store, bind_progress(statement, progress)).await? == 1 {
        return Ok(Beat::Counted);
    }
    let mut snapshot = store.read().await?;
    let rows = snapshot.number(sql("SELECT COUNT(*) FROM nodes WHERE id = $1").bind(own.id)).await?;
    Ok(if rows == 0 { Beat::Missing } else { Beat::Displaced })
}

/// Notes that a node stops in order: it gives no verdicts any more, and has written all uses.
pub async fn sign_off(store: &Store, own: &OwnRow, at: Timestamp) -> Result<()> {
    let statement = sql("UPDATE nodes SET signed_off_at = $3 WHERE id = $1 AND run = $2");
    write(store, statement.bind(own.id).bind(&own.run).bind(at)).await?;
    Ok(())
}

/// Takes a row away, unless the node has moved since `seen`; whether it did so.
pub async fn drop_silent(store: &Store, seen: &NodeRow) -> Result<bool> {
    Ok(write(store, delete_if_still(seen)).await? == 1)
}

/// The same in a transaction of the operator's.
pub async fn forget(tx: &mut Tx, seen: &NodeRow) -> Result<bool> {
    Ok(tx.execute(delete_if_still(seen)).await? == 1)
}

/// Whether there is a row of this id.
pub async fn exists(conn: &mut Conn, id: NodeId) -> Result<bool> {
    Ok(conn.number(sql("SELECT COUNT(*) FROM nodes WHERE id = $1").bind(id)).await? > 0)
}

fn delete_if_still(seen: &NodeRow) -> Sql {
    let statement = sql("DELETE FROM nodes WHERE id = $1 AND run = $2 AND heartbeat = $3");
    statement.bind(seen.own.id).bind(&seen.own.run).bind(seen.heartbeat)
}

fn bind_progress(statement: Sql, progress: Progress<'_>) -> Sql {
    let nothing = Mark { position: Position::default(), nonce: Vec::new() };
    let Mark { position, nonce } = progress.applied.unwrap_or(&nothing);
    statement.bind(position.epoch).bind(position.seq).bind(nonce).bind(progress.uses_written_to)
}

async fn write(store: &Store, statement: Sql) -> Result<u64> {
    let Writing { mut conn, place } = store.begin().await?;
    let rows = conn.execute(statement).await?;
    Writing { conn, place }.commit().await.map_err(Error::at_commit)?;
    Ok(rows)
}
