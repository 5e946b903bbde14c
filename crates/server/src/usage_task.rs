//! Writes what keys did, off the hot path: each second, in small pieces with pauses between them, and at the stop.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::usage::UsageBatch;
use claviger_engine::Engine;
use claviger_store::{Error, Store, usage};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::health::{Health, Part};

/// How often usage is taken and written: the most of it that a crash loses, while fewer keys are in use than can be
/// written in that time.
pub const FLUSH_PERIOD: Duration = Duration::from_secs(1);
/// Keys, and refusals, that are written together. The doors may share a processor with whoever writes: it is not taken
/// from them for longer than half a millisecond, nor is another writer kept waiting.
const PIECE: usize = 64;
/// After each piece the task rests for this many times as long as that took: with a processor for itself it takes a
/// hundredth of it, and less where others want it.
const REST: u32 = 99;
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
        // What could not be written yet; nothing more is taken from the engine, which holds a bounded amount, until it is.
        let mut waiting = UsageBatch::default();
        let (mut taken_at, mut rest) = (Instant::now(), FLUSH_PERIOD);
        loop {
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = stop.cancelled() => break,
            }
            if is_empty(&waiting) {
                (waiting, taken_at) = (self.engine.drain_usage(), Instant::now());
            }
            let began = Instant::now();
            let piece = take_piece(&mut waiting);
            rest = FLUSH_PERIOD;
            if self.write(&piece).await.is_ok() {
                rest = rest.min(began.elapsed() * REST);
            } else {
                put_back(&mut waiting, piece);
            }
            if is_empty(&waiting) {
                rest = rest.max(FLUSH_PERIOD.saturating_sub(taken_at.elapsed()));
            }
        }
        self.write_all(waiting).await;
    }

    /// Writes what waits and all that the engine has, without a rest.
    async fn write_all(&self, mut waiting: UsageBatch) {
        for _ in 0..LAST_BATCHES_MAX {
            if self.write(&waiting).await.is_err() {
                tracing::error!("the last usage could not be written and is lost");
                return;
            }
            waiting = self.engine.drain_usage();
            if is_empty(&waiting) {
                return;
            }
        }
    }

    /// Writes a batch; an error where it has to be written again.
    async fn write(&self, batch: &UsageBatch) -> Result<(), ()> {
        match usage::record(&self.store, batch).await {
            Ok(()) => {
                if self.health.report(Part::Usage, true) {
                    tracing::info!("usage is being written again");
                }
                Ok(())
            }
            // It may be there already: counted once too little is better than twice.
            Err(error @ Error::Unknown) => {
                tracing::warn!("a batch of usage may be lost: {error}");
                Ok(())
            }
            Err(error) => {
                if self.health.report(Part::Usage, false) {
                    tracing::error!("usage cannot be written: {error}; it waits in memory");
                }
                Err(())
            }
        }
    }
}

/// The next part of a batch: refusals from the oldest on, keys in any order.
fn take_piece(batch: &mut UsageBatch) -> UsageBatch {
    let kept = batch.keys.len().saturating_sub(PIECE);
    let refusals = batch.refusals.len().min(PIECE);
    UsageBatch {
        keys: batch.keys.split_off(kept),
        refusals: batch.refusals.drain(..refusals).collect(),
        refusals_dropped: std::mem::take(&mut batch.refusals_dropped),
    }
}

/// Undoes [`take_piece`].
fn put_back(batch: &mut UsageBatch, mut piece: UsageBatch) {
    batch.keys.append(&mut piece.keys);
    batch.refusals.splice(0..0, piece.refusals);
    batch.refusals_dropped += piece.refusals_dropped;
}

fn is_empty(batch: &UsageBatch) -> bool {
    batch.keys.is_empty() && batch.refusals.is_empty()
}
