//! Connections: how each database is reached, and how a transaction begins, the one difference between the two.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Executor as _};
use tokio::sync::{Mutex, MutexGuard};

use crate::config::{Config, DatabaseUrl};
use crate::conn::{Conn, Snapshot};
use crate::error::Cause;
use crate::metrics::Connections;
use crate::{Error, Result};

/// How long a statement waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// WAL, so that readers and the writer do not wait for each other. SQLite asks no busy time-out when two connections turn
/// it on at once: it holds a read lock by then, and answers "busy" to one of them at once (`sqlite3BtreeBeginTrans` in its
/// source). So the waiting is ours, and its own is off meanwhile.
const SQLITE_WAL: &str = "PRAGMA busy_timeout = 0; PRAGMA journal_mode = WAL;";
/// How often, and with what pause, a connection tries to turn the write-ahead log on: five seconds in all.
const SQLITE_WAL_TRIES: u32 = 250;
const SQLITE_WAL_PAUSE: Duration = Duration::from_millis(20);

/// FULL, so that a commit is on the disk before it is acknowledged. The busy time-out concerns other processes alone:
/// within this one the writers stand in line.
const SQLITE_SETTINGS: &str = "PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
                               PRAGMA journal_size_limit = 67108864;";

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// The pools of one database.
pub(crate) struct Pools {
    pub(crate) kind: Kind,
    readers: AnyPool,
    writers: AnyPool,
    /// SQLite has one writer; whoever comes first is served first (a busy wait serves by luck).
    line: Mutex<()>,
}

/// A write transaction, and the place at the head of the line that it holds.
pub(crate) struct Writing<'p> {
    pub(crate) conn: Conn,
    pub(crate) place: Option<MutexGuard<'p, ()>>,
}

// === impl Kind ===

impl Kind {
    pub(crate) fn of(url: &DatabaseUrl) -> Self {
        match url {
            DatabaseUrl::Sqlite(_) => Self::Sqlite,
            DatabaseUrl::Postgres(_) => Self::Postgres,
        }
    }

    fn begin_write(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        }
    }

    pub(crate) fn begin_read(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

// === impl Pools ===

impl Pools {
    /// The pools, with no connection made yet.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let options = any_options(&config.url)?;
        let kind = Kind::of(&config.url);
        let pool = |connections: u32| {
            let settings = AnyPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT).max_connections(connections.max(1));
            let settings = match kind {
                Kind::Postgres => settings,
                Kind::Sqlite => settings.after_connect(|connection, _| Box::pin(set_up_sqlite(connection))),
            };
            settings.connect_lazy_with(options.clone())
        };
        let readers = pool(config.connections_max);
        let writers = match kind {
            Kind::Sqlite => pool(1),
            Kind::Postgres => readers.clone(),
        };
        Ok(Self { kind, readers, writers, line: Mutex::new(()) })
    }

    /// Begins a write transaction.
    pub(crate) async fn write(&self) -> Result<Writing<'_>> {
        let place = match self.kind {
            Kind::Sqlite => Some(self.line.lock().await),
            Kind::Postgres => None,
        };
        let transaction = self.writers.begin_with(self.kind.begin_write()).await?;
        Ok(Writing { conn: Conn::new(transaction, self.kind), place })
    }

    /// Begins a read transaction.
    pub(crate) async fn read(&self) -> Result<Snapshot> {
        let transaction = self.readers.begin_with(self.kind.begin_read()).await?;
        Ok(Snapshot::new(Conn::new(transaction, self.kind)))
    }

    /// How many connections there are; SQLite's one writer counts too.
    pub(crate) fn connections(&self) -> Connections {
        let pools: &[&AnyPool] = match self.kind {
            Kind::Sqlite => &[&self.readers, &self.writers],
            Kind::Postgres => &[&self.readers],
        };
        let sum = |count: fn(&AnyPool) -> usize| pools.iter().map(|pool| count(pool)).sum::<usize>();
        let idle = sum(AnyPool::num_idle);
        Connections {
            busy: sum(|pool| pool.size() as usize).saturating_sub(idle),
            idle,
            max: sum(|pool| pool.options().get_max_connections() as usize),
        }
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

impl Writing<'_> {
    /// Commits; the place in the line is given up afterwards.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        let Self { conn, place } = self;
        let result = conn.commit().await;
        drop(place);
        result
    }
}

