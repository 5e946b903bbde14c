//! Writing a backup: one snapshot, line by line, no faster than it is taken.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::keyring::SealedKeyring;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::{AssertSqlSafe, SqlSafeStr};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::tables::{Column, ColumnKind, TABLES, Table};
use super::{End, FORMAT, FORMAT_VERSION, Header, LINE_BYTES_MAX};
use crate::feed::{self, Mark};
use crate::fields::Fields;
use crate::native::Native;
use crate::{Error, Result, SCHEMA_VERSION, Store};

/// A part is sent as soon as it has so many bytes.
const PART_BYTES: usize = 64 * 1024;
/// The rows that are written between two looks at the part's size.
const ROWS: usize = 100;
/// The parts that wait to be taken.
const PARTS_WAITING: usize = 4;
/// How long a part waits before the backup is given up: its snapshot keeps the database from tidying up.
const TAKE_TIMEOUT: Duration = Duration::from_mins(2);

/// A backup on its way, part by part.
#[derive(Debug)]
pub struct Parts(mpsc::Receiver<Result<Vec<u8>>>);

/// The turn to write a backup: one at a time, because each holds a snapshot.
pub struct Turn {
    store: Store,
    _place: OwnedSemaphorePermit,
}

/// What writes it.
struct Writer {
    turn: Turn,
    native: Native,
    parts: mpsc::Sender<Result<Vec<u8>>>,
    part: Vec<u8>,
    lines: Sha256,
    rows: u64,
}

/// Bytes as a backup has them.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

// === impl Parts ===

impl Parts {
    /// The next part; none after the last. After an error there is no more: the backup is not whole.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>>> {
        self.0.recv().await
    }
}

// === impl Store ===

impl Store {
    /// Takes the turn to write a backup.
    ///
    /// # Errors
    /// [`Error::Busy`] while another one is under way.
    pub fn backup_turn(&self) -> Result<Turn> {
        let place = self.backups().try_acquire_owned().map_err(|_| Error::Busy)?;
        Ok(Turn { store: self.clone(), _place: place })
    }
}

// === impl Turn ===

impl Turn {
    /// Begins a backup of everything as it stands now; `program` is the version that the header names.
    pub async fn begin(self, program: &str) -> Result<Parts> {
        let native = Native::begin(&self.store.server()).await?;
        let (parts, taken) = mpsc::channel(PARTS_WAITING);
        let part = Vec::with_capacity(2 * PART_BYTES);
        let mut writer = Writer { turn: self, native, parts, part, lines: Sha256::new(), rows: 0 };
        let header = writer.header(program).await?;
        writer.line(&header)?;
        tokio::spawn(writer.run(header));
        Ok(Parts(taken))
    }
}

// === impl Writer ===

impl Writer {
    /// What the snapshot is of. Its first statement fixes it.
    async fn header(&mut self, program: &str) -> Result<Header> {
        let mut head = None;
        self.native.each(feed::SELECT_HEAD, |row| feed::read_head(row).map(|read| head = Some(read))).await?;
        let made_at = self.turn.store.clock().now();
        let missing = |what: &str| Error::Unreadable(format!("the database has no {what}"));
        let Mark { position, .. } = head.ok_or_else(|| missing("head of its feed"))?;
        let mut keyring = None;
        self.native
            .each("SELECT check_value, sealed FROM keyring", |row| {
                keyring = Some(SealedKeyring { check: row.bytes(0)?.to_vec(), sealed: row.bytes(1)?.to_vec() });
                Ok(())
            })
            .await?;
        let schema = self.number("SELECT version FROM schema_state").await?;
        if schema > SCHEMA_VERSION {
            return Err(Error::NewerSchema(schema));
        }
        let mut rows = BTreeMap::new();
        for table in TABLES {
            rows.insert(table.name.to_owned(), self.native.count(table.name).await? as u64);
        }
        Ok(Header {
            format: FORMAT.to_owned(),
            version: FORMAT_VERSION,
            schema,
            program: program.to_owned(),
            made_at,
            epoch: position.epoch,
            seq: position.seq,
            keyring: keyring.ok_or_else(|| missing("key ring"))?,
            rows,
        })
    }

