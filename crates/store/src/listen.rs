//! What wakes a feed. None of it decides anything: a feed looks for itself every poll interval.

use std::future::pending;

use sqlx::postgres::PgListener;
use tokio::sync::watch;

use crate::config::{Config, DatabaseUrl};
use crate::write::CHANNEL;

/// Commits of this process, and notifications of others.
pub(crate) struct Wakeup {
    committed: watch::Receiver<u64>,
    /// Where to listen, if at all.
    url: Option<String>,
    listener: Option<PgListener>,
}

// === impl Wakeup ===

impl Wakeup {
    pub(crate) fn new(committed: watch::Receiver<u64>, config: &Config) -> Self {
        let url = match &config.url {
            DatabaseUrl::Postgres(url) if config.listen => Some(url.clone()),
            _ => None,
        };
        Self { committed, url, listener: None }
    }

    /// Listens, where that is possible and not done yet. Whether something may have been missed until now.
    pub(crate) async fn prepare(&mut self) -> bool {
        let (Some(url), None) = (&self.url, &self.listener) else { return false };
        let connected = async {
            let mut listener = PgListener::connect(url).await?;
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        match connected.await {
            Ok(listener) => {
                self.listener = Some(listener);
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
                Some(listener) => listener.try_recv().await,
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
