//! Whether verdicts can be given, and what is not as it should be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use claviger_engine::Engine;
use claviger_store::ClockSkew;

/// Nobody has compared the clocks yet, or there is nothing to compare.
const NO_SKEW: i64 = i64::MIN;

/// What the tasks report and `/readyz` tells.
#[derive(Debug)]
pub(crate) struct Health {
    engine: Arc<Engine>,
    draining: AtomicBool,
    parts: [AtomicBool; Part::ALL.len()],
    /// How far this node's clock is ahead of the database's; [`NO_SKEW`] before it was compared.
    clock_ahead_micros: AtomicI64,
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
    /// This node's clock is more than a second from the database's: keys begin and end by its own.
    ClockSkew,
}

// === impl Part ===

impl Part {
    const ALL: [Self; 5] = [Self::Database, Self::Usage, Self::Schema, Self::Stale, Self::ClockSkew];

    /// The word on the wire.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Usage => "usage",
            Self::Schema => "schema",
            Self::Stale => "stale",
            Self::ClockSkew => "clock_skew",
        }
    }
}

// === impl Health ===

impl Health {
    /// All is well; readiness is the engine's.
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        let clock_ahead_micros = AtomicI64::new(NO_SKEW);
        Self { engine, draining: AtomicBool::new(false), parts: Default::default(), clock_ahead_micros }
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

    /// Whether `part` is as it should be.
    pub(crate) fn is_well(&self, part: Part) -> bool {
        !self.is_reported(part)
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

    /// Notes what a comparison of the clocks has shown.
    pub(crate) fn note_clock_skew(&self, skew: ClockSkew) {
        self.clock_ahead_micros.store(skew.ahead_micros.max(NO_SKEW + 1), Ordering::Relaxed);
    }

    /// How far this node's clock is ahead of the database's, in microseconds, if that is known.
    pub(crate) fn clock_ahead_micros(&self) -> Option<i64> {
        Some(self.clock_ahead_micros.load(Ordering::Relaxed)).filter(|ahead| *ahead != NO_SKEW)
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}
