//! Appends every entry of all audit chains to a file, each chain in its order, at least once.
//!
//! Every node that has such a file writes all of it: files of several nodes are the same but for the order between chains. What cannot
//! be written now stays in the database, and is written as soon as it can be.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use claviger_domain::audit::Chain;
use claviger_domain::change::Position;
use claviger_domain::hex;
use claviger_manage::audit::{CheckpointView, StreamedEntry};
use claviger_store::{Store, audit};
use serde_json::json;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Counters;
use super::stream_file::{Mark, StreamFile};

/// How often it is looked for new entries.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the last look has at a stop.
const STOP_PATIENCE: Duration = Duration::from_secs(2);
/// Entries that are written, and waited for, together.
const BATCH: i64 = 500;

/// What the task works with.
pub(crate) struct StreamTask {
    pub(crate) store: Store,
    pub(crate) path: PathBuf,
    pub(crate) counters: Arc<Counters>,
    pub(crate) written: Arc<Written>,
}

/// How far this node's file is.
#[derive(Debug, Default)]
pub(crate) struct Written(Mutex<HashMap<Chain, i64>>);

/// Why a round was broken off.
enum Failure {
    /// The file.
    File(std::io::Error),
    /// The database, which others watch.
    Store(claviger_store::Error),
}

/// What is appended next of a chain.
enum Next {
    /// Nothing is left.
    Nothing,
    Lines {
        text: String,
        mark: Mark,
        entries: u64,
        missed: u64,
    },
    /// The database has another history than the file: it was set back.
    Other,
}

// === impl Written ===

impl Written {
    /// The number of the last entry of a chain that stands in the file.
    pub(crate) fn up_to(&self, chain: Chain) -> i64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&chain).copied().unwrap_or_default()
    }

    fn note(&self, chain: Chain, seq: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(chain, seq);
    }
}

// === impl StreamTask ===

