//! Watches how far this node's clock is from the database's. Verdicts go by the node's own clock whatever it shows: what
//! is told here is that keys then begin and end at another moment than elsewhere.

use std::sync::Arc;
use std::time::Duration;

use claviger_store::{ClockSkew, Store};
use tokio_util::sync::CancellationToken;

use crate::health::{Health, Part};

/// How often the clocks are compared.
pub const PERIOD: Duration = Duration::from_secs(5);
/// How far apart they may be.
pub const SKEW_MICROS_MAX: i64 = 1_000_000;

/// What the task works with.
pub(crate) struct SkewTask {
    pub(crate) store: Store,
    pub(crate) health: Arc<Health>,
}

// === impl SkewTask ===

impl SkewTask {
    /// At once, and each [`PERIOD`] until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = self.compare() => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn compare(&self) {
        match self.store.clock_skew().await {
            Ok(Some(skew)) => self.tell(skew),
            Ok(None) => {}
            // Nobody can tell; that the database is away is the feed's to say.
            Err(error) => tracing::debug!("the database's clock could not be read: {error}"),
        }
    }

    fn tell(&self, skew: ClockSkew) {
        self.health.note_clock_skew(skew);
        let is_well = skew.apart_micros() <= SKEW_MICROS_MAX;
        if !self.health.report(Part::ClockSkew, is_well) {
            return;
        }
        let seconds = skew.ahead_micros.unsigned_abs() as f64 / 1e6;
        let way = if skew.ahead_micros < 0 { "behind" } else { "ahead of" };
        if is_well {
            tracing::info!("this node's clock goes with the database's again");
        } else {
            tracing::error!(
                "this node's clock is {seconds:.1} s {way} the database's: keys begin and end by it at this node; set \
                 the clocks by NTP"
            );
        }
    }
}
