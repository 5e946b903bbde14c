//! Opening a database: connect with patience, migrate, and hand over the sealed key ring.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::keyring::{AuditKey, SealedKeyring};
use claviger_domain::{Clock, Random};
use tokio::time::Instant;

use crate::config::{Config, DatabaseUrl};
use crate::error::Cause;
use crate::migrate::{self, MigrateError};
use crate::pools::{Kind, Pools, Writing};
use crate::sql::sql;
use crate::{Error, OpenError, Result, Store, Taken};

/// How long to wait between two tries to connect.
const CONNECT_PAUSE: Duration = Duration::from_millis(500);
/// The oldest PostgreSQL that is known to do, as `server_version_num`.
const POSTGRES_VERSION_MIN: i64 = 150_000;

/// A database that is reached and migrated, but not yet unlocked: the key ring's audit key makes it a [`Store`].
pub struct Database {
    pools: Pools,
    config: Config,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

// === impl Database ===

impl Database {
    /// Connects, trying again for [`Config::connect_timeout`] while there is no answer or nothing can be written, and
    /// migrates.
    pub async fn open(config: Config, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, OpenError> {
        let pools = Pools::new(&config).map_err(|error| explain(&config.url, error))?;
        let database = Self { pools, config, clock, random };
        match database.reach().await {
            Ok(()) => Ok(database),
            Err(error) => {
                database.close().await;
                Err(error)
            }
        }
    }

    async fn reach(&self) -> Result<(), OpenError> {
        let (url, tried, begin) = (&self.config.url, self.config.connect_timeout, Instant::now());
        let mut was_told = false;
        loop {
            let detail = match try_to_reach(&self.pools, url, &*self.clock, &*self.random).await {
                Ok(()) => return Ok(()),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::ForNow(detail)) => detail,
            };
            if !std::mem::replace(&mut was_told, true) {
                tracing::warn!(
                    %url, try_for_seconds = tried.as_secs(), reason = detail,
                    "the database cannot be used; trying again every {} ms", CONNECT_PAUSE.as_millis()
                );
            }
            if begin.elapsed() + CONNECT_PAUSE > tried {
                return Err(OpenError::Unreachable { url: url.to_string(), tried, detail });
            }
            tokio::time::sleep(CONNECT_PAUSE).await;
        }
    }

    /// The key ring, where there is one.
    pub async fn sealed_keyring(&self) -> Result<Option<SealedKeyring>> {
        crate::keyring::get(&mut *self.pools.read().await?).await
    }

    /// Whether nobody has used the database yet: neither a key ring nor an organization.
    pub async fn is_empty(&self) -> Result<bool> {
        let mut snapshot = self.pools.read().await?;
        let keyrings = snapshot.number(sql("SELECT COUNT(*) FROM keyring")).await?;
        Ok(keyrings == 0 && crate::organizations::count(&mut snapshot).await? == 0)
    }

    /// Saves the first key ring.
    ///
    /// # Errors
    /// [`Taken::Keyring`] where there is one.
    pub async fn save_keyring(&self, keyring: &SealedKeyring) -> Result<()> {
        let Writing { mut conn, place } = self.pools.write().await?;
        let statement = sql("INSERT INTO keyring (id, check_value, sealed) VALUES (1, $1, $2) ON CONFLICT DO NOTHING");
        if conn.execute(statement.bind(&keyring.check).bind(&keyring.sealed)).await? == 0 {
            return Err(Taken::Keyring.into());
        }
        Writing { conn, place }.commit().await.map_err(Error::at_commit)
    }

    pub(crate) async fn read(&self) -> Result<crate::conn::Snapshot> {
        self.pools.read().await
    }

    /// A write transaction that may take any time.
    pub(crate) async fn write_long(&self) -> Result<Writing<'_>> {
        self.pools.migrate().await
    }

    pub(crate) fn kind(&self) -> Kind {
        self.pools.kind
    }

    pub(crate) fn random(&self) -> &dyn Random {
        &*self.random
    }

