//! Backups: the records of an installation as lines of JSON, the same for both databases. `docs/backup.md` describes the
//! format.
//!
//! The first line is the [`Header`], which holds the sealed key ring; then comes each table of `tables.rs` with a line for
//! its name and columns and one for each row; the last line counts the rows and bears the SHA-256 of everything before it,
//! and a MAC over that under the ring's audit key. So a file that was cut, altered or made by somebody else is found before
//! a row of it is written.

mod read;
mod restore;
mod tables;
mod write;

use std::collections::BTreeMap;

use claviger_domain::change::Position;
use claviger_domain::keyring::{AuditKey, SealedKeyring};
use claviger_domain::{Timestamp, hex};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{Error, SCHEMA_VERSION};

pub use read::Backup;
pub use write::{Parts, Turn};

/// What the first line calls itself.
pub const FORMAT: &str = "claviger-backup";
/// The version of the format that this program writes, and the newest that it reads.
pub const FORMAT_VERSION: u32 = 1;
/// The most bytes of a line. Imports are read up to 32 MiB, and no row holds more than one.
pub const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// What the MAC covers before the digest of the lines.
const MAC_LABEL: &[u8] = b"claviger/v1/backup";

/// The first line: what the backup is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    format: String,
    version: u32,
    /// The schema of the database.
    pub schema: i64,
    /// The version of the program that wrote it.
    pub program: String,
    /// The instant of the snapshot.
    pub made_at: Timestamp,
    /// The epoch of the change feed; a restore begins the next one.
    pub epoch: i64,
    /// The last transaction in it.
    pub seq: i64,
    /// The ring that the backup's digests and sealed values were made with.
    #[serde(serialize_with = "write_keyring", deserialize_with = "read_keyring")]
    pub keyring: SealedKeyring,
    /// How many rows of each table follow.
    pub rows: BTreeMap<String, u64>,
}

/// The last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    /// The rows of all tables.
    rows: u64,
    /// Of all lines before this one, in hexadecimal digits.
    sha256: String,
    /// Over that digest, under the ring's audit key, in hexadecimal digits.
    mac: String,
}

/// How far a backup or a restore is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Rows done.
    pub rows: u64,
    /// Bytes done.
    pub bytes: u64,
}

/// Why a backup is not restored. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// Something else than a backup.
    #[error("this is no backup of claviger: its first line does not say so")]
    Foreign,
    /// Written by a program that knows more.
    #[error(
        "the backup was written by claviger {program} in format {found}; this program reads up to format {FORMAT_VERSION}: restore it with that version or a newer one"
    )]
    NewerFormat {
        /// The format's version.
        found: u32,
        /// The version of the program.
        program: String,
    },
    /// Of a newer schema.
    #[error(
        "the backup was written by claviger {program} with schema {found}; this program knows schemas up to {SCHEMA_VERSION}: restore it with that version or a newer one"
    )]
    NewerSchema {
        /// The schema.
        found: i64,
        /// The version of the program.
        program: String,
    },
    /// Of a schema whose rows a later step of the schema rewrote.
    #[error(
        "the backup has schema {found}; this program restores from schema {oldest} on: restore it with claviger {program} and upgrade that"
    )]
    OlderSchema {
        /// The schema.
        found: i64,
        /// The oldest that can be restored.
        oldest: i64,
        /// The version of the program.
        program: String,
    },
    /// The end is missing.
    #[error("the backup is cut off after line {line}: its last line is missing")]
    Truncated {
        /// The last line that is there.
        line: u64,
    },
    /// Not what was written.
    #[error("the backup was altered or damaged: line {line}: {what}")]
    Damaged {
        /// The first line that is found wrong; what is wrong may stand before it.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// Written without the key ring that it holds.
    #[error("the backup was not written by the server whose key ring it holds: its seal is wrong")]
    Forged,
    /// The database is in use.
    #[error("the database has an organization already: a backup is restored into an empty database only")]
    NotEmpty,
    /// The file cannot be read.
    #[error("the backup cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// The database.
    #[error("the database cannot be filled: {0}")]
    Store(#[from] Error),
}

// === impl Header ===

impl Header {
    /// The last transaction in it.
    pub fn position(&self) -> Position {
        Position { epoch: self.epoch, seq: self.seq }
    }

    /// The rows of all tables.
    pub fn row_count(&self) -> u64 {
        self.rows.values().fold(0, |sum, rows| sum.saturating_add(*rows))
    }
}

// === impl End ===

impl End {
    fn of(rows: u64, lines: &Sha256, key: &AuditKey) -> Self {
        let digest = lines.clone().finalize();
        Self { rows, sha256: hex(&digest), mac: hex(&key.mac(&[MAC_LABEL, &digest])) }
    }

    /// Whether the MAC is the ring's.
    fn is_sealed_by(&self, digest: &[u8], key: &AuditKey) -> bool {
        hex(&key.mac(&[MAC_LABEL, digest])).as_bytes().ct_eq(self.mac.as_bytes()).into()
    }
}

/// The ring in Base64.
#[derive(Serialize, Deserialize)]
struct KeyringText {
    check: String,
    sealed: String,
}

fn write_keyring<S: Serializer>(keyring: &SealedKeyring, serializer: S) -> Result<S::Ok, S::Error> {
    KeyringText { check: write::base64(&keyring.check), sealed: write::base64(&keyring.sealed) }.serialize(serializer)
}

fn read_keyring<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SealedKeyring, D::Error> {
    let text = KeyringText::deserialize(deserializer)?;
    let bytes = |text: &str| read::base64(text).ok_or_else(|| serde::de::Error::custom("expected Base64"));
    Ok(SealedKeyring { check: bytes(&text.check)?, sealed: bytes(&text.sealed)? })
}
