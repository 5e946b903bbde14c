//! A database of its own for each test.

use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;

/// Where the tests' PostgreSQL is; `cargo xtask test` starts one and sets it.
pub const POSTGRES_URL_VARIABLE: &str = "CLAVIGER_TEST_POSTGRES_URL";

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The embedded default.
    Sqlite,
    /// A database of its own in the tests' cluster.
    Postgres,
}

/// A database that goes when the test ends.
pub struct TestDatabase {
    /// As the configuration takes it.
    pub url: String,
    /// Keeps the file's folder; PostgreSQL's cluster is temporary as a whole.
    _folder: TempDir,
}

// === impl TestDatabase ===

impl TestDatabase {
    /// One that is there already.
    pub fn at(url: String) -> Self {
        let folder = tempfile::Builder::new().prefix("claviger-e2e-").tempdir().expect("a temporary folder");
        Self { url, _folder: folder }
    }

    /// A new, empty one.
    pub async fn new(kind: Kind) -> Self {
        let folder = tempfile::Builder::new().prefix("claviger-e2e-").tempdir().expect("a temporary folder");
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}", folder.path().join("claviger.db").display()),
            Kind::Postgres => {
                let server = postgres_url();
                let name = folder.path().file_name().and_then(|name| name.to_str()).expect("a plain name");
                let name = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
                let mut connection = PgConnection::connect(&server).await.expect("the tests' PostgreSQL answers");
                connection
                    .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
                    .await
                    .expect("a database for this test");
                let (base, _) = server.rsplit_once('/').expect("a URL with a database");
                format!("{base}/{name}")
            }
        };
        Self { url, _folder: folder }
    }

    /// The number that a statement gives.
    pub async fn number(&self, statement: String) -> i64 {
        let statement = sqlx::AssertSqlSafe(statement);
        let number = if let Some(path) = self.url.strip_prefix("sqlite://") {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = SqliteConnection::connect_with(&options).await.expect("the database opens");
            sqlx::query_scalar(statement).fetch_one(&mut connection).await
        } else {
            let mut connection = PgConnection::connect(&self.url).await.expect("the database answers");
            sqlx::query_scalar(statement).fetch_one(&mut connection).await
        };
        number.expect("a number")
    }

    /// The texts that a statement gives, a row each.
    pub async fn texts(&self, statement: &'static str) -> Vec<String> {
        let texts = if let Some(path) = self.url.strip_prefix("sqlite://") {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = SqliteConnection::connect_with(&options).await.expect("the database opens");
            sqlx::query_scalar(statement).fetch_all(&mut connection).await
        } else {
            let mut connection = PgConnection::connect(&self.url).await.expect("the database answers");
            sqlx::query_scalar(statement).fetch_all(&mut connection).await
        };
        texts.expect("texts")
    }

    /// Runs a statement behind the server's back.
    pub async fn execute(&self, statement: &'static str) {
        if let Some(path) = self.url.strip_prefix("sqlite://") {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let mut connection = SqliteConnection::connect_with(&options).await.expect("the database opens");
            connection.execute(statement).await.expect("the statement runs");
            return;
        }
        let mut connection = PgConnection::connect(&self.url).await.expect("the database answers");
        connection.execute(statement).await.expect("the statement runs");
    }
}

#[allow(clippy::disallowed_methods, reason = "the tests' own switch, not the product's configuration")]
fn postgres_url() -> String {
    std::env::var(POSTGRES_URL_VARIABLE).unwrap_or_else(|_| {
        panic!("{POSTGRES_URL_VARIABLE} is not set: run `cargo xtask test`, or `cargo xtask postgres -- cargo test …`")
    })
}
