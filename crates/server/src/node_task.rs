//! Keeps this node's row alive, and looks how the others are.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::NodeId;
use claviger_manage::Nodes;
use claviger_manage::nodes::{Seen, Standing};
use claviger_store::{Store, nodes};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::own_node::OwnNode;
use crate::uses_watch::UsesWatch;

/// How often this node gives a sign of life: it may fail twice before the others miss it.
const HEARTBEAT_PERIOD: Duration = Duration::from_secs(1);
/// While there are other nodes, what is applied is told at once, but with this pause between two times.
const TELL_PAUSE: Duration = Duration::from_millis(10);
/// How often the others are looked at.
const LOOK_PERIOD: Duration = Duration::from_secs(1);

/// What the task works with.
pub(crate) struct NodeTask {
    pub(crate) store: Store,
    pub(crate) nodes: Arc<Nodes>,
    pub(crate) own: Arc<OwnNode>,
    pub(crate) uses: Option<Arc<UsesWatch>>,
}

// === impl NodeTask ===

impl NodeTask {
    /// Runs until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = self.beat() => {}
            () = self.look() => {}
            () = stop.cancelled() => {}
        }
    }

    async fn beat(&self) {
        self.own.joined().await;
        let mut applied = self.own.applied();
        loop {
            if let Err(error) = self.own.beat().await {
                // The feed says loudly that the database is away.
                tracing::debug!(%error, "no sign of life could be given");
                tokio::time::sleep(TELL_PAUSE).await;
            }
            let pause = tokio::time::sleep(HEARTBEAT_PERIOD);
            let news = async {
                tokio::time::sleep(TELL_PAUSE).await;
                // The sender lives as long as `own`.
                let _ = applied.changed().await;
            };
            tokio::select! {
                () = pause => {}
                () = news, if self.has_others() => {}
            }
        }
    }

    fn has_others(&self) -> bool {
        self.nodes.last_seen().is_some_and(|seen| self.nodes.others(&seen).next().is_some())
    }

    async fn look(&self) {
        let mut period = tokio::time::interval(LOOK_PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = HashMap::new();
        loop {
            period.tick().await;
            match self.nodes.look().await {
                Ok(seen) => {
                    if let Some(uses) = &self.uses {
                        uses.note_seen(&seen, self.nodes.own());
                    }
                    self.tell(&seen, &mut told);
                    self.drop_gone(&seen).await;
                }
                Err(error) => tracing::debug!(%error, "the nodes cannot be looked at"),
            }
        }
    }

    /// Says in the log which of the others are lost and which came back.
    fn tell(&self, seen: &Seen, told: &mut HashMap<NodeId, Standing>) {
        let own = self.nodes.own();
        let mut now = HashMap::new();
        for node in seen.nodes.iter().filter(|node| node.row.own.id != own) {
            let (id, host) = (node.row.own.id, &node.row.own.host);
            match (told.get(&id), node.standing) {
                (Some(Standing::Lost), Standing::Live) => tracing::info!("node {id} on {host} is back"),
                (before, Standing::Lost) if before != Some(&Standing::Lost) => tracing::warn!(
                    "node {id} on {host} is silent and did not sign off: it may still give verdicts by what it knew. If \
                     it is gone for good: claviger node forget {id}"
                ),
                _ => {}
            }
            now.insert(id, node.standing);
        }
        *told = now;
    }

    async fn drop_gone(&self, seen: &Seen) {
        let own = self.nodes.own();
        for row in seen.gone.iter().filter(|row| row.own.id != own) {
            match nodes::drop_silent(&self.store, row).await {
                Ok(true) => tracing::info!(
                    "node {} on {} gives no verdicts any more; its row is gone",
                    row.own.id,
                    row.own.host
                ),
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "a node's row could not be taken away"),
            }
        }
    }
}
