//! What this node knows of uses at the others, as requests read it and the server sets it.

use std::sync::atomic::{AtomicI64, Ordering};

use claviger_domain::Timestamp;
use claviger_domain::uses_elsewhere::UsesElsewhere;

/// Two instants in microseconds. They are read one after the other: a request that meets a change of both may see one of
/// each, which holds for that request alone.
#[derive(Debug)]
pub(crate) struct HeldUsesElsewhere {
    possible_until: AtomicI64,
    known_to: AtomicI64,
}

// === impl HeldUsesElsewhere ===

impl HeldUsesElsewhere {
    /// A node alone.
    pub(crate) const fn none() -> Self {
        let UsesElsewhere { possible_until, known_to } = UsesElsewhere::NONE;
        Self {
            possible_until: AtomicI64::new(possible_until.as_micros()),
            known_to: AtomicI64::new(known_to.as_micros()),
        }
    }

    pub(crate) fn get(&self) -> UsesElsewhere {
        UsesElsewhere {
            possible_until: Timestamp::from_micros(self.possible_until.load(Ordering::Relaxed)),
            known_to: Timestamp::from_micros(self.known_to.load(Ordering::Relaxed)),
        }
    }

    pub(crate) fn set(&self, known: UsesElsewhere) {
        self.possible_until.store(known.possible_until.as_micros(), Ordering::Relaxed);
        self.known_to.store(known.known_to.as_micros(), Ordering::Relaxed);
    }
}
