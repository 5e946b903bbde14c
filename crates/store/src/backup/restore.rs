//! Restoring: everything in one transaction, so that a database is either as it was or whole.

use std::fmt;
use std::io::BufRead;
use std::time::Duration;

use claviger_domain::audit::{Chain, Entry};
use claviger_domain::change::Position;
use claviger_domain::keyring::AuditKey;
use serde::de::{Deserialize, Deserializer, Visitor};

use super::read::Line;
use super::tables::{Column, ColumnKind, LEFT_OUT, TABLES, Table};
use super::{Backup, Progress, RestoreError, read};
use crate::conn::Conn;
use crate::database::Database;
use crate::migrate::{begin_feed, upgrade_rows};
use crate::nodes::{self, NodeRow};
use crate::pools::Writing;
use crate::sql::{Sql, batches, sql};
use crate::{Error, Result, audit, organizations};

/// How often running servers are looked for.
const LOOK_PAUSE: Duration = Duration::from_millis(250);
/// The rows that are read before they are written: whole batches.
const ROWS: usize = 320;

/// A value of a row as the file has it.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Rows of a table that wait to be written.
struct Waiting {
    head: String,
    columns: Vec<&'static Column>,
    rows: Vec<Vec<Value>>,
}

// === impl Database ===

impl Database {
    /// The servers that work on the database: those whose heartbeat goes on. Only where one did not sign off this waits, for
    /// `patience` until it is taken for dead.
    pub async fn running_nodes(&self, patience: Duration) -> Result<Vec<NodeRow>> {
        let open = async || {
            let (rows, _) = nodes::all(&mut self.read().await?).await?;
            Ok::<_, Error>(rows.into_iter().filter(|row| row.signed_off_at.is_none()).collect::<Vec<_>>())
        };
        let seen = open().await?;
        let looks = if seen.is_empty() { 0 } else { patience.as_millis().div_ceil(LOOK_PAUSE.as_millis()) };
        let was_seen =
            |row: &NodeRow| seen.iter().any(|old| (&old.own.run, old.heartbeat) == (&row.own.run, row.heartbeat));
        for _ in 0..looks {
            tokio::time::sleep(LOOK_PAUSE).await;
            let mut running = open().await?;
            running.retain(|row| !was_seen(row));
            if !running.is_empty() {
                return Ok(running);
            }
        }
        Ok(Vec::new())
    }

    /// Fills the database, which has no organization, with a backup; gives the position at which its feed begins anew.
    ///
    /// All of it happens in one transaction, which locks out servers that start meanwhile. `entry` goes to the end of the
    /// installation's audit chain; `key` is the audit key of the backup's ring.
    pub async fn restore<R: BufRead + Send>(
        &self,
        mut backup: Backup<R>,
        key: &AuditKey,
        entry: &Entry,
        mut tell: impl FnMut(Progress) + Send,
    ) -> Result<Position, RestoreError> {
        let Writing { mut conn, place } = self.write_long().await?;
        // A start writes this row too, and waits here.
        conn.execute(sql("UPDATE schema_state SET version = version WHERE id = 1")).await?;
        if organizations::count(&mut conn).await? > 0 {
            return Err(RestoreError::NotEmpty);
        }
        empty(&mut conn).await?;
        fill(&mut conn, &mut backup, key, &mut tell).await?;
        let header = backup.header();
        upgrade_rows(&mut conn, self.kind(), header.schema).await?;
        let ring = sql("INSERT INTO keyring (id, check_value, sealed) VALUES (1, $1, $2)");
        conn.execute(ring.bind(&header.keyring.check).bind(&header.keyring.sealed)).await?;
        let position = Position { epoch: header.epoch.saturating_add(1), seq: 0 };
        audit::append(&mut conn, key, Chain::Installation, entry).await?;
        begin_feed(&mut conn, self.random(), position.epoch).await?;
        Writing { conn, place }.commit().await.map_err(Error::at_commit)?;
        Ok(position)
    }
}

