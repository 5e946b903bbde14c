//! What can go wrong, in the words that the server prints.

use std::path::PathBuf;
use std::time::Duration;

use sqlx::error::DatabaseError;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No answer within the time given.
    #[error("the database {url} cannot be reached; tried for {} s: {detail}", tried.as_secs())]
    Unreachable {
        /// Where it was looked for, without password.
        url: String,
        /// How long.
        tried: Duration,
        /// The last try's reason.
        detail: String,
    },
    /// It answers, and refuses: wrong password, no such database, too old.
    #[error("the database {url} refuses: {detail}")]
    Refused {
        /// Where, without password.
        url: String,
        /// Its words.
        detail: String,
    },
    /// Made by a newer program that this one cannot read.
    #[error(
        "the database has schema {found}, which needs a program that reads schema {oldest_reader} or newer; this one \
         reads up to {supported}: start the newer program, or restore a backup from before the upgrade"
    )]
    NewerSchema {
        /// The database's schema.
        found: i64,
        /// The oldest schema number a program must know to read it.
        oldest_reader: i64,
        /// The newest schema this program knows.
        supported: i64,
    },
    /// The file is no SQLite database, or a damaged one.
    #[error("the database file {} is damaged or no database: {detail}; restore it from a backup", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The database's words.
        detail: String,
    },
    /// The file or its folder cannot be written.
    #[error("the database file {} cannot be written: {detail}; this program's user needs write access to the file and its folder", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// The database's words.
        detail: String,
    },
    /// The folder of the file does not exist, or the path is a folder itself.
    #[error("the database file {} cannot be opened: {detail}", path.display())]
    NoSuchFolder {
        /// The file.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// No room on the disk.
    #[error("there is no room left on the disk for {}", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Another process holds the file, or migrates the database.
    #[error("the database {url} is locked by another process")]
    Locked {
        /// Which.
        url: String,
    },
    /// Anything else.
    #[error("the database {url} could not be prepared: {source}")]
    Other {
        /// Which.
        url: String,
        /// What.
        source: Error,
    },
}

/// Why a statement or transaction failed. Nothing was changed, but for [`Error::Unknown`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The connection was lost while committing: the change may be there or not. Never retried blindly.
    #[error("the connection was lost while the change was being committed: it may or may not be there")]
    Unknown,
    /// The database cannot be reached, or has no connection free in time.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// Too many writes wait, or another process holds the lock.
    #[error("the database is busy")]
    Busy,
    /// No room on the disk.
    #[error("there is no room left on the database's disk")]
    Full,
    /// The database may not be written.
    #[error("the database cannot be written")]
    ReadOnly,
    /// The database's file is damaged.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// A row that this program did not write so.
    #[error("the database holds a value that cannot be read: {0}")]
    Unreadable(String),
    /// A newer program upgraded the database, and this one may not read and write it any more.
    #[error(
        "a newer program upgraded the database, which now needs one that reads schema {oldest_reader} or newer; this one \
         reads up to {}: start the newer program here too",
        crate::SCHEMA_VERSION
    )]
    Outdated {
        /// The oldest schema that a program must know.
        oldest_reader: i64,
    },
    /// Something of that name is there already.
    #[error("{0}")]
    Taken(Taken),
    /// The organization, or the row to change, is not there (any more).
    #[error("there is no such record")]
    NotFound,
    /// The cursor belongs to another list or another order.
    #[error("the cursor does not belong to this list")]
    ForeignCursor,
    /// More than one transaction may change.
    #[error("more than {0} changes in one transaction")]
    TooManyChanges(usize),
    /// A backup by a program that does not know all that the database holds.
    #[error("the database has schema {0}, which a newer program made: only that one can write a whole backup")]
    NewerSchema(i64),
    /// Anything else the database said.
    #[error("the database refused a statement: {0}")]
    Refused(String),
}

/// What is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Taken {
    /// A name, among the living records of one owner.
    #[error("the name is taken")]
    Name,
    /// A slug.
    #[error("the slug is taken")]
    Slug,
    /// An e-mail address.
    #[error("the e-mail address is taken")]
    Email,
    /// A user name.
    #[error("the user name is taken")]
    Username,
    /// A credential's digest: a value that is, or once was, another key's.
    #[error("the credential is or was in use")]
    Digest,
    /// A key ring: one is never replaced by another.
    #[error("the database has a key ring already")]
    Keyring,
    /// An id.
    #[error("the id is taken")]
    Id,
}

/// What a database's error code means, for both of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// 40001 or 40P01: the transaction may be run again.
    Conflict,
    /// The connection is gone.
    Lost,
    Busy,
    Full,
    ReadOnly,
    CannotOpen,
    Corrupt,
    /// A constraint.
    Unique,
    Other,
}

// === impl Cause ===

impl Cause {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => Self::of_database(&**error),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Lost,
            _ => Self::Other,
        }
    }

    fn of_database(error: &dyn DatabaseError) -> Self {
        if error.is_unique_violation() {
            return Self::Unique;
        }
        let Some(code) = error.code() else { return Self::Other };
        // SQLite's result codes are numbers (sqlite.org/rescode.html), the low byte is the primary one; PostgreSQL's are
        // five characters (appendix A of its manual).
        match (code.len(), code.parse::<i32>()) {
            (1..=4, Ok(number)) => match number & 0xff {
                5 | 6 => Self::Busy,
                8 | 3 => Self::ReadOnly,
                11 | 26 => Self::Corrupt,
                13 => Self::Full,
                14 => Self::CannotOpen,
                _ => Self::Other,
            },
            _ => match &*code {
                "40001" | "40P01" => Self::Conflict,
                "57P01" | "57P02" | "57P03" | "53300" | "53400" => Self::Lost,
                "53100" => Self::Full,
                "25006" => Self::ReadOnly,
                "XX001" | "XX002" => Self::Corrupt,
                "55P03" => Self::Busy,
                code if code.starts_with("08") => Self::Lost,
                _ => Self::Other,
            },
        }
    }
}

// === impl Error ===

impl Error {
    /// What a failed COMMIT means: without the connection nobody knows whether it happened.
    pub(crate) fn at_commit(error: sqlx::Error) -> Self {
        if Cause::of(&error) == Cause::Lost { Self::Unknown } else { error.into() }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match (Cause::of(&error), &error) {
            (_, sqlx::Error::RowNotFound) => Self::NotFound,
            (_, sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => Self::Unreadable(error.to_string()),
            (Cause::Lost, _) => Self::Unavailable(error.to_string()),
            (Cause::Busy | Cause::Conflict, _) => Self::Busy,
            (Cause::Full, _) => Self::Full,
            (Cause::ReadOnly, _) => Self::ReadOnly,
            (Cause::Corrupt, _) => Self::Corrupt(error.to_string()),
            _ => Self::Refused(error.to_string()),
        }
    }
}

impl From<Taken> for Error {
    fn from(taken: Taken) -> Self {
        Self::Taken(taken)
    }
}
