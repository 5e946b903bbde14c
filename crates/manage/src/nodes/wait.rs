//! Waiting until other nodes have applied a change, and who has not.

use std::time::Duration;

use claviger_domain::NodeId;
use claviger_domain::change::Position;
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::observer::Standing;
use super::view::{Nodes, Seen};
use crate::Manage;
use crate::body::{Wait, Waiting};
use crate::error::Error;

/// The longest wait that may be asked for, in milliseconds.
pub const WAIT_MS_MAX: u32 = 5_000;
/// How long a call waits if it asks for nodes and says no time, in milliseconds.
pub const WAIT_MS: u32 = 1_000;
/// How long a call that answers with a new secret waits for live nodes by itself, in milliseconds.
pub const OWN_WAIT_MS: u32 = 300;
/// How long the first look may take, however short the wait: who waits for nothing is told how things stand.
const FIRST_LOOK: Duration = Duration::from_millis(100);
/// How long nodes are left to apply the change between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(10);

/// Which nodes have applied a change; ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reached {
    /// Live nodes that have applied the change.
    #[schema(required = false)]
    pub applied: Vec<String>,
    /// Live nodes that have not yet.
    #[schema(required = false)]
    pub pending: Vec<String>,
    /// Nodes that are silent and did not sign off: they may still give verdicts by what they knew. Only where all nodes
    /// were waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<Vec<String>>,
}

// === impl Reached ===

impl Reached {
    /// Whether every node that was asked for has confirmed.
    pub fn is_all(&self) -> bool {
        self.pending.is_empty() && self.lost.as_ref().is_none_or(Vec::is_empty)
    }

    /// How far the nodes of a look are; this one has applied the change.
    fn of(own: NodeId, seen: &Seen, position: Position) -> Self {
        let (mut applied, mut pending, mut lost) = (vec![own.to_string()], Vec::new(), Vec::new());
        for node in seen.nodes.iter().filter(|node| node.row.own.id != own) {
            let has_applied = node.row.applied.is_some_and(|applied| applied >= position);
            let place = match node.standing {
                Standing::Live if has_applied => &mut applied,
                Standing::Live => &mut pending,
                Standing::Lost => &mut lost,
                Standing::SignedOff | Standing::Gone => continue,
            };
            place.push(node.row.own.id.to_string());
        }
        Self { applied, pending, lost: Some(lost) }
    }
}

// === impl Nodes ===

impl Nodes {
    /// Waits at most `patience` until every live node has applied what this one has: the change at `position`. Lost nodes
    /// are named, not waited for.
    async fn reached(&self, position: Position, patience: Duration) -> Reached {
        let begin = Instant::now();
        let until = begin + patience;
        // Only what is seen after the commit counts: a node whose row comes later loads the change.
        let mut reached = None;
        loop {
            match tokio::time::timeout_at(until.max(begin + FIRST_LOOK), self.look()).await {
                Ok(Ok(seen)) => {
                    let now = Reached::of(self.own(), &seen, position);
                    if now.pending.is_empty() {
                        return now;
                    }
                    reached = Some(now);
                }
                Ok(Err(error)) => tracing::debug!(%error, "the nodes cannot be looked at"),
                Err(_) => break,
            }
            if Instant::now() + LOOK_PAUSE >= until {
                break;
            }
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        reached.unwrap_or_else(|| self.unconfirmed())
    }

    /// Where no look succeeded: nobody can vouch for anybody.
    fn unconfirmed(&self) -> Reached {
        let own = self.own().to_string();
        let others =
            self.last_seen().map(|seen| self.others(&seen).map(|node| node.row.own.id.to_string()).collect::<Vec<_>>());
        let pending = std::iter::once(own).chain(others.unwrap_or_default()).collect();
        Reached { applied: Vec::new(), pending, lost: Some(Vec::new()) }
    }
}

// === impl Manage ===

impl Manage {
    /// Waits for the nodes that a call asks for, once its change, if it made one, is in force on this node. `None` where it
    /// asks for none.
    pub async fn wait(&self, position: Option<Position>, waiting: Waiting) -> Result<Option<Reached>, Error> {
        let Some(wait) = waiting.wait else { return Ok(None) };
        let patience = Duration::from_millis(waiting.wait_ms.unwrap_or(WAIT_MS).into());
        if wait == Wait::Node {
            let applied = vec![self.nodes.own().to_string()];
            return Ok(Some(Reached { applied, ..Reached::default() }));
        }
        let position = match position {
            Some(position) => position,
            // Nothing was changed: what is asked for is whether the state that was found is in force everywhere.
            None => self.store.head().await?,
        };
        Ok(Some(self.nodes.reached(position, patience).await))
    }

    /// The same for a call that answers with a new secret: it waits for live nodes even where it is not asked to.
    pub async fn wait_for_secret(
        &self,
        position: Option<Position>,
        waiting: Waiting,
    ) -> Result<Option<Reached>, Error> {
        if waiting.wait.is_some() || position.is_none() {
            return self.wait(position, waiting).await;
        }
        let patience = waiting.wait_ms.map_or(OWN_WAIT_MS, |wait_ms| wait_ms.min(OWN_WAIT_MS));
        self.wait(position, Waiting { wait: Some(Wait::All), wait_ms: Some(patience) }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::observer::Observed;
    use crate::nodes::testing::row;

    #[test]
    fn only_live_nodes_confirm_and_lost_ones_are_named() {
        let position = |seq| Position { epoch: 1, seq };
        let node = |number, standing, applied| {
            let mut row = row(number);
            row.applied = applied;
            Observed { row, standing }
        };
        let nodes = vec![
            node(1, Standing::Live, None),
            node(2, Standing::Live, Some(position(7))),
            node(3, Standing::Live, Some(position(6))),
            node(4, Standing::Live, None),
            node(5, Standing::Lost, Some(position(9))),
            node(6, Standing::SignedOff, Some(position(1))),
        ];
        let id = |number| NodeId::from_raw(number).to_string();
        let reached = |nodes: Vec<Observed>, seq| {
            let seen = Seen { nodes, gone: Vec::new(), head: position(9) };
            Reached::of(NodeId::from_raw(1), &seen, position(seq))
        };
        let all = reached(nodes.clone(), 7);
        assert_eq!(all.applied, [id(1), id(2)], "this node has applied what it waits for");
        assert_eq!((&all.pending, &all.lost), (&vec![id(3), id(4)], &Some(vec![id(5)])));
        assert!(!all.is_all());
        assert!(!reached(vec![nodes[1].clone(), nodes[4].clone()], 7).is_all(), "one is lost, whatever it had applied");
        assert!(reached(vec![nodes[1].clone(), nodes[5].clone()], 7).is_all());
        assert!(reached(Vec::new(), 7).is_all(), "alone");
        let newer_epoch = Position { epoch: 2, seq: 0 };
        assert!(newer_epoch > position(7), "an epoch begins after all of the one before");
    }
}
