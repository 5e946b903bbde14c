//! The native drivers, for reading many rows: `Any` copies each value once more.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _, SqlSafeStr, SqlStr};
use tokio::time::sleep;

use crate::fields::Fields;
use crate::pools::Kind;
use crate::raw_rows::{Column, RawRows};
use crate::server::{Server, ServerUrl};
use crate::snapshot_file::{FileRows, Parts};
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
    /// A local snapshot in place of a database.
    File(Box<Parts>),
}

/// Rows of one statement, on their way.
pub(crate) enum Rows<'c> {
    Sqlite(BoxStream<'c, sqlx::Result<SqliteRow>>),
    Postgres(BoxStream<'c, sqlx::Result<PgRow>>),
    File {
        parts: &'c mut Parts,
        /// The statement, until its rows are begun.
        statement: Option<SqlStr>,
        rows: FileRows,
    },
}

/// How the rows of a table are copied.
pub(crate) struct Table {
    pub(crate) select: &'static str,
    pub(crate) columns: &'static [Column],
    /// The rows from behind the number `?1` up to `?2`, each column as one text, see [`RawRows::push_joined`]: SQLite's
    /// driver copies each value of each row out by itself.
    pub(crate) sqlite_joined: &'static str,
    /// The number of the last row.
    pub(crate) sqlite_last: &'static str,
}

/// The rows of a table, on their way.
pub(crate) enum TableRows<'c> {
    Sqlite { connection: &'c mut SqliteConnection, table: &'static Table, taken: i64, last: i64 },
    Postgres(Rows<'c>, &'static Table),
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
            Self::File(parts) => {
                parts.begin(sql.into_sql_str().as_str())?;
                while let Some(mut rows) = parts.rows()? {
                    while let Some(row) = rows.next()? {
                        take(&row)?;
                    }
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
            Self::File(parts) => Rows::File { parts, statement: Some(sql.into_sql_str()), rows: FileRows::default() },
        }
    }

    /// All rows of a table.
    pub(crate) async fn table(&mut self, table: &'static Table) -> Result<TableRows<'_>> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let last = sqlx::query_scalar(table.sqlite_last).fetch_one(&mut *connection).await?;
                TableRows::Sqlite { connection, table, taken: 0, last }
            }
            Self::Postgres(_) | Self::File(_) => TableRows::Postgres(self.rows(table.select), table),
        })
    }

    /// Ends the transaction and closes the connection.
    pub(crate) async fn end(self) -> Result<()> {
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => within(Some(CONNECT_TIMEOUT), connection.close()).await,
            Self::File(_) => Ok(()),
        };
        closed.map_err(Error::from)
    }
}

// === impl Rows ===

impl Rows<'_> {
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
                Self::File { parts, statement, rows } => {
                    if let Some(statement) = statement.take() {
                        parts.begin(statement.as_str())?;
                    }
                    loop {
                        if let Some(row) = rows.next()? {
                            take(&row)?;
                            break;
                        }
                        match parts.rows()? {
                            Some(next) => *rows = next,
                            None => return Ok(taken),
                        }
                    }
                }
            }
        }
        Ok(count)
    }
}

// === impl TableRows ===

impl TableRows<'_> {
    /// Copies the next rows, at most `count`; none once there are no more.
    pub(crate) async fn copy(&mut self, count: usize) -> Result<RawRows> {
        match self {
            Self::Sqlite { connection, table, taken, last } => {
                let mut rows = RawRows::with_capacity(count, table.columns);
                while rows.is_empty() && taken < last {
                    let until = (*taken + count as i64).min(*last);
                    let query = sqlx::query(table.sqlite_joined).bind(*taken).bind(until);
                    let row = query.fetch_one(&mut **connection).await?;
                    let columns = 0..table.columns.len();
                    let joined: Vec<Option<&str>> = columns.map(|at| row.try_get(at)).collect::<Result<_, _>>()?;
                    // NULL where all of these numbers are free.
                    if let Some(joined) = joined.into_iter().collect::<Option<Vec<&str>>>() {
                        rows.push_joined(&joined)?;
                    }
                    *taken = until;
                }
                Ok(rows)
            }
            Self::Postgres(rows, table) => {
                let mut copied = RawRows::with_capacity(count, table.columns);
                rows.take(count, |row| copied.push(row)).await?;
                Ok(copied)
            }
        }
    }
}