/// One connection outside the pools, with the reason when there is none.
pub(crate) async fn connect_once(url: &DatabaseUrl) -> Result<(), sqlx::Error> {
    let options = any_options(url).map_err(|error| sqlx::Error::Configuration(Box::new(error)))?;
    let mut connection: AnyConnection = options.connect().await?;
    if Kind::of(url) == Kind::Sqlite {
        set_up_sqlite(&mut connection).await?;
    }
    sqlx::Connection::close(connection).await
}

/// What every SQLite connection needs before its first statement.
async fn set_up_sqlite(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    for tries_left in (0..SQLITE_WAL_TRIES).rev() {
        match connection.execute(sqlx::raw_sql(SQLITE_WAL)).await {
            Err(error) if tries_left > 0 && Cause::of(&error) == Cause::Busy => {
                tokio::time::sleep(SQLITE_WAL_PAUSE).await;
            }
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    connection.execute(sqlx::raw_sql(SQLITE_SETTINGS)).await?;
    Ok(())
}

fn any_options(url: &DatabaseUrl) -> Result<AnyConnectOptions> {
    sqlx::any::install_default_drivers();
    let text = match url {
        DatabaseUrl::Sqlite(path) => sqlite_url(path)?,
        DatabaseUrl::Postgres(url) => url.clone(),
    };
    text.parse().map_err(|_| Error::Refused("the database's URL cannot be read".to_owned()))
}

/// The driver reads a URL: an absolute path in which everything but letters, digits, `-._~/` is percent-encoded.
fn sqlite_url(path: &Path) -> Result<String> {
    let unfit = |why: &str| Error::Refused(format!("the path {} {why}", path.display()));
    let absolute = std::path::absolute(path).map_err(|error| unfit(&error.to_string()))?;
    let text = absolute.to_str().ok_or_else(|| unfit("is not UTF-8"))?;
    let mut url = String::from("sqlite://");
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            url.push(char::from(byte));
        } else {
            // Writing to a `String` never fails.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url.push_str("?mode=rwc");
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::sql;

    #[tokio::test]
    async fn every_sqlite_connection_writes_ahead_and_fully_synchronous() {
        let folder = tempfile::tempdir().expect("a folder");
        let pools = Pools::new(&Config::new(DatabaseUrl::sqlite(&folder.path().join("c.db")))).expect("pools");
        let mut writing = pools.write().await.expect("a writer");
        let (mut one, mut two) = (pools.read().await.expect("a reader"), pools.read().await.expect("another"));
        for conn in [&mut writing.conn, &mut *one, &mut *two] {
            let mode = conn.row(sql("PRAGMA journal_mode"), |row| Ok(row.text(0)?.to_owned())).await;
            assert_eq!(mode, Ok(Some("wal".to_owned())));
            // 2 is FULL (sqlite.org/pragma.html#pragma_synchronous).
            assert_eq!(conn.number(sql("PRAGMA synchronous")).await, Ok(2));
            assert_eq!(conn.number(sql("PRAGMA foreign_keys")).await, Ok(1));
        }
    }

    /// Without waiting of our own one in some hundred of these openings is told that the database is locked.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn connections_that_turn_the_write_ahead_log_on_at_once_wait_for_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        for round in 0..40 {
            let url = DatabaseUrl::sqlite(&folder.path().join(format!("{round}.db")));
            let openings = (0..8).map(|_| {
                let url = url.clone();
                tokio::spawn(async move { connect_once(&url).await })
            });
            for opening in futures_util::future::join_all(openings).await {
                opening.expect("no panic").expect("each connection opens");
            }
        }
    }

    #[test]
    fn any_path_is_spelled_as_a_url() {
        assert_eq!(
            sqlite_url(Path::new("/var/é ?#%.db")),
            Ok("sqlite:///var/%C3%A9%20%3F%23%25.db?mode=rwc".to_owned())
        );
    }
}
