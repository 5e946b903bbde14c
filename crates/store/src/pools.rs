//! The connections of a database: its servers, which of them is used, and how a transaction begins, the one difference
//! between the two databases.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex as StdMutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{AnyConnection, Executor as _};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::config::{Config, DatabaseUrl};
use crate::conn::{Conn, Snapshot};
use crate::error::Cause;
use crate::metrics::Connections;
use crate::server::{Place, Server};
use crate::transaction::Transaction;
use crate::{Error, Result};

/// A database that was found to be away is looked for again after this time. Until then whoever wants it is told so at
/// once, so that nobody waits in a line for it.
const AWAY_PAUSE: Duration = Duration::from_millis(400);

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

/// The servers of a database, and the one that is used.
pub(crate) struct Pools {
    pub(crate) kind: Kind,
    config: Config,
    places: Vec<Place>,
    used: RwLock<Arc<Server>>,
    /// Held by whoever looks which server can be used.
    looking: Mutex<()>,
    /// Since when no server can be used, and why.
    away: StdMutex<Option<(Instant, Error)>>,
    /// SQLite has one writer; whoever comes first is served first (a busy wait serves by luck).
    line: Mutex<()>,
}

/// A write transaction, and the place at the head of the line that it holds.
pub(crate) struct Writing<'p> {
    pub(crate) conn: Conn,
    pub(crate) place: Option<MutexGuard<'p, ()>>,
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Read,
    Write,
    Migration,
}

// === impl Kind ===

impl Kind {
    pub(crate) fn of(url: &DatabaseUrl) -> Self {
        match url {
            DatabaseUrl::Sqlite(_) => Self::Sqlite,
            DatabaseUrl::Postgres(_) => Self::Postgres,
        }
    }

