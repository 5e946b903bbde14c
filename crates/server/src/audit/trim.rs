//! Removes the oldest entries of the audit log, where they are not kept for ever. Every node does so: each transaction looks anew.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_manage::{Manage, audit};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Written;
use crate::hourly_task::PERIOD;

/// How often it is looked whether it is time.
const LOOKED_EACH: Duration = Duration::from_secs(1);
/// How far this node's clock may be from the database's. What is removed does not come back.
const SKEW_MICROS_MAX: i64 = 60_000_000;

/// What the task works with.
pub(crate) struct TrimTask {
    pub(crate) manage: Arc<Manage>,
    pub(crate) kept_days: u32,
    /// How far this node's file is, where there is one: it must have what is removed.
    pub(crate) written: Option<Arc<Written>>,
}

// === impl TrimTask ===

impl TrimTask {
    /// At once, and each time that an hour has passed by the server's clock, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOKED_EACH);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut trimmed_at: Option<Timestamp> = None;
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                () = stop.cancelled() => return,
            }
            let now = self.manage.clock.now();
            // A clock that was put back would otherwise be waited for.
            if trimmed_at.is_some_and(|at| now >= at && now.saturating_since(at) < PERIOD) {
                continue;
            }
            trimmed_at = Some(now);
            tokio::select! {
                () = self.trim() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn trim(&self) {
        match self.manage.store.clock_skew().await {
            Ok(Some(skew)) if skew.apart_micros() > SKEW_MICROS_MAX => {
                tracing::error!("no entry of the audit log is removed: this node's clock is not the database's");
                return;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!("the database's clock could not be read: {error}");
                return;
            }
        }
        let written = |chain| self.written.as_ref().map_or(i64::MAX, |written| written.up_to(chain));
        match audit::trim(&self.manage, self.kept_days, written).await {
            Ok(report) => {
                if report.removed > 0 {
                    tracing::info!("{} entries of the audit log were older than they are kept", report.removed);
                }
                for (chain, seq) in report.broken {
                    tracing::error!(
                        "no entry of the audit log of {chain} is removed: it is not whole at {seq}; see \
                         `claviger audit verify`"
                    );
                }
            }
            Err(error) => tracing::warn!("old entries of the audit log could not be removed: {error:?}"),
        }
    }
}
