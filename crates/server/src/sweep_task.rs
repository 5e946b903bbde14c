//! Writes down which keys nobody uses any more. Verdicts do not wait for it: they go by the clock.

use std::sync::Arc;
use std::time::Duration;

use claviger_manage::{Manage, keys};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::uses_watch::UsesWatch;

/// How often all keys are looked through: at the start, and then in this time. With the hour after which nodes tell uses
/// it is shorter than [`keys::LOOKED_AHEAD`].
pub const SWEEP_PERIOD: Duration = Duration::from_mins(15);

/// What the task works with.
pub(crate) struct SweepTask {
    pub(crate) manage: Arc<Manage>,
    pub(crate) uses: Option<Arc<UsesWatch>>,
}

// === impl SweepTask ===

impl SweepTask {
    /// Runs until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut period = tokio::time::interval(SWEEP_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = period.tick() => {}
                () = self.is_wanted() => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = self.sweep() => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn is_wanted(&self) {
        match &self.uses {
            Some(uses) => uses.wants_sweep().await,
            None => std::future::pending().await,
        }
    }

    async fn sweep(&self) {
        let began = self.manage.clock.now();
        match keys::sweep(&self.manage).await {
            Ok(swept) => {
                if let Some(uses) = &self.uses {
                    uses.note_swept(began);
                }
                if swept.idle > 0 {
                    tracing::info!("{} keys were not used for too long and are disabled", swept.idle);
                }
            }
            // Which keys are idle is known without it; the next sweep writes it down.
            Err(error) => tracing::warn!("idle keys could not be written down: {error}"),
        }
    }
}
