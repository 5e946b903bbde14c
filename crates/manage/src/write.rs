//! Changes: through the store's one closure, and in force on this node before the call returns.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::change::Position;
use claviger_store::{Committed, Scope, Tx};

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// How long a call waits for this node's engine to apply a committed change.
pub const APPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// What a write closure returns.
pub type Work<'t, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 't>>;

/// What a use case changed, and where in the feed; no position if nothing changed.
#[derive(Debug, Clone)]
pub struct Changed<T> {
    /// What the use case returns.
    pub value: T,
    /// The change.
    pub position: Option<Position>,
}

// === impl Manage ===

impl Manage {
    /// Runs `work` in a transaction of `scope`, which begins by asking whether the actor may still act, and waits until
    /// this node's engine has applied it.
    ///
    /// `work` may run again: secrets, ids and instants are made outside.
    pub async fn write<T, F>(&self, ctx: &Ctx, scope: Scope, work: F) -> Result<Changed<T>, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t mut Tx) -> Work<'t, T> + Send + Sync + 'static,
    {
        let shared = Arc::new((ctx.clone(), work));
        let committed = self
            .store
            .write(scope, move |tx| {
                let shared = shared.clone();
                Box::pin(async move {
                    let (ctx, work) = &*shared;
                    ctx.confirm(tx, scope).await?;
                    work(tx).await
                })
            })
            .await?;
        self.in_force(committed).await
    }

    /// Waits until this node's engine has applied what was committed.
    pub(crate) async fn in_force<T>(&self, committed: Committed<T>) -> Result<Changed<T>, Error> {
        let Committed { value, position } = committed;
        if let Some(position) = position {
            self.wait_applied(position).await?;
        }
        Ok(Changed { value, position })
    }

    async fn wait_applied(&self, position: Position) -> Result<(), Error> {
        tokio::time::timeout(APPLY_TIMEOUT, self.engine.applied(position)).await.map_err(|_| {
            Error::busy(format!("Saved as change {position}, but this node has not applied it yet."))
                .caused_by("the change feed is behind")
        })
    }
}

// === impl Changed ===

impl<T> Changed<T> {
    /// The same change with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Changed<U> {
        Changed { value: f(self.value), position: self.position }
    }
}
