//! What is done each hour: the ends of the audit chains go to the log, and what has expired is deleted.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::{Clock, Timestamp};
use claviger_store::usage::{self, Kept};
use claviger_store::{Result, Store, api_sessions, audit, idempotency, links, quotas, sign_in_challenges};
use tokio_util::sync::CancellationToken;

/// How often.
pub const PERIOD: Duration = Duration::from_hours(1);

/// How long after its period the counter of a quota goes: far longer than clocks differ, so that none that is behind begins it anew.
const QUOTAS_KEPT: Duration = Duration::from_hours(2 * 24);

/// For how long a link that expired is still shown.
const LINKS_KEPT: Duration = Duration::from_hours(30 * 24);

/// What the task works with.
pub(crate) struct HourlyTask {
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) usage: Kept,
}

/// Every so many hours it is looked at each key whether its counts are old.
const KEYS_EVERY: u32 = 24;

// === impl HourlyTask ===

impl HourlyTask {
    /// At once, and each hour until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut hours = tokio::time::interval(PERIOD);
        for hour in (0..KEYS_EVERY).cycle() {
            tokio::select! {
                _ = hours.tick() => {}
                () = stop.cancelled() => return,
            }
            if let Err(error) = self.log_heads().await {
                tracing::warn!("the ends of the audit chains could not be read: {error}");
            }
            match idempotency::sweep(&self.store, self.clock.now()).await {
                Ok(swept) => tracing::debug!(swept, "expired answers of idempotent calls deleted"),
                Err(error) => tracing::warn!("expired answers of idempotent calls could not be deleted: {error}"),
            }
            match sign_in_challenges::sweep(&self.store, self.clock.now()).await {
                Ok(swept) => tracing::debug!(swept, "expired steps of sign-ins and enrolments deleted"),
                Err(error) => tracing::warn!("expired steps of sign-ins and enrolments could not be deleted: {error}"),
            }
            match api_sessions::sweep(&self.store, self.clock.now()).await {
                Ok(swept) => tracing::debug!(swept, "sessions of API users that are over deleted"),
                Err(error) => tracing::warn!("sessions of API users that are over could not be deleted: {error}"),
            }
            match quotas::trim(&self.store, self.clock.now().saturating_sub(QUOTAS_KEPT)).await {
                Ok(trimmed) => tracing::debug!(trimmed, "counters of quotas whose period is over deleted"),
                Err(error) => tracing::warn!("counters of quotas whose period is over could not be deleted: {error}"),
            }
            // Those who invite see for a while which invitations ran out.
            let before = self.clock.now().as_micros().saturating_sub(LINKS_KEPT.as_micros() as i64);
            match links::sweep(&self.store, Timestamp::from_micros(before)).await {
                Ok(swept) => tracing::debug!(swept, "links that expired long ago deleted"),
                Err(error) => tracing::warn!("links that expired long ago could not be deleted: {error}"),
            }
            self.trim_usage(hour == 0).await;
        }
    }

    async fn trim_usage(&self, keys_too: bool) {
        let trimmed = match usage::trim(&self.store, self.usage).await {
            Ok(trimmed) if keys_too => usage::trim_keys(&self.store, self.usage).await.map(|keys| trimmed + keys),
            trimmed => trimmed,
        };
        match trimmed {
            Ok(trimmed) => tracing::debug!(trimmed, "old counts of requests deleted"),
            Err(error) => tracing::warn!("old counts of requests could not be deleted: {error}"),
        }
    }

    /// Whoever may write the database can cut a chain and its head; the log stands elsewhere.
    async fn log_heads(&self) -> Result<()> {
        for (chain, head) in audit::heads(&mut *self.store.read().await?).await? {
            let mac = head.mac.iter().fold(String::new(), |mut text, byte| {
                // Writing to a `String` never fails.
                let _ = write!(text, "{byte:02x}");
                text
            });
            tracing::info!("audit head of {chain}: {}:{mac}", head.seq);
        }
        Ok(())
    }
}
