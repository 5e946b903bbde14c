//! Writes what keys did, off the hot path: each second, and at the stop.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::usage::UsageBatch;
use claviger_engine::Engine;
use claviger_store::{Error, Store, usage};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::health::{Health, Part};

/// How often usage is written: the most of it that a crash loses.
pub const FLUSH_PERIOD: Duration = Duration::from_secs(1);
/// The most batches that the last flush writes: more than a stop with a slow database should wait for.
const LAST_BATCHES_MAX: usize = 1_000;

/// What the task works with.
pub(crate) struct UsageTask {
    pub(crate) store: Store,
    pub(crate) engine: Arc<Engine>,
    pub(crate) health: Arc<Health>,
}

// === impl UsageTask ===

impl UsageTask {
    /// Runs until `stop`, and writes what is left then.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut period = tokio::time::interval(FLUSH_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What could not be written; nothing more is taken from the engine, which holds a bounded amount, until it is.
        let mut waiting = UsageBatch::default();
        loop {
            tokio::select! {
                _ = period.tick() => waiting = self.flush(waiting).await,
                () = stop.cancelled() => break,
            }
        }
        for _ in 0..LAST_BATCHES_MAX {
            waiting = self.flush(waiting).await;
            if !is_empty(&waiting) {
                tracing::error!("the last usage could not be written and is lost");
                return;
            }
            waiting = self.engine.drain_usage();
            if is_empty(&waiting) {
                return;
            }
        }
    }

    /// Writes what waits, else what the engine has gathered. Returns what could not be written.
    async fn flush(&self, waiting: UsageBatch) -> UsageBatch {
        let batch = if is_empty(&waiting) { self.engine.drain_usage() } else { waiting };
        match usage::record(&self.store, &batch).await {
            Ok(()) => {
                if self.health.report(Part::Usage, true) {
                    tracing::info!("usage is being written again");
                }
                UsageBatch::default()
            }
            // It may be there already: counted once too little is better than twice.
            Err(error @ Error::Unknown) => {
                tracing::warn!("a batch of usage may be lost: {error}");
                UsageBatch::default()
            }
            Err(error) => {
                if self.health.report(Part::Usage, false) {
                    tracing::error!("usage cannot be written: {error}; it waits in memory");
                }
                batch
            }
        }
    }
}

fn is_empty(batch: &UsageBatch) -> bool {
    batch.keys.is_empty() && batch.refusals.is_empty()
}
