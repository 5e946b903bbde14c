//! Blocks of processes that ended out of order: they are written off, and count as spent.

use std::collections::HashSet;
use std::sync::Arc;

use claviger_manage::Nodes;
use claviger_manage::nodes::Standing;
use claviger_store::quotas::{self, Lost};
use claviger_store::{Result, Store};

use super::counters::Counters;

/// Looks whose blocks are lost.
pub(crate) struct Sweep {
    store: Store,
    nodes: Arc<Nodes>,
    counters: Arc<Counters>,
    /// This process, as its node's row names it.
    run: String,
    /// Processes that held blocks at the last look and were not live.
    suspected: HashSet<String>,
}

// === impl Sweep ===

impl Sweep {
    /// Nobody is suspected yet; `run` is this process.
    pub(crate) fn new(store: Store, nodes: Arc<Nodes>, run: String, counters: Arc<Counters>) -> Self {
        Self { store, nodes, counters, run, suspected: HashSet::new() }
    }

    /// Writes off what processes hold that were not live at two looks one after the other: who was cut off for a moment has time
    /// to show itself.
    pub(crate) async fn look(&mut self) -> Result<()> {
        let seen = self.nodes.look().await?;
        let live: HashSet<&str> = seen
            .nodes
            .iter()
            .filter(|node| node.standing == Standing::Live)
            .map(|node| node.row.own.run.as_str())
            .chain([self.run.as_str()])
            .collect();
        let holding = quotas::runs(&mut *self.store.read().await?).await?;
        let silent: HashSet<String> = holding.into_iter().filter(|run| !live.contains(run.as_str())).collect();
        for run in silent.intersection(&self.suspected) {
            self.write_off(run).await?;
        }
        self.suspected = silent;
        Ok(())
    }

    async fn write_off(&self, run: &str) -> Result<()> {
        let mut all = Lost::default();
        loop {
            let lost = quotas::lose(&self.store, run).await?;
            if lost.leases == 0 {
                break;
            }
            self.counters.note_lost(lost);
            all = Lost { leases: all.leases + lost.leases, units: all.units + lost.units };
        }
        if all.leases > 0 {
            tracing::warn!(
                "a node ended out of order with {} blocks of quotas in hand: their {} units count as spent",
                all.leases,
                all.units
            );
        }
        Ok(())
    }
}
