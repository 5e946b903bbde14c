//! Reading: the load as from a database, then the steps.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use claviger_domain::change::{Change, Position, Step};
use claviger_domain::keyring::{Keyring, SealedKeyring};
use claviger_domain::snapshot_key::SnapshotKey;
use claviger_domain::{Clock, Timestamp};

use super::{FileRows, HEAD_BYTES_MAX, Head, KeptStep, Kind, MAGIC, PART_BYTES_MAX, SnapshotError, Standing};
use crate::feed::Mark;
use crate::load::{self, LoadProgress};
use crate::native::Native;
use crate::{Error, Result, SCHEMA_VERSION};

/// A snapshot whose head was read.
pub struct SnapshotReader {
    path: PathBuf,
    head: Head,
    head_bytes: Vec<u8>,
    file: BufReader<File>,
}

/// Where a feed goes on that was read from a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    pub(crate) applied: Mark,
    /// Until when the snapshot was known to have everything.
    pub at: Timestamp,
}

/// The parts behind the head, opened one by one; what a load reads from in place of a database.
pub(crate) struct Parts {
    file: BufReader<File>,
    key: SnapshotKey,
    number: u64,
    /// A part that was read before it was asked for.
    ahead: Option<(Kind, Vec<u8>)>,
}

// === impl SnapshotReader ===

impl SnapshotReader {
    /// Reads the head of the file.
    pub fn open(path: &Path) -> Result<Self, SnapshotError> {
        let io = |error| SnapshotError::io(path, error);
        let mut file = BufReader::new(File::open(path).map_err(io)?);
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic).map_err(io)?;
        if magic != *MAGIC {
            let detail = "its format is not known here".to_owned();
            return Err(SnapshotError::OtherVersion { path: path.to_owned(), detail });
        }
        let length = read_length(&mut file).map_err(io)?;
        if length > HEAD_BYTES_MAX {
            return Err(SnapshotError::damaged(path, "its head"));
        }
        let head_bytes = read_bytes(&mut file, length).map_err(io)?;
        let head: Head = serde_json::from_slice(&head_bytes).map_err(|error| SnapshotError::damaged(path, error))?;
        if head.schema != SCHEMA_VERSION {
            let detail = format!("schema {}, this one has {SCHEMA_VERSION}", head.schema);
            return Err(SnapshotError::OtherVersion { path: path.to_owned(), detail });
        }
        Ok(Self { path: path.to_owned(), head, head_bytes, file })
    }

    /// The sealed key ring that the database had.
    pub fn ring(&self) -> &SealedKeyring {
        &self.head.ring
    }

    /// Reads everything: the records of the load to `add`, its end to `loaded`, then each step to `step`. After an error
    /// what came before is not to be used.
    pub async fn read(
        self,
        keyring: &Keyring,
        clock: &dyn Clock,
        add: impl FnMut(Vec<Change>) + Send,
        loaded: impl FnOnce(Position) + Send,
        mut step: impl FnMut(Step) + Send,
    ) -> Result<Resumed, SnapshotError> {
        let Self { path, head_bytes, file, .. } = self;
        let damaged = |detail: &dyn std::fmt::Display| SnapshotError::damaged(&path, detail);
        let key = SnapshotKey::new(keyring.sealing(), &head_bytes);
        let mut native = Native::File(Box::new(Parts { file, key, number: 0, ahead: None }));
        let since = load::ended_since(clock);
        let applied =
            load::run(&mut native, since, add, |_: LoadProgress| ()).await.map_err(|error| damaged(&error))?;
        let Native::File(mut parts) = native else { return Err(damaged(&"no file")) };
        let mut standing = match parts.next().map_err(|error| damaged(&error))? {
            Some((Kind::Loaded, part)) => parse::<Standing>(&part).map_err(|error| damaged(&error))?,
            _ => return Err(damaged(&"it ends before the load does")),
        };
        if standing.applied() != applied {
            return Err(damaged(&"its load is another one"));
        }
        loaded(standing.position);
        loop {
            match parts.next() {
                Ok(None) => break,
                Ok(Some((Kind::Step, part))) => {
                    let kept: KeptStep = parse(&part).map_err(|error| damaged(&error))?;
                    standing = kept.standing;
                    step(kept.step);
                }
                Ok(Some((Kind::Mark, part))) => standing.at = parse(&part).map_err(|error| damaged(&error))?,
                Ok(Some(_)) => return Err(damaged(&"a part in a wrong place")),
                Err(error) => return Err(damaged(&error)),
            }
        }
        Ok(Resumed { applied: standing.applied(), at: standing.at })
    }
}

fn parse<T: serde::de::DeserializeOwned>(part: &[u8]) -> Result<T> {
    serde_json::from_slice(part).map_err(|error| Error::Unreadable(error.to_string()))
}

fn read_length(file: &mut impl Read) -> std::io::Result<u32> {
    let mut bytes = [0; 4];
    file.read_exact(&mut bytes)?;
    Ok(u32::from_be_bytes(bytes))
}

/// Grows as bytes come: a damaged length takes no memory.
fn read_bytes(file: &mut impl Read, length: u32) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(length.into()).read_to_end(&mut bytes)?;
    if bytes.len() == length as usize { Ok(bytes) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
}

// === impl Parts ===

impl Parts {
    /// The next part; none at the end, also where that is in the middle of one: a process that was killed was writing it, and
    /// had not told anyone of it.
    fn next(&mut self) -> Result<Option<(Kind, Vec<u8>)>> {
        if let Some(part) = self.ahead.take() {
            return Ok(Some(part));
        }
        let mut kind = [0];
        let read = self.file.read(&mut kind).map_err(|error| Error::Unreadable(error.to_string()))?;
        if read == 0 {
            return Ok(None);
        }
        let cut = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => None,
            _ => Some(Error::Unreadable(error.to_string())),
        };
        let part = read_length(&mut self.file).and_then(|length| {
            if length > PART_BYTES_MAX {
                return Err(std::io::Error::other("a length that no part has"));
            }
            read_bytes(&mut self.file, length)
        });
        let mut part = match part.map_err(cut) {
            Ok(part) => part,
            Err(None) => {
                tracing::warn!("the local snapshot ends in the middle of a change; what stands before it is used");
                return Ok(None);
            }
            Err(Some(error)) => return Err(error),
        };
        let unreadable = |what: String| Error::Unreadable(format!("part {}: {what}", self.number));
        let known = Kind::of(kind[0]).ok_or_else(|| unreadable(format!("of unknown kind {}", kind[0])))?;
        let plain =
            self.key.open(self.number, kind[0], &mut part).map_err(|error| unreadable(error.to_string()))?.len();
        part.truncate(plain);
        self.number += 1;
        Ok(Some((known, part)))
    }

    /// Begins the rows of a statement.
    pub(crate) fn begin(&mut self, statement: &str) -> Result<()> {
        match self.next()? {
            Some((Kind::Statement, text)) if text == statement.as_bytes() => Ok(()),
            Some((Kind::Statement, _)) => {
                Err(Error::Unreadable("rows that this version asks for otherwise".to_owned()))
            }
            _ => Err(Error::Unreadable("rows are missing".to_owned())),
        }
    }

    /// The next rows of the statement; none after the last.
    pub(crate) fn rows(&mut self) -> Result<Option<FileRows>> {
        match self.next()? {
            Some((Kind::Rows, part)) => Ok(Some(FileRows::new(part))),
            other => {
                self.ahead = other;
                Ok(None)
            }
        }
    }
}
