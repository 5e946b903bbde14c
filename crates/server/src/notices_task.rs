//! Tells people of keys: what was done, by the second, and what time brings, by the hour. Every node does so: what one has told no other
//! tells again.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_manage::{Error, Manage, notices, sightings};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// How often it is looked for what was done.
const PERIOD: Duration = Duration::from_secs(1);
/// How often it is looked for what time brings: at the start, and then each time that so much has passed by the server's clock.
const REMINDED_EACH: Duration = Duration::from_mins(30);

/// What the task works with.
pub(crate) struct NoticesTask {
    pub(crate) manage: Arc<Manage>,
}

// === impl NoticesTask ===

impl NoticesTask {
    /// Runs until `stop`. What is half done then is not done, and found again.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reminded_at = None;
        loop {
            tokio::select! {
                _ = period.tick() => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = self.look(&mut reminded_at) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn look(&self, reminded_at: &mut Option<Timestamp>) {
        report(sightings::tell(&self.manage).await);
        report(notices::follow(&self.manage).await);
        let now = self.manage.clock.now();
        // A clock that was put back would otherwise be waited for.
        let is_due = |at: Timestamp| now < at || now.saturating_since(at) >= REMINDED_EACH;
        if reminded_at.is_none_or(is_due) {
            *reminded_at = Some(now);
            report(notices::remind(&self.manage).await);
            if let Err(error) = notices::trim(&self.manage).await {
                tracing::debug!("what was told long ago could not be deleted: {error:?}");
            }
        }
    }
}

fn report(told: Result<usize, Error>) {
    match told {
        Ok(0) => {}
        Ok(told) => tracing::info!(told, "people are told of keys"),
        // Nothing is lost: it is looked for again.
        Err(error) => tracing::debug!("people could not be told of keys now: {error:?}"),
    }
}
