//! What wakes a feed. None of it decides anything: a feed looks for itself every poll interval.

use std::future::pending;
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::watch;

use crate::config::Config;
use crate::server::{Server, ServerUrl};
use crate::transaction::within;
use crate::write::CHANNEL;

/// How long the server may take to let listen.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(2);

/// Commits of this process, and notifications of others.
pub(crate) struct Wakeup {
    committed: watch::Receiver<u64>,
    /// Whether to listen where that is possible.
    listen: bool,
    /// What listens, and at which server.
    listener: Option<(u64, PgListener)>,
}

// === impl Wakeup ===

impl Wakeup {
    pub(crate) fn new(committed: watch::Receiver<u64>, config: &Config) -> Self {
        Self { committed, listen: config.listen, listener: None }
    }

    /// Listens at the server that is used, where that is possible and not done yet. Whether something may have been missed
    /// until now.
    pub(crate) async fn prepare(&mut self, server: &Server) -> bool {
        if self.listener.as_ref().is_some_and(|(number, _)| *number != server.number) {
            self.listener = None;
        }
        let (ServerUrl::Postgres(url), true, None) = (&server.place().url, self.listen, &self.listener) else {
            return false;
        };
        let connected = async {
            let mut listener = PgListener::connect(url).await?;
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        match within(Some(LISTEN_TIMEOUT), connected).await {
            Ok(listener) => {
                self.listener = Some((server.number, listener));
                true
            }
            Err(error) => {
                tracing::debug!(%error, "cannot listen for changes; polling instead");
                false
            }
        }
    }

    /// Returns at the next commit of this process or notification of another. Safe to drop.
    pub(crate) async fn wait(&mut self) {
        let Self { committed, listener, .. } = self;
        let notified = async {
            match listener {
                Some((_, listener)) => listener.try_recv().await,
                None => pending().await,
            }
        };
        let lost = tokio::select! {
            changed = committed.changed() => {
                if changed.is_err() { pending::<()>().await; }
                false
            }
            notification = notified => !matches!(notification, Ok(Some(_))),
        };
        if lost {
            self.listener = None;
        }
    }
}
