//! Where the database is, and how it is reached.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

mod servers;

pub use servers::ServerUrls;
pub(crate) use servers::shown;

/// How long a change may take to be noticed when nothing wakes the feed.
pub const POLL_INTERVAL_MAX: Duration = Duration::from_millis(500);

/// How the database is reached.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it is.
    pub url: DatabaseUrl,
    /// The most connections: on SQLite the readers, beside one writer.
    pub connections_max: u32,
    /// How long to try at start while the database cannot be reached.
    pub connect_timeout: Duration,
    /// How often the feed looks when nothing wakes it; at most `POLL_INTERVAL_MAX`.
    pub poll_interval: Duration,
    /// Whether to use PostgreSQL's LISTEN, which only makes the feed faster.
    pub listen: bool,
}

/// `sqlite://PATH` or `postgres://…`. `Debug` and `Display` leave the password out.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file; made when missing.
    Sqlite(PathBuf),
    /// One server, or several of which one takes writes.
    Postgres(ServerUrls),
}

/// A text that names no database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected sqlite://PATH or postgres://USER@HOST/DATABASE, or several of the latter with commas between: {0}")]
pub struct InvalidDatabaseUrl(pub(crate) String);

// === impl Config ===

impl Config {
    /// The defaults, for this database.
    pub fn new(url: DatabaseUrl) -> Self {
        Self {
            url,
            connections_max: 16,
            connect_timeout: Duration::from_mins(1),
            poll_interval: POLL_INTERVAL_MAX,
            listen: true,
        }
    }
}

// === impl DatabaseUrl ===

impl DatabaseUrl {
    /// The database in the file at `path`.
    pub fn sqlite(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }
}

impl FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let invalid = |why: &str| Err(InvalidDatabaseUrl(why.to_owned()));
        if let Some(path) = text.strip_prefix("sqlite://") {
            return match path {
                "" => invalid("the path is missing"),
                ":memory:" => invalid("a database in memory would be lost at each stop"),
                _ => Ok(Self::Sqlite(PathBuf::from(path))),
            };
        }
        text.parse().map(Self::Postgres)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(urls) => fmt::Display::fmt(urls, f),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_url_are_read() {
        assert_eq!("sqlite:///var/lib/c.db".parse(), Ok(DatabaseUrl::sqlite(Path::new("/var/lib/c.db"))));
        assert!(matches!("postgres://u@h/d".parse(), Ok(DatabaseUrl::Postgres(_))));
        for text in ["", "sqlite://", "sqlite://:memory:", "mysql://h/d", "postgres://h:port/d", "/var/lib/c.db"] {
            assert!(text.parse::<DatabaseUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let url: DatabaseUrl = "postgres://claviger:hunter2@db:5433/keys?password=hunter2".parse().expect("a URL");
        assert_eq!(url.to_string(), "postgres://claviger@db:5433/keys");
        assert_eq!(format!("{url:?}"), url.to_string());
        let broken = "postgres://u:hunter2@h:x/d".parse::<DatabaseUrl>().expect_err("no port");
        assert!(!broken.to_string().contains("hunter2"));
    }
}
