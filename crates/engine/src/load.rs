//! Filling the replica from nothing.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::change::{Change, Position};

use crate::Engine;
use crate::replica::Load;

/// A load under way. The engine goes on with what it has until [`Loader::finish`]; dropping it changes nothing.
#[derive(Debug)]
pub struct Loader {
    engine: Arc<Engine>,
    load: Load,
    began_at: Duration,
}

// === impl Loader ===

impl Loader {
    pub(crate) fn new(engine: Arc<Engine>, began_at: Duration) -> Self {
        let load = engine.replica.begin_load();
        Self { engine, load, began_at }
    }

    /// Adds records of one snapshot, each once, in any order.
    pub fn add(&mut self, changes: Vec<Change>) {
        self.load.add(changes);
    }

    /// Puts everything added in the place of the replica; it stands at `position` then.
    pub fn finish(self, position: Position) {
        self.engine.finish_load(self.load, position, self.began_at);
    }
}
