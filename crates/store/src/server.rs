//! One server of a database (or the one file), and the connections to it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, AnyPool, ConnectOptions as _, Connection as _, Executor as _, Row as _};

use crate::config::{Config, DatabaseUrl, shown};
use crate::error::Cause;
use crate::metrics::Connections;
use crate::pools::{Kind, set_up_sqlite, sqlite_url};
use crate::transaction::{STATEMENT_TIMEOUT, Transaction, within};
use crate::{Error, Result};

/// How long a statement waits for a free connection, or a new one, of the file.
const SQLITE_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The same of a server: whoever waits longer is told that the database is busy.
const POSTGRES_ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a server may take to say whether it can be used.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);

/// The timeline of a server that takes writes, none of one that follows another or was made read-only (libpq's
/// `target_session_attrs=read-write`). Each promotion begins a new timeline; its eight hexadecimal digits begin the name of
/// the file that is written (the manual's "Continuous Archiving", "Timelines").
const TIMELINE: &str = "SELECT CASE WHEN pg_is_in_recovery() \
     OR current_setting('default_transaction_read_only') = 'on' THEN '' \
     ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END";

/// A server with its pools, or the file with its own.
pub(crate) struct Server {
    /// Grows with each server that takes the place of another.
    pub(crate) number: u64,
    place: Place,
    readers: AnyPool,
    writers: AnyPool,
    /// Whether it was lost or refused to write since it was looked at.
    is_suspect: AtomicBool,
}

/// Where a server is.
#[derive(Clone)]
pub(crate) struct Place {
    /// Its URL, or the file's path.
    pub(crate) url: ServerUrl,
    options: AnyConnectOptions,
}

/// One server's URL, or the file's path.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ServerUrl {
    Sqlite(std::path::PathBuf),
    Postgres(String),
}

// === impl Place ===

impl Place {
    /// All servers of a database.
    pub(crate) fn all(url: &DatabaseUrl) -> Result<Vec<Self>> {
        sqlx::any::install_default_drivers();
        let unreadable = |_| Error::Refused("the database's URL cannot be read".to_owned());
        match url {
            DatabaseUrl::Sqlite(path) => {
                let options = sqlite_url(path)?.parse().map_err(unreadable)?;
                Ok(vec![Self { url: ServerUrl::Sqlite(path.clone()), options }])
            }
            DatabaseUrl::Postgres(urls) => urls
                .iter()
                .map(|url| {
                    Ok(Self { url: ServerUrl::Postgres(url.to_owned()), options: url.parse().map_err(unreadable)? })
                })
                .collect(),
        }
    }

    /// One connection, made and closed; its timeline, or why it cannot be used. `must_write`: one that takes no writes
    /// cannot. Where that is not asked, timelines do not matter either.
    pub(crate) async fn look(&self, must_write: bool) -> Result<String, sqlx::Error> {
        match self.url {
            ServerUrl::Sqlite(_) => {
                let mut connection: AnyConnection = self.options.connect().await?;
                set_up_sqlite(&mut connection).await?;
                connection.close().await?;
                Ok(String::new())
            }
            ServerUrl::Postgres(_) => {
                let look = async {
                    let mut connection = self.options.connect().await?;
                    let timeline = if must_write { timeline(&mut connection).await? } else { String::new() };
                    connection.close().await?;
                    Ok(timeline)
                };
                within(Some(LOOK_TIMEOUT), look).await
            }
        }
    }
}

/// For logs: without a password.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.url {
            ServerUrl::Sqlite(path) => write!(f, "{}", path.display()),
            ServerUrl::Postgres(url) => f.write_str(&shown(url)),
        }
    }
}

/// The timeline of a server that takes writes.
async fn timeline(connection: &mut AnyConnection) -> Result<String, sqlx::Error> {
    let timeline: String = connection.fetch_one(TIMELINE).await?.try_get(0)?;
    let refusal = "the server takes no writes: it follows another one, or was made read-only";
    // As what is lost: another server, or this one later, will do.
    if timeline.is_empty() { Err(sqlx::Error::Protocol(refusal.to_owned())) } else { Ok(timeline) }
}

// === impl Server ===

impl Server {
    /// With no connection made yet.
    pub(crate) fn new(number: u64, place: &Place, must_write: bool, config: &Config) -> Self {
        let kind = Kind::of(&config.url);
        let pool = |connections: u32| {
            let settings = AnyPoolOptions::new().max_connections(connections.max(1));
            let settings = match kind {
                Kind::Sqlite => settings
                    .acquire_timeout(SQLITE_ACQUIRE_TIMEOUT)
                    .after_connect(|connection, _| Box::pin(set_up_sqlite(connection))),
                Kind::Postgres => {
                    settings.acquire_timeout(POSTGRES_ACQUIRE_TIMEOUT).after_connect(move |connection, _| {
                        Box::pin(async move { if must_write { timeline(connection).await.map(drop) } else { Ok(()) } })
                    })
                }
            };
            settings.connect_lazy_with(place.options.clone())
        };
        let readers = pool(config.connections_max);
        let writers = match kind {
            Kind::Sqlite => pool(1),
            Kind::Postgres => readers.clone(),
        };
        Self { number, place: place.clone(), readers, writers, is_suspect: AtomicBool::new(false) }
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) async fn begin_write(&self, kind: Kind) -> Result<Transaction, sqlx::Error> {
        Transaction::begin(&self.writers, kind.begin_write(), kind.statement_timeout()).await
    }

    pub(crate) async fn begin_read(&self, kind: Kind) -> Result<Transaction, sqlx::Error> {
        Transaction::begin(&self.readers, kind.begin_read(), kind.statement_timeout()).await
    }

    /// A write transaction whose statements may take any time: migrations, and waiting for those of others.
    pub(crate) async fn begin_migration(&self, kind: Kind) -> Result<Transaction, sqlx::Error> {
        Transaction::begin(&self.writers, kind.begin_write(), None).await
    }

    /// Notes what a statement failed of; whether its connection is of no more use.
    pub(crate) fn note(&self, kind: Kind, cause: Cause) -> bool {
        let is_lost = kind == Kind::Postgres && matches!(cause, Cause::Lost | Cause::ReadOnly);
        if is_lost {
            self.is_suspect.store(true, Ordering::Relaxed);
        }
        is_lost
    }

    /// Whether something was noted since the last time.
    pub(crate) fn take_suspicion(&self) -> bool {
        self.is_suspect.swap(false, Ordering::Relaxed)
    }

    pub(crate) fn connections(&self, kind: Kind) -> Connections {
        let pools: &[&AnyPool] = match kind {
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

// === impl Kind ===

impl Kind {
    /// A file answers, or the process hangs with it.
    fn statement_timeout(self) -> Option<Duration> {
        match self {
            Self::Sqlite => None,
            Self::Postgres => Some(STATEMENT_TIMEOUT),
        }
    }
}