    /// The store, with the key of its audit chains.
    pub fn into_store(self, audit_key: AuditKey) -> Store {
        Store::new(self.pools, self.config, self.clock, self.random, audit_key)
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pools.close().await;
    }
}

/// Connects and migrates, by one try.
///
/// # Errors
/// [`OpenError::Unreachable`] where another try may succeed.
pub(crate) async fn reach_once(
    pools: &Pools,
    config: &Config,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<(), OpenError> {
    let url = &config.url;
    try_to_reach(pools, url, clock, random).await.map_err(|failure| match failure {
        Failure::ForNow(detail) => OpenError::Unreachable { url: url.to_string(), tried: Duration::ZERO, detail },
        Failure::Final(error) => error,
    })
}

async fn try_to_reach(pools: &Pools, url: &DatabaseUrl, clock: &dyn Clock, random: &dyn Random) -> Result<(), Failure> {
    pools.reach().await.map_err(|error| match Cause::of(&error) {
        // A server that starts, or does not answer yet. A file is there or not.
        Cause::Lost if pools.kind == Kind::Postgres => Failure::ForNow(error.to_string()),
        _ => Failure::Final(refused(url, error)),
    })?;
    if pools.kind == Kind::Postgres {
        refuse_old_server(pools, url).await.map_err(Failure::Final)?;
    }
    match migrate::run(pools, clock, random).await {
        Ok(()) => Ok(()),
        Err(MigrateError::Store(error @ (Error::Unavailable(_) | Error::ReadOnly | Error::Full | Error::Unknown)))
            if pools.kind == Kind::Postgres =>
        {
            Err(Failure::ForNow(error.to_string()))
        }
        Err(error) => Err(Failure::Final(error.into_open_error(|error| explain(url, error)))),
    }
}

/// Why a database cannot be used.
enum Failure {
    /// It may be usable in a moment.
    ForNow(String),
    /// Waiting does not help.
    Final(OpenError),
}

fn refused(url: &DatabaseUrl, error: sqlx::Error) -> OpenError {
    match url {
        DatabaseUrl::Sqlite(path) if Cause::of(&error) == Cause::CannotOpen => cannot_open(path, &error.to_string()),
        DatabaseUrl::Sqlite(_) => explain(url, error.into()),
        DatabaseUrl::Postgres(_) => OpenError::Refused { url: url.to_string(), detail: error.to_string() },
    }
}

/// SQLite says no more than "unable to open": tells a folder that is missing from one that may not be written.
fn cannot_open(path: &Path, detail: &str) -> OpenError {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let why = match path.parent() {
        Some(folder) if !folder.is_dir() => "its folder does not exist",
        _ if path.is_dir() => "it is a folder",
        _ => return OpenError::ReadOnly { path, detail: detail.to_owned() },
    };
    OpenError::NoSuchFolder { path, detail: why.to_owned() }
}

fn explain(url: &DatabaseUrl, error: Error) -> OpenError {
    match (url, error) {
        (DatabaseUrl::Sqlite(path), Error::Corrupt(detail)) => OpenError::Corrupt { path: path.clone(), detail },
        (DatabaseUrl::Sqlite(path), Error::ReadOnly) => {
            OpenError::ReadOnly { path: path.clone(), detail: "the file or its folder is write-protected".to_owned() }
        }
        (DatabaseUrl::Sqlite(path), Error::Full) => OpenError::Full { path: path.clone() },
        (url, Error::Busy) => OpenError::Locked { url: url.to_string() },
        (url, source) => OpenError::Other { url: url.to_string(), source },
    }
}

async fn refuse_old_server(pools: &Pools, url: &DatabaseUrl) -> Result<(), OpenError> {
    let version = async {
        let statement = sql("SELECT CAST(current_setting('server_version_num') AS BIGINT)");
        pools.read().await?.number(statement).await
    };
    match version.await {
        Ok(version) if version >= POSTGRES_VERSION_MIN => Ok(()),
        Ok(version) => {
            let detail = format!("PostgreSQL 15 or newer is needed, this is {}", version / 10_000);
            Err(OpenError::Refused { url: url.to_string(), detail })
        }
        Err(error) => Err(explain(url, error)),
    }
}
