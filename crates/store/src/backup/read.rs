//! Reading a backup: bounded lines, each checked before the next.

use std::fmt::Display;
use std::io::{BufRead, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::hex;
use claviger_domain::keyring::AuditKey;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::tables::{Column, OLDEST_SCHEMA, TABLES, Table};
use super::{End, FORMAT, FORMAT_VERSION, Header, LINE_BYTES_MAX, Progress, RestoreError};
use crate::SCHEMA_VERSION;

/// A backup that is read from its first line to its last.
pub struct Backup<R> {
    lines: Lines<R>,
    header: Header,
    rows: u64,
    /// The table that is read, by its place, and how many of its rows were there.
    table: Option<(usize, u64)>,
}

/// The lines of a file, one at a time.
struct Lines<R> {
    file: R,
    line: Vec<u8>,
    /// The number of the line.
    at: u64,
    bytes: u64,
    /// Over the lines that were taken in.
    digest: Sha256,
}

/// What a line behind the header is.
pub(super) enum Line<'l> {
    /// A table begins.
    Table(&'static Table, Vec<&'static Column>),
    /// A row of it, as JSON.
    Row(&'l [u8]),
    /// There is no more, and everything before is as it was written.
    End,
}

/// What every first line has, whatever its version.
#[derive(Deserialize)]
struct FirstLine {
    format: String,
    version: u32,
    #[serde(default)]
    program: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TableLine {
    table: String,
    columns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndLine {
    end: End,
}

/// Bytes from how a backup has them.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

// === impl Backup ===

impl<R: BufRead> Backup<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// What is no backup, or one of a program that knows more.
    pub fn open(file: R) -> Result<Self, RestoreError> {
        let mut lines = Lines { file, line: Vec::new(), at: 0, bytes: 0, digest: Sha256::new() };
        match lines.next() {
            // A foreign file may have no line break in it.
            Err(RestoreError::Damaged { .. } | RestoreError::Truncated { .. }) => return Err(RestoreError::Foreign),
            read => read?,
        }
        let header = read_header(&lines.line)?;
        lines.take_in();
        Ok(Self { lines, header, rows: 0, table: None })
    }

    /// What it is of.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Reads everything and checks that it is as it was written, if `key` is given also that the server with this ring wrote
    /// it; how much it is.
    pub fn check(mut self, key: Option<&AuditKey>, mut tell: impl FnMut(Progress)) -> Result<Progress, RestoreError> {
        while !matches!(self.next(key)?, Line::End) {
            tell(self.progress());
        }
        Ok(self.progress())
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { rows: self.rows, bytes: self.lines.bytes }
    }

    /// An error about the line that was read last.
    pub(super) fn damaged(&self, what: impl Display) -> RestoreError {
        RestoreError::Damaged { line: self.lines.at, what: what.to_string() }
    }

    /// The next line; the last one only if all is well, and with `key` only if it was sealed by it.
    pub(super) fn next(&mut self, key: Option<&AuditKey>) -> Result<Line<'_>, RestoreError> {
        self.lines.next()?;
        if self.lines.line.first() == Some(&b'[') {
            let Some((_, rows)) = &mut self.table else { return Err(self.damaged("a row of no table")) };
            *rows += 1;
            self.rows += 1;
            self.lines.take_in();
            return Ok(Line::Row(&self.lines.line));
        }
        self.finish_table()?;
        if let Ok(EndLine { end }) = serde_json::from_slice(&self.lines.line) {
            self.finish(&end, key)?;
            return Ok(Line::End);
        }
        let (table, columns) = self.begin_table()?;
        self.lines.take_in();
        Ok(Line::Table(table, columns))
    }

    /// Whether as many rows were there as the header says.
    fn finish_table(&self) -> Result<(), RestoreError> {
        let Some((place, rows)) = self.table else { return Ok(()) };
        let name = TABLES[place].name;
        match self.header.rows.get(name) {
            Some(expected) if *expected == rows => Ok(()),
            expected => {
                let expected = expected.copied().unwrap_or_default();
                Err(self.damaged(format_args!("{rows} rows of {name} where {expected} were written")))
            }
        }
    }

    fn begin_table(&mut self) -> Result<(&'static Table, Vec<&'static Column>), RestoreError> {
        let Ok(line) = serde_json::from_slice::<TableLine>(&self.lines.line) else {
            return Err(self.damaged("expected a row or a table"));
        };
        let next = self.table.map_or(0, |(place, _)| place + 1);
        let found = TABLES.iter().enumerate().skip(next).find(|(_, table)| table.name == line.table);
        let Some((place, table)) = found else { return Err(self.damaged("not a table that comes here")) };
        let known = |name: &String| table.columns.iter().find(|column| column.name == name);
        let columns: Option<Vec<_>> = line.columns.iter().map(known).collect();
        let Some(columns) = columns.filter(|columns| !columns.is_empty()) else {
            return Err(self.damaged(format_args!("a column that {} does not have", table.name)));
        };
        self.table = Some((place, 0));
        Ok((table, columns))
    }

    /// The last line, and nothing behind it.
    fn finish(&mut self, end: &End, key: Option<&AuditKey>) -> Result<(), RestoreError> {
        let digest = self.lines.digest.clone().finalize();
        if hex(&digest) != end.sha256 {
            return Err(self.damaged("its digest is not that of the lines before it"));
        }
        if end.rows != self.rows || end.rows != self.header.row_count() {
            return Err(self.damaged("it counts other rows than there are"));
        }
        if key.is_some_and(|key| !end.is_sealed_by(&digest, key)) {
            return Err(RestoreError::Forged);
        }
        if !self.lines.file.fill_buf()?.is_empty() {
            return Err(self.damaged("something follows the last line"));
        }
        Ok(())
    }
}

// === impl Lines ===

impl<R: BufRead> Lines<R> {
    /// Reads a line with its line break.
    fn next(&mut self) -> Result<(), RestoreError> {
        self.line.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        let read = self.file.by_ref().take(limit).read_until(b'\n', &mut self.line)?;
        if read as u64 == limit {
            return Err(RestoreError::Damaged { line: self.at + 1, what: "it is too long".to_owned() });
        }
        // A line break ends every line: one without it was cut.
        if self.line.last() != Some(&b'\n') {
            return Err(RestoreError::Truncated { line: self.at });
        }
        self.at += 1;
        self.bytes += read as u64;
        Ok(())
    }

    /// Makes the line a part of what the last line seals.
    fn take_in(&mut self) {
        self.digest.update(&self.line);
    }
}

fn read_header(line: &[u8]) -> Result<Header, RestoreError> {
    let first: FirstLine = serde_json::from_slice(line).map_err(|_| RestoreError::Foreign)?;
    if first.format != FORMAT {
        return Err(RestoreError::Foreign);
    }
    let program = first.program;
    if first.version > FORMAT_VERSION {
        return Err(RestoreError::NewerFormat { found: first.version, program });
    }
    let header: Header = serde_json::from_slice(line)
        .map_err(|error| RestoreError::Damaged { line: 1, what: format!("no header: {error}") })?;
    match header.schema {
        found if found > SCHEMA_VERSION => Err(RestoreError::NewerSchema { found, program }),
        found if found < OLDEST_SCHEMA => Err(RestoreError::OlderSchema { found, oldest: OLDEST_SCHEMA, program }),
        _ => Ok(header),
    }
}
