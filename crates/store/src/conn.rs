//! A connection inside a transaction: what every reading function takes.

use std::ops::{Deref, DerefMut};

use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use crate::error::Cause;
use crate::fields::Fields;
use crate::pools::Kind;
use crate::sql::Sql;
use crate::{Result, Taken};

/// A connection inside a transaction; [`Snapshot`] and [`crate::Tx`] are made of it.
pub struct Conn {
    transaction: Transaction<'static, Any>,
    kind: Kind,
    conflict: bool,
}

/// A read transaction: everything read through it is of one instant.
pub struct Snapshot(Conn);

// === impl Conn ===

impl Conn {
    pub(crate) fn new(transaction: Transaction<'static, Any>, kind: Kind) -> Self {
        Self { transaction, kind, conflict: false }
    }

    /// Whether a statement failed because of another transaction, so that this one may be run again.
    pub(crate) fn met_conflict(&self) -> bool {
        self.conflict
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(&mut self, sql: Sql) -> Result<u64> {
        let (text, values) = sql.into_parts(self.kind);
        let query = sqlx::query_with(AssertSqlSafe(text), values);
        let result = query.execute(&mut *self.transaction).await;
        Ok(self.noting_conflict(result)?.rows_affected())
    }

    /// Runs a statement that another tenant's transaction may forestall: whoever loses gets `taken`.
    pub(crate) async fn execute_unless_taken(&mut self, sql: Sql, taken: Taken) -> Result<u64> {
        let (text, values) = sql.into_parts(self.kind);
        let query = sqlx::query_with(AssertSqlSafe(text), values);
        match query.execute(&mut *self.transaction).await {
            Err(error) if Cause::of(&error) == Cause::Unique => Err(taken.into()),
            result => Ok(self.noting_conflict(result)?.rows_affected()),
        }
    }

    /// Runs several statements without values.
    pub(crate) async fn execute_script(&mut self, script: String) -> Result<()> {
        let result = sqlx::raw_sql(AssertSqlSafe(script)).execute(&mut *self.transaction).await;
        self.noting_conflict(result)?;
        Ok(())
    }

    /// All rows, each read by `read`.
    pub(crate) async fn rows<T>(&mut self, sql: Sql, read: impl Fn(&dyn Fields) -> Result<T>) -> Result<Vec<T>> {
        let (text, values) = sql.into_parts(self.kind);
        let query = sqlx::query_with(AssertSqlSafe(text), values);
        let result = query.fetch_all(&mut *self.transaction).await;
        self.noting_conflict(result)?.iter().map(|row: &AnyRow| read(row)).collect()
    }

    /// The first row, read by `read`.
    pub(crate) async fn row<T>(&mut self, sql: Sql, read: impl Fn(&dyn Fields) -> Result<T>) -> Result<Option<T>> {
        let (text, values) = sql.into_parts(self.kind);
        let query = sqlx::query_with(AssertSqlSafe(text), values);
        let result = query.fetch_optional(&mut *self.transaction).await;
        self.noting_conflict(result)?.map(|row: AnyRow| read(&row)).transpose()
    }

    /// The number in the first column of the only row.
    pub(crate) async fn number(&mut self, sql: Sql) -> Result<i64> {
        Ok(self.row(sql, |row| row.number(0)).await?.unwrap_or_default())
    }

    fn noting_conflict<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T> {
        result.map_err(|error| {
            self.conflict |= Cause::of(&error) == Cause::Conflict;
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