impl StreamTask {
    /// Runs until `stop`, and writes what was done until then, for as long as a stop may wait. What is left is written after the next
    /// start.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let file = Arc::new(Mutex::new(StreamFile::new(self.path.clone())));
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Each write to a chain moves the feed on: while that stands still there is nothing to look for.
        let mut seen = None;
        loop {
            tokio::select! {
                _ = period.tick() => {}
                () = stop.cancelled() => {
                    let last = CancellationToken::new();
                    if let Ok(round) = tokio::time::timeout(STOP_PATIENCE, self.round(&file, seen, &last)).await {
                        self.report(round.err());
                    }
                    return;
                }
            }
            let round = self.round(&file, seen, &stop).await;
            seen = round.as_ref().ok().copied();
            self.report(round.err());
        }
    }

    fn report(&self, failure: Option<Failure>) {
        match failure {
            None => {
                if self.counters.note_attempt(false) {
                    tracing::info!("the audit log is written to {} again", self.path.display());
                }
            }
            Some(Failure::File(error)) => {
                if self.counters.note_attempt(true) {
                    let path = self.path.display();
                    tracing::error!("the audit log cannot be written to {path}: {error}; its entries wait");
                }
            }
            Some(Failure::Store(error)) => tracing::debug!("the audit log could not be read: {error}"),
        }
    }

    /// Writes what there is; up to which position of the feed.
    async fn round(
        &self,
        file: &Arc<Mutex<StreamFile>>,
        seen: Option<Position>,
        stop: &CancellationToken,
    ) -> Result<Position, Failure> {
        let marks = on_disk(file, |file| file.ready().map(|()| file.marks())).await?;
        self.note_known(&marks);
        let position = self.store.head().await?;
        if seen == Some(position) {
            return Ok(position);
        }
        for (name, head) in audit::heads(&mut *self.store.read().await?).await? {
            let Some(chain) = Chain::of_name(&name) else { continue };
            let mark = marks.get(&name).cloned().unwrap_or_default();
            if (mark.seq, &mark.hash) != (head.seq, &hex(&head.mac)) {
                self.chain(file, chain, mark, stop).await?;
            }
        }
        on_disk(file, |file| file.save()).await?;
        Ok(position)
    }

    fn note_known(&self, marks: &BTreeMap<String, Mark>) {
        for (name, mark) in marks {
            if let Some(chain) = Chain::of_name(name) {
                self.written.note(chain, mark.seq);
            }
        }
    }

    async fn chain(
        &self,
        file: &Arc<Mutex<StreamFile>>,
        chain: Chain,
        mut at: Mark,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let name = chain.to_string();
        while !stop.is_cancelled() {
            match self.next(chain, &at).await? {
                Next::Nothing => break,
                Next::Other => {
                    tracing::warn!("the audit log of {chain} is another one than was written; it is written anew");
                    let name = name.clone();
                    on_disk(file, move |file| {
                        file.forget(&name);
                        Ok(())
                    })
                    .await?;
                    self.written.note(chain, 0);
                    at = Mark::default();
                }
                Next::Lines { text, mark, entries, missed } => {
                    let (name, next) = (name.clone(), mark.clone());
                    on_disk(file, move |file| file.append(&name, text.as_bytes(), next)).await?;
                    if missed > 0 {
                        tracing::warn!(
                            "{missed} entries of the audit log of {chain} were removed before they were written"
                        );
                    }
                    self.counters.note_written(entries, missed);
                    self.written.note(chain, mark.seq);
                    at = mark;
                }
            }
        }
        Ok(())
    }

    /// What comes behind a mark.
    async fn next(&self, chain: Chain, at: &Mark) -> Result<Next, Failure> {
        let mut snapshot = self.store.read().await?;
        let mut entries = audit::from(&mut snapshot, chain, at.seq.max(1), BATCH).await?;
        let checkpoint = audit::checkpoint(&mut snapshot, chain).await?;
        drop(snapshot);
        let (mut text, mut mark, mut missed) = (String::new(), at.clone(), 0);
        match checkpoint {
            Some(removed) if removed.seq > at.seq => {
                mark = Mark { seq: removed.seq, hash: hex(&removed.mac) };
                missed = removed.seq - at.seq;
                push(
                    &mut text,
                    &json!({"chain": chain.to_string(), "checkpoint": CheckpointView::new(chain, removed)}),
                )?;
            }
            Some(removed) if removed.seq == at.seq => {
                if hex(&removed.mac) != at.hash {
                    return Ok(Next::Other);
                }
            }
            _ if at.seq == 0 => {}
            _ => match entries.first() {
                Some(first) if first.seq == at.seq && hex(&first.mac) == at.hash => drop(entries.remove(0)),
                _ => return Ok(Next::Other),
            },
        }
        let count = entries.len() as u64;
        for entry in entries {
            mark = Mark { seq: entry.seq, hash: hex(&entry.mac) };
            push(&mut text, &StreamedEntry::new(chain, entry))?;
        }
        let missed = u64::try_from(missed).unwrap_or_default();
        Ok(if text.is_empty() { Next::Nothing } else { Next::Lines { text, mark, entries: count, missed } })
    }
}

fn push(text: &mut String, line: &impl serde::Serialize) -> Result<(), Failure> {
    text.push_str(&serde_json::to_string(line).map_err(|error| Failure::File(error.into()))?);
    text.push('\n');
    Ok(())
}

/// What waits for the disk, off the runtime's threads.
async fn on_disk<T: Send + 'static>(
    file: &Arc<Mutex<StreamFile>>,
    work: impl FnOnce(&mut StreamFile) -> std::io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let file = Arc::clone(file);
    let work = move || work(&mut file.lock().unwrap_or_else(PoisonError::into_inner));
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Failure::File),
        Err(error) => Err(Failure::File(std::io::Error::other(error))),
    }
}

impl From<claviger_store::Error> for Failure {
    fn from(error: claviger_store::Error) -> Self {
        Self::Store(error)
    }
}
