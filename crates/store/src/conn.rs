//! A connection inside a transaction: what every reading function takes.

use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use sqlx::AssertSqlSafe;
use sqlx::any::{AnyArguments, AnyRow};

use crate::error::Cause;
use crate::fields::Fields;
use crate::pools::Kind;
use crate::server::Server;
use crate::sql::Sql;
use crate::transaction::{Transaction, within};
use crate::{Result, Taken};

/// A connection inside a transaction; [`Snapshot`] and [`crate::Tx`] are made of it.
pub struct Conn {
    transaction: Transaction,
    server: Arc<Server>,
    kind: Kind,
    conflict: bool,
    /// What was read, for tests of how the databases do it.
    #[cfg(test)]
    pub(crate) asked: Vec<String>,
}

/// A read transaction: everything read through it is of one instant.
pub struct Snapshot(Conn);

// === impl Conn ===

impl Conn {
    pub(crate) fn new(transaction: Transaction, server: Arc<Server>, kind: Kind) -> Self {
        Self {
            transaction,
            server,
            kind,
            conflict: false,
            #[cfg(test)]
            asked: Vec::new(),
        }
    }

    /// Whether a statement failed because of another transaction, so that this one may be run again.
    pub(crate) fn met_conflict(&self) -> bool {
        self.conflict
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        let Self { transaction, server, kind, .. } = self;
        let committed = transaction.commit().await;
        if let Err(error) = &committed {
            server.note(kind, Cause::of(error));
        }
        committed
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: Sql) -> Result<u64> {
        let (text, values) = sql.into_parts(self.kind);
        let query = sqlx::query_with(AssertSqlSafe(text), values);
        let limit = self.transaction.limit();
        let result = within(limit, query.execute(self.transaction.connection()?)).await;
        Ok(self.noting(result)?.rows_affected())
    }

    /// Runs a statement that another tenant's transaction may forestall: whoever loses gets `taken`.
    pub(crate) async fn execute_unless_taken(&mut self, sql: Sql, taken: Taken) -> Result<u64> {
        let (text, values) = sql.into_parts(self.kind);
        let query = sqlx::query_with(AssertSqlSafe(text), values);
        let limit = self.transaction.limit();
        match within(limit, query.execute(self.transaction.connection()?)).await {
            Err(error) if Cause::of(&error) == Cause::Unique => Err(taken.into()),
            result => Ok(self.noting(result)?.rows_affected()),
        }
    }

    /// Runs several statements without values.
    pub(crate) async fn execute_script(&mut self, script: String) -> Result<()> {
        let result = sqlx::raw_sql(AssertSqlSafe(script)).execute(self.transaction.connection()?).await;
        self.noting(result)?;
        Ok(())
    }

    /// All rows, each read by `read`.
    pub(crate) async fn rows<T>(&mut self, sql: Sql, read: impl Fn(&dyn Fields) -> Result<T>) -> Result<Vec<T>> {
        let (text, values) = self.asking(sql);
        let query = sqlx::query_with(AssertSqlSafe(text), values);
        let limit = self.transaction.limit();
        let result = within(limit, query.fetch_all(self.transaction.connection()?)).await;
        self.noting(result)?.iter().map(|row: &AnyRow| read(row)).collect()
    }

    /// The first row, read by `read`.
    pub(crate) async fn row<T>(&mut self, sql: Sql, read: impl Fn(&dyn Fields) -> Result<T>) -> Result<Option<T>> {
        let (text, values) = self.asking(sql);
        let query = sqlx::query_with(AssertSqlSafe(text), values);
        let limit = self.transaction.limit();
        let result = within(limit, query.fetch_optional(self.transaction.connection()?)).await;
        self.noting(result)?.map(|row: AnyRow| read(&row)).transpose()
    }

    /// The number in the first column of the only row.
    pub(crate) async fn number(&mut self, sql: Sql) -> Result<i64> {
        Ok(self.row(sql, |row| row.number(0)).await?.unwrap_or_default())
    }

    fn asking(&mut self, sql: Sql) -> (Cow<'static, str>, AnyArguments) {
        let parts = sql.into_parts(self.kind);
        #[cfg(test)]
        self.asked.push(parts.0.to_string());
        parts
    }

    fn noting<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T> {
        result.map_err(|error| {
            let cause = Cause::of(&error);
            self.conflict |= cause == Cause::Conflict;
            if self.server.note(self.kind, cause) {
                self.transaction.give_up();
            }
            error.into()
        })
    }
}

// === impl Snapshot ===

impl Snapshot {
    pub(crate) fn new(conn: Conn) -> Self {
        Self(conn)
    }
}

impl Deref for Snapshot {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Snapshot {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}
