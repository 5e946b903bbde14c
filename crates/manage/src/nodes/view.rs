//! The nodes as this one sees them: looks at their rows, one at a time, shared by all who ask meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use claviger_domain::change::Position;
use claviger_domain::{Clock, NodeId, Timestamp};
use claviger_store::{Result, Store, nodes};
use parking_lot::RwLock;
use tokio::sync::Mutex;

use super::observer::{Observed, Observer, Standing};
use crate::keys::GRACE;

/// The nodes of the installation, as one of them sees them.
pub struct Nodes {
    store: Store,
    clock: Arc<dyn Clock>,
    own: RwLock<NodeId>,
    /// How many looks were asked for.
    asked: AtomicU64,
    looks: Mutex<Looks>,
    /// The newest look.
    seen: RwLock<Option<Arc<Seen>>>,
}

/// What happens under the lock: one look after the other.
#[derive(Default)]
struct Looks {
    observer: Observer,
    /// Who asked up to this number is served by `Nodes::seen`: that look began after they had asked.
    served: u64,
}

/// All nodes at one instant of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Those that are not gone, this one included once it has joined, by their ids.
    pub nodes: Vec<Observed>,
    /// Those whose rows may be taken away.
    pub gone: Vec<nodes::NodeRow>,
    /// Where the feed stood.
    pub head: Position,
}

// === impl Nodes ===

impl Nodes {
    /// Nobody was seen yet; `own` is this node.
    pub fn new(store: Store, clock: Arc<dyn Clock>, own: NodeId) -> Self {
        Self {
            store,
            clock,
            own: RwLock::new(own),
            asked: AtomicU64::new(0),
            looks: Mutex::default(),
            seen: RwLock::default(),
        }
    }

    /// This node.
    pub fn own(&self) -> NodeId {
        *self.own.read()
    }

    /// This node has another id from now on.
    pub fn set_own(&self, id: NodeId) {
        *self.own.write() = id;
    }

    /// Looks at the rows as they stand in a snapshot that begins after this call. Those who ask while a look is under way
    /// share the next one, so that there is never more than one at a time.
    pub async fn look(&self) -> Result<Arc<Seen>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut looks = self.looks.lock().await;
        if let Some(seen) = self.last_seen().filter(|_| looks.served >= asked) {
            return Ok(seen);
        }
        let serves = self.asked.load(Ordering::SeqCst);
        let mut snapshot = self.store.read().await?;
        let (rows, head) = nodes::all(&mut snapshot).await?;
        drop(snapshot);
        let observed = looks.observer.see(rows, self.clock.monotonic());
        let (gone, nodes): (Vec<_>, Vec<_>) = observed.into_iter().partition(|node| node.standing == Standing::Gone);
        let seen = Arc::new(Seen { nodes, gone: gone.into_iter().map(|node| node.row).collect(), head });
        looks.served = serves;
        *self.seen.write() = Some(Arc::clone(&seen));
        Ok(seen)
    }

    /// What the newest look saw; `None` before the first.
    pub fn last_seen(&self) -> Option<Arc<Seen>> {
        self.seen.read().clone()
    }

    /// The other nodes that may give verdicts: live and lost ones.
    pub fn others<'s>(&self, seen: &'s Seen) -> impl Iterator<Item = &'s Observed> {
        seen.others(self.own())
    }
}

// === impl Seen ===

impl Seen {
    fn others(&self, own: NodeId) -> impl Iterator<Item = &Observed> {
        self.nodes.iter().filter(move |node| node.row.own.id != own && node.standing != Standing::SignedOff)
    }

    /// Whether there are other nodes that may give verdicts.
    pub fn has_others(&self, own: NodeId) -> bool {
        self.others(own).next().is_some()
    }

    /// All uses that other nodes saw before this instant are written, or will be before anybody acts on it: `now`, unless
    /// one of them is behind with its writing for longer than [`GRACE`], because it is lost or cut off.
    pub fn uses_written_to(&self, own: NodeId, now: Timestamp) -> Timestamp {
        let recent = now.saturating_sub(GRACE);
        let told = self.others(own).filter_map(|node| node.row.uses_written_to);
        told.filter(|at| *at < recent).min().unwrap_or(now)
    }
}
