//! A database for each test, on SQLite always and on PostgreSQL where `CLAVIGER_TEST_POSTGRES_URL` names a superuser's.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_domain::keyring::{AuditKey, Keyring};
use claviger_domain::testing::{FixedClock, FixedRandom};
use claviger_store::{Config, Database, DatabaseUrl, OpenError, Store};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Row as _};

/// A cluster's superuser; `cargo xtask test` sets it.
const POSTGRES_VARIABLE: &str = "CLAVIGER_TEST_POSTGRES_URL";
/// The instant at which the clock of a test stands first.
pub const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

static COUNTER: AtomicU64 = AtomicU64::new(1);

/// A database of one's own, not yet opened.
pub struct Place {
    pub config: Config,
    pub clock: Arc<FixedClock>,
    folder: tempfile::TempDir,
    cluster: Option<String>,
}

/// Writes a test for each database. The body may use `place`.
#[macro_export]
macro_rules! stories {
    ($($(#[$meta:meta])* async fn $name:ident($place:ident) $body:block)*) => {
        $($(#[$meta])* mod $name {
            #[allow(unused_imports, reason = "each story uses some of its file's imports")]
            use super::*;
            async fn story($place: std::sync::Arc<$crate::harness::Place>) $body
            #[test]
            fn on_sqlite() {
                $crate::harness::run($crate::harness::Place::sqlite(), story);
            }
            #[test]
            fn on_postgres() {
                if let Some(place) = $crate::harness::Place::postgres() {
                    $crate::harness::run(place, story);
                }
            }
        })*
    };
}

/// Runs a story, and takes its database away however it ends.
pub fn run<F: Future<Output = ()> + Send + 'static>(place: Place, story: impl FnOnce(Arc<Place>) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let place = Arc::new(place);
        place.create().await;
        let end = tokio::spawn(story(place.clone())).await;
        place.drop_database().await;
        if let Err(error) = end {
            std::panic::resume_unwind(error.into_panic());
        }
    });
}

/// Fails a test that would wait for ever.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("this should not take 30 s")
}

/// The audit key of all stores of a test.
pub fn audit_key() -> AuditKey {
    Keyring::generate(&FixedRandom::new(1)).audit().clone()
}

/// A cluster's URL, or a note that the test is left out.
pub fn postgres_url() -> Option<String> {
    #[allow(clippy::disallowed_methods, reason = "the tests' only setting")]
    let url = std::env::var(POSTGRES_VARIABLE).ok();
    if url.is_none() {
        eprintln!("LEFT OUT: {POSTGRES_VARIABLE} is not set; `cargo xtask test` sets it");
    }
    url
}

// === impl Place ===

impl Place {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite(&folder.path().join("claviger 50%?#.db"));
        Self::new(url, folder, None)
    }

    pub fn postgres() -> Option<Self> {
        let cluster = postgres_url()?;
        let folder = tempfile::tempdir().unwrap();
        let random = folder.path().file_name().unwrap().to_str().unwrap().replace('.', "").to_lowercase();
        let name = format!("claviger_test_{}_{}_{random}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let (head, query) = cluster.split_once('?').map_or((&*cluster, ""), |(head, query)| (head, query));
        let server =
            head.rsplit_once('/').filter(|(server, _)| server.len() > "postgres:/".len()).map_or(head, |(s, _)| s);
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let url = format!("{server}/{name}{query}").parse().unwrap();
        Some(Self::new(url, folder, Some(cluster)))
    }

    fn new(url: DatabaseUrl, folder: tempfile::TempDir, cluster: Option<String>) -> Self {
        let mut config = Config::new(url);
        config.connections_max = 6;
        config.connect_timeout = Duration::from_secs(20);
        Self { config, clock: Arc::new(FixedClock::new(START)), folder, cluster }
    }

    pub fn is_postgres(&self) -> bool {
        self.cluster.is_some()
    }

    pub fn file(&self) -> PathBuf {
        match &self.config.url {
            DatabaseUrl::Sqlite(path) => path.clone(),
            DatabaseUrl::Postgres(_) => panic!("no file"),
        }
    }

    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub async fn try_open(&self, config: Config) -> Result<Database, OpenError> {
        let random = FixedRandom::new(COUNTER.fetch_add(1, Ordering::Relaxed));
        Database::open(config, self.clock.clone(), Arc::new(random)).await
    }

    /// A store: a node of its own on the database.
    pub async fn store(&self) -> Store {
        self.store_with(self.config.clone()).await
    }

    pub async fn store_with(&self, config: Config) -> Store {
        self.try_open(config).await.expect("the database opens").into_store(audit_key())
    }

    /// Runs SQL behind the store's back.
    pub async fn execute(&self, sql: impl Into<String>) -> u64 {
        let sql = AssertSqlSafe(sql.into());
        match &self.config.url {
            DatabaseUrl::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).foreign_keys(false);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
                connection.execute(sqlx::raw_sql(sql)).await.unwrap().rows_affected()
            }
            DatabaseUrl::Postgres(urls) => {
                let mut connection = sqlx::PgConnection::connect(urls.first()).await.unwrap();
                connection.execute(sqlx::raw_sql(sql)).await.unwrap().rows_affected()
            }
        }
    }

    /// The number in the first column of the first row.
    pub async fn number(&self, sql: &'static str) -> i64 {
        match &self.config.url {
            DatabaseUrl::Sqlite(path) => {
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
                sqlx::query(sql).fetch_one(&mut connection).await.unwrap().get(0)
            }
            DatabaseUrl::Postgres(urls) => {
                let mut connection = sqlx::PgConnection::connect(urls.first()).await.unwrap();
                sqlx::query(sql).fetch_one(&mut connection).await.unwrap().get(0)
            }
        }
    }

    async fn create(&self) {
        if let Some(name) = self.database_name() {
            self.on_cluster(format!("CREATE DATABASE {name}")).await;
        }
    }

    async fn drop_database(&self) {
        if let Some(name) = self.database_name() {
            self.on_cluster(format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }

    async fn on_cluster(&self, sql: String) {
        let mut connection = sqlx::PgConnection::connect(self.cluster.as_deref().unwrap()).await.unwrap();
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap();
    }

    fn database_name(&self) -> Option<String> {
        self.cluster.as_ref()?;
        let shown = self.config.url.to_string();
        Some(shown.rsplit('/').next().unwrap_or_default().to_owned())
    }
}
