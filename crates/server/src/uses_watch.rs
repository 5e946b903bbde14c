//! Keeps the engine's knowledge of uses at other nodes: whether there are others, how far their uses are written, and up to
//! where this node has looked them up.

use std::sync::Arc;

use claviger_domain::uses_elsewhere::UsesElsewhere;
use claviger_domain::{Clock, NodeId, Timestamp};
use claviger_engine::Engine;
use claviger_manage::keys::LOOKED_AHEAD;
use claviger_manage::nodes::Seen;
use parking_lot::Mutex;
use tokio::sync::Notify;

const NEVER: Timestamp = Timestamp::from_micros(i64::MIN);
const ALWAYS: Timestamp = Timestamp::from_micros(i64::MAX);

/// What the tasks find out, put together.
pub(crate) struct UsesWatch {
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    sweep_wanted: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// See [`UsesElsewhere::possible_until`].
    possible_until: Timestamp,
    /// Keys that go idle up to here were looked up.
    looked_up_to: Timestamp,
    /// Other nodes told or wrote all that they saw before.
    heard_to: Timestamp,
}

// === impl UsesWatch ===

impl UsesWatch {
    /// Of a node that may have others beside it. A load reads all uses that are written: `loads_later` says that one follows, so
    /// that what went idle before now is known. Elsewise, until the first look, nothing is taken for idle that others may have
    /// kept.
    pub(crate) fn new(engine: Arc<Engine>, clock: Arc<dyn Clock>, loads_later: bool) -> Self {
        let now = clock.now();
        let known =
            if loads_later { Known { looked_up_to: now, heard_to: now, ..Known::NOTHING } } else { Known::NOTHING };
        let watch = Self { engine, clock, known: Mutex::new(known), sweep_wanted: Notify::new() };
        watch.change(|_| {});
        watch
    }

    /// Notes what a look at the nodes saw that ended just now.
    pub(crate) fn note_seen(&self, seen: &Seen, own: NodeId) {
        let now = self.clock.now();
        let heard_to = seen.uses_written_to(own, now);
        self.change(|known| known.see(seen.has_others(own), heard_to, now));
        if self.known.lock().looked_up_to < now.saturating_add(LOOKED_AHEAD / 2) {
            self.sweep_wanted.notify_one();
        }
    }

    /// Waits until what was looked up does not reach far enough: the clock was put forward, or the machine slept.
    pub(crate) async fn wants_sweep(&self) {
        self.sweep_wanted.notified().await;
    }

    /// Notes that a sweep which began at `at` has looked up all keys that soon go idle.
    pub(crate) fn note_swept(&self, at: Timestamp) {
        self.change(|known| known.looked_up_to = at.saturating_add(LOOKED_AHEAD));
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known.lock();
        change(&mut known);
        self.engine.note_uses_elsewhere(known.uses_elsewhere());
    }
}

// === impl Known ===

impl Known {
    const NOTHING: Self = Self { possible_until: ALWAYS, looked_up_to: NEVER, heard_to: NEVER };

    fn see(&mut self, has_others: bool, heard_to: Timestamp, now: Timestamp) {
        self.heard_to = heard_to;
        if has_others {
            self.possible_until = ALWAYS;
        } else if self.possible_until == ALWAYS {
            self.possible_until = now;
        }
    }

    fn uses_elsewhere(self) -> UsesElsewhere {
        UsesElsewhere { possible_until: self.possible_until, known_to: self.looked_up_to.min(self.heard_to) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn nothing_is_certain_before_the_first_look_and_sweep() {
        let mut known = Known::NOTHING;
        assert!(known.uses_elsewhere().may_have_kept(at(0), at(1)));
        known.see(true, at(100), at(100));
        assert!(known.uses_elsewhere().may_have_kept(at(0), at(1)), "it was not looked up");
        known.looked_up_to = at(1_000);
        assert!(!known.uses_elsewhere().may_have_kept(at(0), at(100)));
        assert!(known.uses_elsewhere().may_have_kept(at(0), at(101)), "another may have seen it since");
    }

    #[test]
    fn once_the_others_have_left_only_what_rests_since_before_may_have_been_kept() {
        let mut known = Known { looked_up_to: at(50), ..Known::NOTHING };
        known.see(true, at(100), at(100));
        known.see(false, at(200), at(200));
        known.see(false, at(300), at(300));
        assert_eq!(known.uses_elsewhere(), UsesElsewhere { possible_until: at(200), known_to: at(50) });
        known.see(true, at(400), at(400));
        assert_eq!(known.uses_elsewhere().possible_until, ALWAYS);
    }
}
