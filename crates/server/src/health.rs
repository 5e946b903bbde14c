//! Whether verdicts can be given, and what is not as it should be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use claviger_engine::Engine;

/// What the tasks report and `/readyz` tells.
#[derive(Debug)]
pub(crate) struct Health {
    engine: Arc<Engine>,
    draining: AtomicBool,
    parts: [AtomicBool; Part::ALL.len()],
}

/// Something that can fail while verdicts go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Changes no longer come from the database: verdicts are given from memory.
    Database,
    /// Usage cannot be written: it waits in memory.
    Usage,
    /// A newer program upgraded the database, and this one may not judge by it.
    Schema,
    /// The configured limit of staleness is over: no verdicts until changes come again.
    Stale,
}

// === impl Part ===

impl Part {
    const ALL: [Self; 4] = [Self::Database, Self::Usage, Self::Schema, Self::Stale];

    /// The word on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Usage => "usage",
            Self::Schema => "schema",
            Self::Stale => "stale",
        }
    }
}

// === impl Health ===

impl Health {
    /// All is well; readiness is the engine's.
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine, draining: AtomicBool::new(false), parts: Default::default() }
    }

    /// Whether verdicts can be given, and will be in a moment.
    pub(crate) fn is_ready(&self) -> bool {
        self.engine.is_ready() && !self.draining.load(Ordering::Relaxed)
    }

    /// The server is about to stop: balancers should look elsewhere.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Notes how `part` is; returns whether that is new.
    pub(crate) fn report(&self, part: Part, is_well: bool) -> bool {
        self.parts[part as usize].swap(!is_well, Ordering::Relaxed) == is_well
    }

    /// Every part, with whether it is as it should be.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Part, bool)> {
        Part::ALL.into_iter().map(|part| match part {
            // The clock decides, not whoever reports it.
            Part::Stale => (part, !self.engine.is_stale() || self.is_reported(Part::Schema)),
            part => (part, !self.is_reported(part)),
        })
    }

    /// What is not as it should be.
    pub(crate) fn degraded(&self) -> impl Iterator<Item = Part> {
        self.parts().filter(|(_, is_well)| !is_well).map(|(part, _)| part)
    }

    fn is_reported(&self, part: Part) -> bool {
        self.parts[part as usize].load(Ordering::Relaxed)
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}