    pub(crate) fn begin_write(self) -> &'static str {
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
        let places = Place::all(&config.url)?;
        let first = places.first().ok_or_else(|| Error::Refused("the database has no URL".to_owned()))?;
        let used = RwLock::new(Arc::new(Server::new(0, first, places.len() > 1, config)));
        let (kind, looking, line) = (Kind::of(&config.url), Mutex::new(()), Mutex::new(()));
        Ok(Self { kind, config: config.clone(), used, places, looking, away: StdMutex::new(None), line })
    }

    /// Begins a write transaction.
    pub(crate) async fn write(&self) -> Result<Writing<'_>> {
        self.begin_writing(Purpose::Write).await
    }

    /// Begins a transaction that may wait for others, and work, for any time: a migration, a restore.
    pub(crate) async fn migrate(&self) -> Result<Writing<'_>> {
        self.begin_writing(Purpose::Migration).await
    }

    async fn begin_writing(&self, purpose: Purpose) -> Result<Writing<'_>> {
        let place = match self.kind {
            Kind::Sqlite => Some(self.line.lock().await),
            Kind::Postgres => None,
        };
        Ok(Writing { conn: self.begin(purpose).await?, place })
    }

    /// Begins a read transaction.
    pub(crate) async fn read(&self) -> Result<Snapshot> {
        Ok(Snapshot::new(self.begin(Purpose::Read).await?))
    }

    /// The server that is used.
    pub(crate) fn server(&self) -> Arc<Server> {
        Arc::clone(&self.used.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many connections there are; SQLite's one writer counts too.
    pub(crate) fn connections(&self) -> Connections {
        self.server().connections(self.kind)
    }

    pub(crate) async fn close(&self) {
        self.server().close().await;
    }

    async fn begin(&self, purpose: Purpose) -> Result<Conn> {
        let mut server = self.server();
        if self.kind == Kind::Sqlite {
            let transaction = purpose.begin(&server, self.kind).await?;
            return Ok(Conn::new(transaction, server, self.kind));
        }
        if self.is_away() || (self.places.len() > 1 && server.take_suspicion()) {
            server = Box::pin(self.look(&server)).await?;
        }
        match purpose.begin(&server, self.kind).await {
            Ok(transaction) => Ok(Conn::new(transaction, server, self.kind)),
            Err(error @ sqlx::Error::PoolClosed) => Err(error.into()),
            Err(error) if Cause::of(&error) == Cause::Lost => {
                Box::pin(self.begin_after_loss(purpose, &server, &error)).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Once more, where a server can be used.
    async fn begin_after_loss(&self, purpose: Purpose, lost: &Server, error: &sqlx::Error) -> Result<Conn> {
        let found = self.look(lost).await?;
        if found.number == lost.number && matches!(error, sqlx::Error::PoolTimedOut) {
            return Err(Error::Unavailable("no connection became free in time".to_owned()));
        }
        let transaction = purpose.begin(&found, self.kind).await?;
        Ok(Conn::new(transaction, found, self.kind))
    }

    fn is_away(&self) -> bool {
        self.away.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Looks which server can be used, when `failed` could not be: that one where it can be again, else the first of the
    /// others that takes writes. One looks at a time, and no more often than [`AWAY_PAUSE`].
    ///
    /// # Errors
    /// Why none can be used.
    async fn look(&self, failed: &Server) -> Result<Arc<Server>> {
        if let Some(error) = self.was_just_away() {
            return Err(error);
        }
        let _alone = self.looking.lock().await;
        let used = self.server();
        if let Some(error) = self.was_just_away() {
            return Err(error);
        }
        if used.number != failed.number {
            return Ok(used);
        }
        let found = self.find(&used).await.map_err(Error::from);
        let away = found.as_ref().err().map(|error| (Instant::now(), error.clone()));
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = away;
        found
    }

    fn was_just_away(&self) -> Option<Error> {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        away.as_ref().filter(|(since, _)| since.elapsed() < AWAY_PAUSE).map(|(_, error)| error.clone())
    }

    /// One look at all servers. Of those that take writes the one that was promoted last counts: the others are primaries of
    /// yesterday that came back.
    async fn find(&self, used: &Arc<Server>) -> Result<Arc<Server>, sqlx::Error> {
        let must_write = self.places.len() > 1;
        let looks = join_all(self.places.iter().map(|place| place.look(must_write))).await;
        let Some(newest) = looks.iter().flatten().max().cloned() else { return Err(reasons(&self.places, looks)) };
        let usable =
            || self.places.iter().zip(&looks).filter(|(_, look)| look.as_ref().is_ok_and(|line| *line == newest));
        for (place, look) in self.places.iter().zip(&looks) {
            if look.as_ref().is_ok_and(|line| *line != newest) {
                tracing::error!(
                    "the database's server {place} takes writes too, though another was promoted since: stop it"
                );
            }
        }
        match usable().map(|(place, _)| place).next() {
            Some(place) if usable().all(|(place, _)| place.url != used.place().url) => Ok(self.go_over_to(used, place)),
            _ => Ok(Arc::clone(used)),
        }
    }

    /// Puts a server in the place of the one that was used; what still runs there comes to its end.
    fn go_over_to(&self, before: &Arc<Server>, place: &Place) -> Arc<Server> {
        tracing::warn!("the database's server {} cannot be used; going over to {place}", before.place());
        let server = Arc::new(Server::new(before.number + 1, place, true, &self.config));
        *self.used.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&server);
        let before = Arc::clone(before);
        tokio::spawn(async move { before.close().await });
        server
    }

    /// One look at all servers, at the start; why none can be used.
    pub(crate) async fn reach(&self) -> Result<(), sqlx::Error> {
        self.find(&self.server()).await.map(drop)
    }
}

/// Why no server can be used: the only one's reason, or everyone's. One that refuses for good counts only if all do.
fn reasons(places: &[Place], looks: Vec<Result<String, sqlx::Error>>) -> sqlx::Error {
    let mut failed: Vec<_> =
        places.iter().zip(looks).filter_map(|(place, look)| look.err().map(|error| (place, error))).collect();
    if failed.len() == 1 {
        return failed.remove(0).1;
    }
    let text = failed.iter().map(|(place, error)| format!("{place}: {error}")).collect::<Vec<_>>().join("; ");
    if failed.iter().any(|(_, error)| Cause::of(error) == Cause::Lost) {
        return sqlx::Error::Protocol(text);
    }
    sqlx::Error::Configuration(text.into())
}

// === impl Purpose ===

impl Purpose {
    async fn begin(self, server: &Server, kind: Kind) -> Result<Transaction, sqlx::Error> {
        match self {
            Self::Read => server.begin_read(kind).await,
            Self::Write => server.begin_write(kind).await,
            Self::Migration => server.begin_migration(kind).await,
        }
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

/// What every SQLite connection needs before its first statement.
pub(crate) async fn set_up_sqlite(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
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

/// The driver reads a URL: an absolute path in which everything but letters, digits, `-._~/` is percent-encoded.
pub(crate) fn sqlite_url(path: &Path) -> Result<String> {
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
                let place = Place::all(&url).expect("a path").remove(0);
                tokio::spawn(async move { place.look(false).await })
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
