//! What one node knows of uses that other nodes saw: whether it may call a key idle.

use crate::clock::Timestamp;

/// What a node knows of uses at the others. Nodes tell each other of a use once an hour, and what is told does not reach a
/// node that is cut off: so each looks up in the database, ahead of time, when keys that soon go idle were last used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsesElsewhere {
    /// Other nodes may have seen uses before this instant; none saw a later one.
    pub possible_until: Timestamp,
    /// All uses of those keys are known that go idle up to this instant.
    pub known_to: Timestamp,
}

// === impl UsesElsewhere ===

impl UsesElsewhere {
    /// There is no other node, and there never was.
    pub const NONE: Self =
        Self { possible_until: Timestamp::from_micros(i64::MIN), known_to: Timestamp::from_micros(i64::MAX) };

    /// Whether a key may be in use all the same that, by what this node knows, rests since `idle_start` and went idle at
    /// `idle_at`: such a key is not called idle.
    pub fn may_have_kept(&self, idle_start: Timestamp, idle_at: Timestamp) -> bool {
        idle_start < self.possible_until && idle_at > self.known_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    #[test]
    fn a_node_alone_knows_all() {
        assert!(!UsesElsewhere::NONE.may_have_kept(at(i64::MIN), at(0)));
        assert!(!UsesElsewhere::NONE.may_have_kept(at(0), at(i64::MAX)));
    }

    #[test]
    fn others_may_have_kept_what_goes_idle_beyond_what_was_looked_up() {
        let known = UsesElsewhere { possible_until: at(i64::MAX), known_to: at(100) };
        assert!(!known.may_have_kept(at(10), at(100)), "it was looked up");
        assert!(known.may_have_kept(at(10), at(101)));
    }

    #[test]
    fn who_left_before_the_last_use_kept_nothing() {
        let known = UsesElsewhere { possible_until: at(50), known_to: at(100) };
        assert!(known.may_have_kept(at(49), at(101)));
        assert!(!known.may_have_kept(at(50), at(101)), "the last use that is known is later than any other");
    }
}
