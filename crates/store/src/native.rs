//! The native drivers, for reading many rows: `Any` copies each value once more.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio::time::sleep;

use crate::config::DatabaseUrl;
use crate::fields::Fields;
use crate::pools::Kind;
use crate::raw_rows::{Column, RawRows};
use crate::{Error, Result};

/// Rows that the SQLite thread may be ahead of the reader.
const ROWS_AHEAD: usize = 4_096;
/// How long rows are left to gather where there are none: a reader that waits for each is woken for each, which takes
/// both threads longer than the row.
const ROWS_WAIT: Duration = Duration::from_millis(1);

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
    pub(crate) async fn begin(url: &DatabaseUrl) -> Result<Self> {
        let begin = Kind::of(url).begin_read();
        match url {
            DatabaseUrl::Sqlite(path) => {
                let options = SqliteConnectOptions::new().filename(path).row_buffer_size(ROWS_AHEAD);
                let mut connection = options.disable_statement_logging().connect().await?;
                connection.execute(begin).await?;
                Ok(Self::Sqlite(connection))
            }
            DatabaseUrl::Postgres(url) => {
                let options: PgConnectOptions = url.parse()?;
                let mut connection = options.disable_statement_logging().connect().await?;
                connection.execute(begin).await?;
                Ok(Self::Postgres(connection))
            }
        }
    }

    /// Hands each row of a statement without values to `take`.
    pub(crate) async fn each(
        &mut self,
        sql: &'static str,
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
                while let Some(row) = Pin::new(&mut rows).try_next().await? {
                    take(&row)?;
                }
            }
        }
        Ok(())
    }

    /// The rows of a statement without values.
    pub(crate) fn rows(&mut self, sql: &'static str) -> Rows<'_> {
        match self {
            Self::Sqlite(connection) => Rows::Sqlite(sqlx::query(sql).fetch(connection)),
            Self::Postgres(connection) => Rows::Postgres(sqlx::query(sql).fetch(connection)),
        }
    }

    /// Ends the transaction and closes the connection.
    pub(crate) async fn end(self) -> Result<()> {
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
        };
        closed.map_err(Error::from)
    }
}

// === impl Rows ===

impl Rows<'_> {
    /// Copies the next rows, at most `count`; none once there are no more.
    pub(crate) async fn copy(&mut self, count: usize, columns: &'static [Column]) -> Result<RawRows> {
        let mut taken = RawRows::with_capacity(count, columns);
        match self {
            Self::Sqlite(rows) => {
                while taken.len() < count {
                    match poll_fn(|cx| Poll::Ready(rows.try_poll_next_unpin(cx))).await {
                        Poll::Ready(Some(row)) => taken.push(&row?)?,
                        Poll::Ready(None) => break,
                        Poll::Pending => sleep(ROWS_WAIT).await,
                    }
                }
            }
            Self::Postgres(rows) => {
                while taken.len() < count {
                    let Some(row) = rows.try_next().await? else { break };
                    taken.push(&row)?;
                }
            }
        }
        Ok(taken)
    }
}