    async fn number(&mut self, sql: impl SqlSafeStr) -> Result<i64> {
        let mut number = 0;
        self.native.each(sql, |row| row.number(0).map(|read| number = read)).await?;
        Ok(number)
    }

    async fn run(mut self, header: Header) {
        let written = self.body().await;
        match written {
            Ok(true) => tracing::info!(rows = self.rows, position = %header.position(), "wrote a backup"),
            Ok(false) => tracing::warn!("a backup was broken off: nobody took it"),
            Err(error) => {
                tracing::warn!(%error, "a backup was broken off");
                // Nobody is left to tell where that fails too.
                let _ = self.parts.send_timeout(Err(error), TAKE_TIMEOUT).await;
            }
        }
        if let Err(error) = self.native.end().await {
            tracing::debug!(%error, "the connection of a backup did not end in order");
        }
    }

    /// All that comes behind the header; whether somebody took it all.
    async fn body(&mut self) -> Result<bool> {
        for table in TABLES {
            let columns: Vec<_> = table.columns.iter().map(|column| column.name).collect();
            self.line(&json!({"table": table.name, "columns": columns}))?;
            if !self.table(table).await? {
                return Ok(false);
            }
        }
        let end = End::of(self.rows, &self.lines, self.turn.store.audit_key());
        self.line(&json!({"end": end}))?;
        Ok(send(&self.parts, &mut self.part).await)
    }

    async fn table(&mut self, table: &Table) -> Result<bool> {
        let columns: Vec<&Column> = table.columns.iter().collect();
        let statement = format!("SELECT {} FROM {}", Table::column_list(&columns), table.name);
        let Self { native, parts, part, lines, rows, .. } = self;
        let mut found = native.rows(AssertSqlSafe(statement));
        loop {
            let begun = part.len();
            let count = found.take(ROWS, |row| encode(row, table, part)).await?;
            lines.update(&part[begun..]);
            *rows += count as u64;
            if part.len() >= PART_BYTES && !send(parts, part).await {
                return Ok(false);
            }
            if count == 0 {
                return Ok(true);
            }
        }
    }

    fn line(&mut self, line: &impl Serialize) -> Result<()> {
        let begun = self.part.len();
        serde_json::to_writer(&mut self.part, line).map_err(|error| Error::Unreadable(error.to_string()))?;
        self.part.push(b'\n');
        self.lines.update(&self.part[begun..]);
        Ok(())
    }
}

/// Hands a part over; whether it was taken in time.
async fn send(parts: &mpsc::Sender<Result<Vec<u8>>>, part: &mut Vec<u8>) -> bool {
    let part = std::mem::replace(part, Vec::with_capacity(2 * PART_BYTES));
    parts.send_timeout(Ok(part), TAKE_TIMEOUT).await.is_ok()
}

/// Writes a row as a line.
fn encode(row: &dyn Fields, table: &Table, out: &mut Vec<u8>) -> Result<()> {
    let begun = out.len();
    for (at, column) in table.columns.iter().enumerate() {
        out.push(if at == 0 { b'[' } else { b',' });
        match column.kind {
            ColumnKind::Text => match row.text_or_none(at)? {
                // Writing to a `Vec` never fails.
                Some(text) => drop(serde_json::to_writer(&mut *out, text)),
                None => out.extend_from_slice(b"null"),
            },
            ColumnKind::Number => match row.number_or_none(at)? {
                Some(number) => drop(write!(out, "{number}")),
                None => out.extend_from_slice(b"null"),
            },
            ColumnKind::Bytes => drop(write!(out, "\"{}\"", base64(row.bytes(at)?))),
        }
    }
    out.extend_from_slice(b"]\n");
    if out.len() - begun > LINE_BYTES_MAX {
        return Err(Error::Unreadable(format!("a row of {} is longer than a backup may have it", table.name)));
    }
    Ok(())
}
