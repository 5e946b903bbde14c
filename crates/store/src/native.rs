//! The native drivers, for reading many rows: `Any` copies each value once more.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, SqlSafeStr};
use tokio::time::sleep;

use crate::fields::Fields;
use crate::pools::Kind;
use crate::raw_rows::{Column, RawRows};
use crate::server::{Server, ServerUrl};
use crate::transaction::within;
use crate::{Error, Result};

/// Rows that the SQLite thread may be ahead of the reader.
const ROWS_AHEAD: usize = 4_096;
/// How long rows are left to gather where there are none: a reader that waits for each is woken for each, which takes
/// both threads longer than the row.
const ROWS_WAIT: Duration = Duration::from_millis(1);

/// How long a server may take to be connected to.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a server may let wait for the next row: the first one of a table comes after it was read in part.
const ROW_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a server may count the rows of one table.
const COUNT_TIMEOUT: Duration = Duration::from_mins(10);

/// A connection of its own, in one read transaction.
pub(crate) enum Native {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Rows of one statement, on their way.
pub(crate) enum Rows<'c> {
    Sqlite(BoxStream<'c, sqlx::Result<SqliteRow>>),
    Postgres(BoxStream<'c, sqlx::Result<PgRow>>),
}

// === impl Native ===

impl Native {
    /// Connects and begins the transaction.
    pub(crate) async fn begin(server: &Server) -> Result<Self> {
        match &server.place().url {
            ServerUrl::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path).row_buffer_size(ROWS_AHEAD);
                let mut connection = options.disable_statement_logging().connect().await?;
                connection.execute(Kind::Sqlite.begin_read()).await?;
                Ok(Self::Sqlite(connection))
            }
            ServerUrl::Postgres(url) => {
                let options: PgConnectOptions = url.parse()?;
                let begin = async {
                    let mut connection = options.disable_statement_logging().connect().await?;
                    connection.execute(Kind::Postgres.begin_read()).await?;
                    Ok(connection)
                };
                Ok(Self::Postgres(within(Some(CONNECT_TIMEOUT), begin).await?))
            }
        }
    }

    /// Hands each row of a statement without values to `take`.
    pub(crate) async fn each(
        &mut self,
        sql: impl SqlSafeStr,
        take: impl FnMut(&dyn Fields) -> Result<()> + Send,
    ) -> Result<()> {
        self.each_within(ROW_TIMEOUT, sql, take).await
    }

    /// How many rows a table of any length has.
    pub(crate) async fn count(&mut self, table: &str) -> Result<i64> {
        let (statement, mut count) = (AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}")), 0);
        self.each_within(COUNT_TIMEOUT, statement, |row| row.number(0).map(|read| count = read)).await?;
        Ok(count)
    }

    async fn each_within(
        &mut self,
        limit: Duration,
        sql: impl SqlSafeStr,
        mut take: impl FnMut(&dyn Fields) -> Result<()> + Send,
    ) -> Result<()> {
        match self {
            Self::Sqlite(connection) => {
                let mut rows = sqlx::query(sql).fetch(connection);
                while let Some(row) = Pin::new(&mut rows).try_next().await? {
                    take(&row)?;
                }
            }
            Self::Postgres(connection) => {
                let mut rows = sqlx::query(sql).fetch(connection);
                while let Some(row) = within(Some(limit), Pin::new(&mut rows).try_next()).await? {
                    take(&row)?;
                }
            }
        }
        Ok(())
    }

    /// The rows of a statement without values.
    pub(crate) fn rows(&mut self, sql: impl SqlSafeStr) -> Rows<'_> {
        match self {
            Self::Sqlite(connection) => Rows::Sqlite(sqlx::query(sql).fetch(connection)),
            Self::Postgres(connection) => Rows::Postgres(sqlx::query(sql).fetch(connection)),
        }
    }

    /// Ends the transaction and closes the connection.
    pub(crate) async fn end(self) -> Result<()> {
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => within(Some(CONNECT_TIMEOUT), connection.close()).await,
        };
        closed.map_err(Error::from)
    }
}

// === impl Rows ===

impl Rows<'_> {
    /// Copies the next rows, at most `count`; none once there are no more.
    pub(crate) async fn copy(&mut self, count: usize, columns: &'static [Column]) -> Result<RawRows> {
        let mut taken = RawRows::with_capacity(count, columns);
        self.take(count, |row| taken.push(row)).await?;
        Ok(taken)
    }

    /// Hands the next rows to `take`, at most `count`; how many there were.
    pub(crate) async fn take(
        &mut self,
        count: usize,
        mut take: impl FnMut(&dyn Fields) -> Result<()> + Send,
    ) -> Result<usize> {
        for taken in 0..count {
            match self {
                Self::Sqlite(rows) => {
                    let row = loop {
                        match poll_fn(|cx| Poll::Ready(rows.try_poll_next_unpin(cx))).await {
                            Poll::Ready(row) => break row.transpose()?,
                            Poll::Pending => sleep(ROWS_WAIT).await,
                        }
                    };
                    let Some(row) = row else { return Ok(taken) };
                    take(&row)?;
                }
                Self::Postgres(rows) => {
                    let Some(row) = within(Some(ROW_TIMEOUT), rows.try_next()).await? else { return Ok(taken) };
                    take(&row)?;
                }
            }
        }
        Ok(count)
    }
}
