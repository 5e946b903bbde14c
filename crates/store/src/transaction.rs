//! A transaction on a pool's connection.
//!
//! sqlx has one too, but does not let go of its connection: one that does not answer any more would go back to the pool and
//! keep a place there until the network gives up on it, which takes a quarter of an hour.

use std::future::Future;
use std::io;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Executor as _};

/// How long PostgreSQL may take for a statement, a wait for another transaction's lock included.
pub(crate) const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// A transaction. Dropped before it was committed, it is rolled back.
pub(crate) struct Transaction {
    /// `None` once it is over.
    connection: Option<PoolConnection<Any>>,
    limit: Option<Duration>,
}

// === impl Transaction ===

impl Transaction {
    /// Begins one; `limit`: how long each of its statements may take.
    pub(crate) async fn begin(
        pool: &AnyPool,
        begin: &'static str,
        limit: Option<Duration>,
    ) -> Result<Self, sqlx::Error> {
        let mut transaction = Self { connection: Some(pool.acquire().await?), limit };
        match within(limit, transaction.connection()?.execute(begin)).await {
            Ok(_) => Ok(transaction),
            Err(error) => {
                transaction.give_up();
                Err(error)
            }
        }
    }

    /// The connection, and how long a statement may take on it; an error once it was given up.
    pub(crate) fn connection(&mut self) -> Result<&mut AnyConnection, sqlx::Error> {
        let connection = self.connection.as_deref_mut();
        connection.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the connection was lost before").into())
    }

    /// How long a statement may take.
    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// Commits. After an error nobody knows whether it happened, unless the database said so.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        let limit = self.limit;
        let committed = within(limit, self.connection()?.execute("COMMIT")).await;
        match committed {
            Ok(_) => self.connection = None,
            Err(_) => self.give_up(),
        }
        committed.map(drop)
    }

    /// Lets go of the connection instead of giving it back to the pool: it is lost, or does not answer.
    pub(crate) fn give_up(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Dropping the connection closes its socket; a goodbye could hang as well.
            drop(connection.detach());
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let limit = self.limit;
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return drop(connection.detach()) };
        runtime.spawn(async move {
            // The database rolls back by itself what belongs to a connection that is gone.
            if within(limit, connection.execute("ROLLBACK")).await.is_err() {
                drop(connection.detach());
            }
        });
    }
}

/// What `future` gives, or an error once `limit` is over.
pub(crate) async fn within<T>(
    limit: Option<Duration>,
    future: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    let Some(limit) = limit else { return future.await };
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {} s", limit.as_secs_f32()));
    tokio::time::timeout(limit, future).await.map_err(late)?
}
