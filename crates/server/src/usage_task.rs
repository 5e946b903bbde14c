//! Writes what keys did, off the hot path: each second, in small pieces with pauses between them, and at the stop.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::usage::{Subject, SubjectCount, UsageBatch};
use claviger_domain::verdict::Code;
use claviger_domain::{Clock, OrganizationId, Timestamp};
use claviger_engine::Engine;
use claviger_store::Store;
use claviger_store::usage::{Writer, subjects_of};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::health::{Health, Part};
use crate::own_node::OwnNode;

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
    pub(crate) own: Arc<OwnNode>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) writer: Writer,
}

/// What was taken from the engine and is not written yet.
struct Taken {
    /// When it was taken: all uses before are in it, or written. `None`: the engine kept more for the next time.
    complete_to: Option<Timestamp>,
    batch: UsageBatch,
    /// What the keys of pieces did by owner, API and set, summed up so that it is written once and not with each piece.
    subjects: HashMap<(OrganizationId, Subject, Timestamp, Code), u64>,
    /// What is being written: it stays as it is until it is certainly there, so that it is counted once.
    piece: UsageBatch,
    /// Whether what the piece's keys did is in `subjects`.
    is_summed: bool,
}

// === impl UsageTask ===

impl UsageTask {
    /// Runs until `stop`, and writes what is left then.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        // While something could not be written nothing more is taken from the engine, which holds a bounded amount.
        let (mut taken, mut taken_at) = (self.take(), Instant::now());
        let mut rest = FLUSH_PERIOD;
        loop {
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = stop.cancelled() => break,
            }
            if taken.is_written() {
                (taken, taken_at) = (self.take(), Instant::now());
            }
            let began = Instant::now();
            taken.next_piece(PIECE);
            rest = FLUSH_PERIOD;
            if self.write(&mut taken).await.is_ok() {
                rest = rest.min(began.elapsed() * REST);
            }
            if taken.is_written() {
                rest = rest.max(FLUSH_PERIOD.saturating_sub(taken_at.elapsed()));
            }
        }
        self.write_all(taken).await;
    }

    fn take(&self) -> Taken {
        // The instant first: what is noted while the engine gathers may be in this batch or in the next.
        let now = self.clock.now();
        let mut batch = self.engine.drain_usage();
        let complete_to = (batch.keys.len() < self.engine.usage_keys_max()).then_some(now);
        let strangers = std::mem::take(&mut batch.subjects);
        let (subjects, piece) = (HashMap::new(), UsageBatch::default());
        let mut taken = Taken { complete_to, batch, subjects, piece, is_summed: false };
        taken.add(strangers);
        taken
    }

    /// Writes what waits and all that the engine has, without a rest.
    async fn write_all(&mut self, mut taken: Taken) {
        for _ in 0..LAST_BATCHES_MAX {
            while !taken.is_written() {
                taken.next_piece(usize::MAX);
                if self.write(&mut taken).await.is_err() {
                    tracing::error!("the last usage could not be written and is lost");
                    return;
                }
            }
            taken = self.take();
            if taken.is_written() {
                return;
            }
        }
    }

    /// Writes the piece; an error where it has to be written again.
    async fn write(&mut self, taken: &mut Taken) -> Result<(), ()> {
        match self.write_piece(taken).await {
            Ok(()) => {
                taken.piece = UsageBatch::default();
                if let Some(at) = taken.complete_to.filter(|_| taken.is_written()) {
                    self.own.note_uses_written(at);
                }
                if self.health.report(Part::Usage, true) {
                    tracing::info!("usage is being written again");
                }
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

    async fn write_piece(&mut self, taken: &mut Taken) -> claviger_store::Result<()> {
        if !taken.is_summed && !taken.piece.keys.is_empty() {
            let found = subjects_of(&self.store, &taken.piece.keys).await?;
            taken.add(found);
            taken.is_summed = true;
        }
        // Of sessions it is no matter how often it is written.
        claviger_store::api_sessions::note_uses(&self.store, &taken.piece.sessions).await?;
        self.writer.record(&self.store, &taken.piece).await
    }
}

// === impl Taken ===

impl Taken {
    fn is_written(&self) -> bool {
        self.batch.is_empty() && self.subjects.is_empty() && self.piece.is_empty()
    }

    fn add(&mut self, counts: Vec<SubjectCount>) {
        for SubjectCount { organization, subject, minute, code, count } in counts {
            *self.subjects.entry((organization, subject, minute, code)).or_default() += count;
        }
    }

    /// Takes `size` sums, once all keys are in them.
    fn take_subjects(&mut self, size: usize) -> Vec<SubjectCount> {
        if !self.batch.keys.is_empty() {
            return Vec::new();
        }
        let count = |((organization, subject, minute, code), count)| SubjectCount {
            organization,
            subject,
            minute,
            code,
            count,
        };
        let taken: Vec<_> = self.subjects.keys().take(size).copied().collect();
        taken.into_iter().filter_map(|row| self.subjects.remove_entry(&row)).map(count).collect()
    }

    /// Makes the next `size` keys and refusals the piece, unless there is one that is not written yet: refusals from the
    /// oldest on, keys in any order.
    fn next_piece(&mut self, size: usize) {
        if !self.piece.is_empty() {
            return;
        }
        let subjects = self.take_subjects(size);
        let batch = &mut self.batch;
        let kept = batch.keys.len().saturating_sub(size);
        let (refusals, rights) = (batch.refusals.len().min(size), batch.rights.len().saturating_sub(size));
        self.piece = UsageBatch {
            keys: batch.keys.split_off(kept),
            refusals: batch.refusals.drain(..refusals).collect(),
            refusals_dropped: std::mem::take(&mut batch.refusals_dropped),
            sessions: std::mem::take(&mut batch.sessions),
            subjects,
            rights: batch.rights.split_off(rights),
        };
        self.is_summed = false;
    }
}
