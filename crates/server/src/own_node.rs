//! This node as it shows itself to the others: its row, and what of it changes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::{Clock, NodeId, Random, Timestamp};
use claviger_manage::Nodes;
use claviger_store::nodes::{self, Beat, OwnRow, Progress};
use claviger_store::{Mark, Result, Store};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::node_id;

/// A node whose row is taken by another process twice within this time shares its id with that one: a copy of its data
/// directory runs elsewhere.
const SHARED_ID_PERIOD: Duration = Duration::from_secs(10);

/// This node.
pub(crate) struct OwnNode {
    store: Store,
    nodes: Arc<Nodes>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    data_dir: PathBuf,
    row: Mutex<OwnRow>,
    /// When its row was taken by another process last, on the monotonic clock.
    displaced_at: Mutex<Option<Duration>>,
    joined: watch::Sender<bool>,
    applied: watch::Sender<Option<Mark>>,
    uses_written_to: Mutex<Timestamp>,
}

/// What stands in the row from the start on.
pub(crate) struct Facts {
    pub(crate) data_dir: PathBuf,
    pub(crate) staleness_limit: Option<Duration>,
}

// === impl OwnNode ===

impl OwnNode {
    /// The node that `nodes` calls its own. It is not known to the others before [`OwnNode::join`].
    pub(crate) fn new(
        store: Store,
        nodes: Arc<Nodes>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        facts: Facts,
    ) -> Self {
        let mut run = [0; 16];
        random.fill(&mut run);
        let started_at = clock.now();
        let row = OwnRow {
            id: nodes.own(),
            run: format!("{:032x}", u128::from_be_bytes(run)),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            version: concat!(env!("CARGO_PKG_VERSION"), " (", env!("CLAVIGER_COMMIT"), ")").to_owned(),
            started_at,
            staleness_limit: facts.staleness_limit,
        };
        Self {
            store,
            nodes,
            clock,
            random,
            data_dir: facts.data_dir,
            row: Mutex::new(row),
            displaced_at: Mutex::default(),
            joined: watch::Sender::new(false),
            applied: watch::Sender::new(None),
            // A process that has just begun has seen none.
            uses_written_to: Mutex::new(started_at),
        }
    }

    /// This process, as its row names it.
    pub(crate) fn run(&self) -> String {
        self.row.lock().run.clone()
    }

    /// Writes the row, once: before the first load, so that no change is missed by a node of which nobody knew.
    pub(crate) async fn join(&self) -> Result<()> {
        if *self.joined.borrow() {
            return Ok(());
        }
        self.write_row().await?;
        self.joined.send_replace(true);
        Ok(())
    }

    /// Waits until the row is written.
    pub(crate) async fn joined(&self) {
        // The sender lives as long as this.
        let _ = self.joined.subscribe().wait_for(|joined| *joined).await;
    }

    /// Notes what the engine has applied.
    pub(crate) fn note_applied(&self, mark: Option<&Mark>) {
        self.applied.send_replace(mark.cloned());
    }

    /// Notes that all uses before `at` are written.
    pub(crate) fn note_uses_written(&self, at: Timestamp) {
        *self.uses_written_to.lock() = at;
    }

    /// Tells each note of [`OwnNode::note_applied`].
    pub(crate) fn applied(&self) -> watch::Receiver<Option<Mark>> {
        self.applied.subscribe()
    }

    /// A sign of life, with what is applied by now. A row that is gone is written anew; one that another process has taken,
    /// too, and if that happens again this node takes another id.
    pub(crate) async fn beat(&self) -> Result<()> {
        let row = self.row.lock().clone();
        let applied = self.applied.borrow().clone();
        match nodes::beat(&self.store, &row, self.progress(applied.as_ref())).await? {
            Beat::Counted => return Ok(()),
            Beat::Missing => tracing::info!("the others had forgotten this node; it joins them again"),
            Beat::Displaced => self.take_another_id_if_shared(),
        }
        self.write_row().await
    }

    /// Tells the others that this node stops in order.
    pub(crate) async fn sign_off(&self) -> Result<()> {
        let row = self.row.lock().clone();
        nodes::sign_off(&self.store, &row, self.clock.now()).await
    }

    async fn write_row(&self) -> Result<()> {
        let row = self.row.lock().clone();
        let applied = self.applied.borrow().clone();
        nodes::join(&self.store, &row, self.progress(applied.as_ref())).await
    }

    fn progress<'m>(&self, applied: Option<&'m Mark>) -> Progress<'m> {
        Progress { applied, uses_written_to: Some(*self.uses_written_to.lock()) }
    }

    fn take_another_id_if_shared(&self) {
        let now = self.clock.monotonic();
        let before = self.displaced_at.lock().replace(now);
        if before.is_none_or(|before| now.saturating_sub(before) >= SHARED_ID_PERIOD) {
            return;
        }
        let id = NodeId::new(self.clock.now(), &*self.random);
        if let Err(error) = node_id::write(&self.data_dir, id) {
            tracing::error!("another id of this node could not be written to {}: {error}", self.data_dir.display());
        }
        let old = std::mem::replace(&mut self.row.lock().id, id);
        self.nodes.set_own(id);
        tracing::warn!(
            "another server calls itself {old}, from a copy of this data directory: this one is {id} from now on"
        );
    }
}
