//! A node's local snapshot: a file from which it can start while the database is away.
//!
//! The head names format and schema and holds the sealed key ring and a salt. Parts follow, each sealed in its place
//! ([`SnapshotKey`]): first the rows that a load reads, behind the text of the statement that gave them, so that a program that
//! would ask otherwise does not take them; then the end of the load; then each step of the change feed as it was applied,
//! and marks that say until when nothing more had come.

mod read;
mod rows;
mod write;

use std::io;
use std::path::{Path, PathBuf};

use claviger_domain::Timestamp;
use claviger_domain::change::{Position, Step};
use claviger_domain::keyring::SealedKeyring;
use serde::{Deserialize, Serialize};

use crate::feed::Mark;

pub(crate) use read::Parts;
pub use read::{Resumed, SnapshotReader};
pub(crate) use rows::FileRows;
pub use write::{Resumable, SnapshotFile, SnapshotWriter, remove_snapshot};

/// The file in the data directory.
pub const FILE_NAME: &str = "snapshot";
/// What a file of this format begins with; another layout of parts or another shape of steps begins otherwise.
const MAGIC: &[u8; 8] = b"CLVSNAP1";
/// The most bytes of a head.
const HEAD_BYTES_MAX: u32 = 4_096;
/// The most bytes of a part: a step of many changes, or the rows of a chunk.
const PART_BYTES_MAX: u32 = 1 << 30;

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// The text of the statement that the next rows are of.
    Statement = 1,
    /// Rows.
    Rows = 2,
    /// The end of the load.
    Loaded = 3,
    /// A step of the feed.
    Step = 4,
    /// Nothing more had come until this instant.
    Mark = 5,
}

/// What the file begins with.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    schema: i64,
    ring: SealedKeyring,
    salt: Vec<u8>,
}

/// Where a replica stands, and until when it was known to have everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Standing {
    position: Position,
    nonce: Vec<u8>,
    at: Timestamp,
}

/// A step with what is known after it.
#[derive(Debug, Serialize, Deserialize)]
struct KeptStep<S = Step> {
    standing: Standing,
    step: S,
}

/// Why a snapshot is of no use. It is left where it is until the next one takes its place.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// There is none.
    #[error("there is no local snapshot {}", .0.display())]
    Missing(PathBuf),
    /// The system does not let it be read.
    #[error("the local snapshot {} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// By a program that keeps other things, or keeps them otherwise.
    #[error("the local snapshot {} was written by another version of the program ({detail}): ignored", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// What differs.
        detail: String,
    },
    /// Changed, cut off, or another installation's.
    #[error("the local snapshot {} is damaged, cut off or of another installation ({detail}): ignored", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        detail: String,
    },
}

// === impl SnapshotError ===

impl SnapshotError {
    fn damaged(path: &Path, detail: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), detail: detail.to_string() }
    }

    fn io(path: &Path, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(path.to_owned()),
            io::ErrorKind::UnexpectedEof => Self::damaged(path, "it ends too soon"),
            _ => Self::Unreadable { path: path.to_owned(), error },
        }
    }
}

// === impl Standing ===

impl Standing {
    fn applied(&self) -> Mark {
        Mark { position: self.position, nonce: self.nonce.clone() }
    }
}

// === impl Kind ===

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Statement, Self::Rows, Self::Loaded, Self::Step, Self::Mark].into_iter().find(|kind| *kind as u8 == byte)
    }
}