async fn empty(conn: &mut Conn) -> Result<()> {
    let left_out = LEFT_OUT.iter().filter(|(_, emptied)| *emptied).map(|(name, _)| *name);
    for name in TABLES.iter().rev().map(|table| table.name).chain(left_out) {
        conn.execute(Sql::of(format!("DELETE FROM {name}"))).await?;
    }
    Ok(())
}

async fn fill<R: BufRead>(
    conn: &mut Conn,
    backup: &mut Backup<R>,
    key: &AuditKey,
    tell: &mut impl FnMut(Progress),
) -> Result<(), RestoreError> {
    let mut waiting: Option<Waiting> = None;
    loop {
        let parsed = match backup.next(Some(key))? {
            Line::Row(line) => serde_json::from_slice::<Vec<Value>>(line).map_err(|error| error.to_string()),
            Line::Table(table, columns) => {
                if let Some(mut before) = waiting.replace(Waiting::new(table, columns)) {
                    before.write(conn).await?;
                }
                continue;
            }
            Line::End => break,
        };
        let Some(table) = &mut waiting else { return Err(backup.damaged("a row of no table")) };
        let row = parsed.and_then(|row| table.typed(row)).map_err(|what| backup.damaged(what))?;
        table.rows.push(row);
        if table.rows.len() == ROWS {
            table.write(conn).await?;
            tell(backup.progress());
        }
    }
    if let Some(mut last) = waiting {
        last.write(conn).await?;
    }
    Ok(())
}

// === impl Waiting ===

impl Waiting {
    fn new(table: &'static Table, columns: Vec<&'static Column>) -> Self {
        let head = format!("INSERT INTO {} ({}) VALUES", table.name, Table::column_list(&columns));
        Self { head, columns, rows: Vec::with_capacity(ROWS) }
    }

    /// The row with its values as the columns want them.
    fn typed(&self, row: Vec<Value>) -> Result<Vec<Value>, String> {
        if row.len() != self.columns.len() {
            return Err(format!("{} values for {} columns", row.len(), self.columns.len()));
        }
        let pairs = row.into_iter().zip(&self.columns);
        pairs
            .map(|(value, column)| match (value, column.kind) {
                (Value::Text(text), ColumnKind::Bytes) => {
                    read::base64(&text).map(Value::Bytes).ok_or_else(|| format!("{}: expected Base64", column.name))
                }
                (value @ (Value::Text(_) | Value::Null), ColumnKind::Text)
                | (value @ (Value::Number(_) | Value::Null), ColumnKind::Number) => Ok(value),
                _ => Err(format!("{}: a value of another type", column.name)),
            })
            .collect()
    }

    async fn write(&mut self, conn: &mut Conn) -> Result<()> {
        for batch in batches(&self.rows) {
            let mut statement = Sql::rows(&self.head, self.columns.len(), batch.len(), "");
            for (value, column) in batch.iter().flat_map(|row| row.iter().zip(&self.columns)) {
                statement = match (value, column.kind) {
                    (Value::Number(number), _) => statement.bind(*number),
                    (Value::Text(text), _) => statement.bind(text),
                    (Value::Bytes(bytes), _) => statement.bind(bytes),
                    (Value::Null, ColumnKind::Number) => statement.bind(None::<i64>),
                    (Value::Null, _) => statement.bind(None::<&str>),
                };
            }
            conn.execute(statement).await?;
        }
        self.rows.clear();
        Ok(())
    }
}

// === impl Value ===

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValueVisitor;
        impl Visitor<'_> for ValueVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a whole number or null")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Number(number))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
                i64::try_from(number).map(Value::Number).map_err(E::custom)
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Value, E> {
                Ok(Value::Text(text))
            }
        }
        deserializer.deserialize_any(ValueVisitor)
    }
}
