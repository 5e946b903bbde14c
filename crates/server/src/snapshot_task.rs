//! The local snapshot of a node whose database is elsewhere: kept beside the feed, and started from while the database is
//! away.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::keyring::{Keyring, SealedKeyring};
use claviger_domain::{Clock, Random};
use claviger_engine::Engine;
use claviger_store::{OpenError, Resumed, SNAPSHOT_FILE_NAME, SnapshotError, SnapshotReader, SnapshotWriter, Store};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::data_dir::DataDir;
use crate::health::{Health, Part};
use crate::own_node::OwnNode;

/// How often it is asked whether a load should be written.
const LOOK_PERIOD: Duration = Duration::from_secs(1);
/// How long the task rests after a load, so that a disk which does not take it is not filled again and again.
const REST: Duration = Duration::from_secs(30);
/// How often a database that was not reached since the start is tried.
const OPEN_PAUSE: Duration = Duration::from_millis(500);

/// Writes loads for the snapshot, in its own time.
pub(crate) struct SnapshotTask {
    pub(crate) store: Store,
    pub(crate) writer: Arc<SnapshotWriter>,
    pub(crate) written: JoinHandle<()>,
    pub(crate) health: Arc<Health>,
}

/// Opens a database that was away at the start.
pub(crate) struct OpenTask {
    pub(crate) store: Store,
    pub(crate) ring: SealedKeyring,
    pub(crate) engine: Arc<Engine>,
    pub(crate) node: Arc<OwnNode>,
}

// === impl SnapshotTask ===

impl SnapshotTask {
    /// Begins to keep the snapshot in the data directory; `resumed` is the one that the node was started from.
    pub(crate) fn start(
        store: Store,
        data_dir: &DataDir,
        ring: SealedKeyring,
        keyring: Keyring,
        random: Arc<dyn Random>,
        health: Arc<Health>,
        resumed: Option<&Resumed>,
    ) -> Self {
        let until = resumed.map(|resumed| resumed.at);
        let (writer, written) = SnapshotWriter::start(data_dir.path(), ring, keyring, random, until);
        Self { store, writer: Arc::new(writer), written, health }
    }

    /// Runs until `stop`; then what waits is written.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.write_loads() => {}
            () = stop.cancelled() => {}
        }
        self.writer.stop().await;
        if let Err(error) = self.written.await {
            tracing::error!("the local snapshot was not written to its end: {error}");
        }
    }

    async fn write_loads(&self) {
        loop {
            tokio::time::sleep(LOOK_PERIOD).await;
            // A replica in memory comes first, and no load is begun that cannot be read.
            let is_time = self.health.is_ready() && self.health.is_well(Part::Database) && self.writer.wants_load();
            if is_time {
                if let Err(error) = self.writer.write_load(&self.store).await {
                    tracing::warn!("the local snapshot could not be written: {error}; trying again later");
                }
                tokio::time::sleep(REST).await;
            }
        }
    }
}

// === impl OpenTask ===

impl OpenTask {
    /// Tries until it is done, or until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.open() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn open(&self) {
        let mut was_refused = false;
        loop {
            match self.store.open(&self.ring).await {
                Ok(()) => break,
                Err(OpenError::Unreachable { .. }) => {}
                Err(error) => {
                    // It is another one than the snapshot is of, or not for this program: by what is known nobody may judge.
                    self.engine.judge_until(Some(Duration::ZERO));
                    if !std::mem::replace(&mut was_refused, true) {
                        tracing::error!("no verdicts any more: {error}");
                    }
                }
            }
            tokio::time::sleep(OPEN_PAUSE).await;
        }
        tracing::info!("the database is there; the node goes on from its local snapshot");
        while self.node.join().await.is_err() {
            tokio::time::sleep(OPEN_PAUSE).await;
        }
    }
}

/// Reads the head of the snapshot in the data directory; what keeps it from being used is logged.
pub(crate) fn find(data_dir: &DataDir) -> Option<SnapshotReader> {
    match SnapshotReader::open(&data_dir.path().join(SNAPSHOT_FILE_NAME)) {
        Ok(reader) => Some(reader),
        Err(SnapshotError::Missing(_)) => None,
        Err(error) => {
            tracing::warn!("{error}");
            None
        }
    }
}

/// Fills the engine from a snapshot that is not older than `limit`; what keeps it from being used is logged. Until it is
/// known how old it is, no verdict is given.
pub(crate) async fn load(
    reader: SnapshotReader,
    keyring: &Keyring,
    engine: &Arc<Engine>,
    clock: &Arc<dyn Clock>,
    limit: Option<Duration>,
) -> Option<(Resumed, Duration)> {
    engine.judge_until(Some(Duration::ZERO));
    let mut loader = engine.begin_load();
    let (mut position, mut steps) = (None, Vec::new());
    let read = reader.read(
        keyring,
        &**clock,
        |changes| loader.add(changes),
        |loaded| position = Some(loaded),
        |step| steps.push(step),
    );
    let resumed = match read.await {
        Ok(resumed) => resumed,
        Err(error) => {
            tracing::warn!("{error}");
            return None;
        }
    };
    let age = clock.now().saturating_since(resumed.at);
    if let Some(limit) = limit.filter(|limit| age > *limit) {
        let (age, limit) = (age.as_secs(), limit.as_secs());
        tracing::warn!("the local snapshot is {age} s old, and the limit of staleness is {limit} s: ignored");
        return None;
    }
    loader.finish(position?);
    for step in steps {
        engine.apply(step);
    }
    engine.judge_until(limit.map(|limit| clock.monotonic().saturating_add(limit.saturating_sub(age))));
    let keys = engine.metrics().keys;
    tracing::warn!(
        "the database cannot be reached; started from the local snapshot: {keys} keys, {} s old",
        age.as_secs()
    );
    Some((resumed, age))
}
