//! What is done for limits beside requests: blocks are given back, lost ones written off, live nodes counted.

use std::sync::Arc;
use std::time::Duration;

use claviger_engine::{Engine, QuotaKeeper as _, Unavailable};
use claviger_manage::Nodes;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::counters::Counters;
use super::keeper::{Keeper, live_nodes};
use super::sweep::Sweep;

/// How often blocks are given back: soon after they have ended.
const RETURN_PERIOD: Duration = Duration::from_millis(200);
/// How often it is looked for blocks that are lost.
const SWEEP_PERIOD: Duration = Duration::from_secs(3);
/// How long the database has to take back blocks when the server stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// What the task works with.
pub(crate) struct LimitsTask {
    pub(crate) engine: Arc<Engine>,
    pub(crate) keeper: Keeper,
    pub(crate) sweep: Sweep,
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) counters: Arc<Counters>,
}

// === impl LimitsTask ===

impl LimitsTask {
    /// Runs until `stop`, and gives back what is left then.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut period = tokio::time::interval(RETURN_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut swept_at = Instant::now();
        loop {
            tokio::select! {
                _ = period.tick() => {}
                () = stop.cancelled() => break,
            }
            let nodes = live_nodes(&self.nodes);
            self.counters.note_live_nodes(nodes);
            self.engine.note_live_nodes(nodes as u64);
            // What cannot be given back now is next time; that the database is away is the feed's to say.
            let _ = self.give_back(false).await;
            if swept_at.elapsed() >= SWEEP_PERIOD {
                swept_at = Instant::now();
                if let Err(error) = self.sweep.look().await {
                    tracing::debug!("lost blocks of quotas cannot be looked for: {error}");
                }
            }
        }
        if !matches!(tokio::time::timeout(STOP_TIMEOUT, self.give_back(true)).await, Ok(Ok(()))) {
            tracing::warn!("blocks of quotas could not be given back: they count as spent");
        }
    }

    /// Gives back blocks that have ended; `all`: every one.
    async fn give_back(&self, all: bool) -> Result<(), Unavailable> {
        self.keeper.give_back(self.engine.blocks_to_give_back(all)).await
    }
}
