//! What one node makes of the rows of all: who is live and who is lost, by its own monotonic clock alone.

use std::collections::HashMap;
use std::time::Duration;

use claviger_domain::NodeId;
use claviger_store::nodes::NodeRow;

/// A node is live for this long after its row appeared or its heartbeat moved; and this long after its own staleness limit
/// ran out, a lost one is taken for gone.
pub const LIVE_FOR: Duration = Duration::from_secs(3);
/// How long the row of a node that signed off is shown.
pub const SIGNED_OFF_FOR: Duration = Duration::from_hours(1);

/// How a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It was seen to move.
    Live,
    /// It is silent and did not sign off: it may still give verdicts, by what it knew.
    Lost,
    /// It stopped in order.
    SignedOff,
    /// It gives no verdicts any more: it signed off long ago, or its staleness limit ran out. Its row may go.
    Gone,
}

/// A row and how its node stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The row.
    pub row: NodeRow,
    /// How it stands.
    pub standing: Standing,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Observer {
    known: HashMap<NodeId, Known>,
}

/// The last move of a node.
#[derive(Debug)]
struct Known {
    run: String,
    heartbeat: i64,
    is_signed_off: bool,
    moved_at: Duration,
}

// === impl Observer ===

impl Observer {
    /// Looks at the rows as they stand at `now`, on the monotonic clock.
    pub(super) fn see(&mut self, rows: Vec<NodeRow>, now: Duration) -> Vec<Observed> {
        self.known.retain(|id, _| rows.iter().any(|row| row.own.id == *id));
        rows.into_iter().map(|row| Observed { standing: self.standing(&row, now), row }).collect()
    }

    fn standing(&mut self, row: &NodeRow, now: Duration) -> Standing {
        let (run, heartbeat, is_signed_off) = (&row.own.run, row.heartbeat, row.signed_off_at.is_some());
        let known = self.known.entry(row.own.id).or_insert_with(|| Known::new(row, now));
        if (&known.run, known.heartbeat, known.is_signed_off) != (run, heartbeat, is_signed_off) {
            *known = Known::new(row, now);
        }
        let silent_for = now.saturating_sub(known.moved_at);
        let gone_after = row.own.staleness_limit.map(|limit| limit.saturating_add(LIVE_FOR));
        match (is_signed_off, gone_after) {
            (true, _) if silent_for >= SIGNED_OFF_FOR => Standing::Gone,
            (true, _) => Standing::SignedOff,
            (false, _) if silent_for < LIVE_FOR => Standing::Live,
            (false, Some(after)) if silent_for >= after => Standing::Gone,
            (false, _) => Standing::Lost,
        }
    }
}

// === impl Known ===

impl Known {
    fn new(row: &NodeRow, moved_at: Duration) -> Self {
        let is_signed_off = row.signed_off_at.is_some();
        Self { run: row.own.run.clone(), heartbeat: row.heartbeat, is_signed_off, moved_at }
    }
}

#[cfg(test)]
mod tests {
    use claviger_domain::Timestamp;

    use super::*;
    use crate::nodes::testing::row;

    const SECOND: Duration = Duration::from_secs(1);

    fn standing(observer: &mut Observer, row: &NodeRow, seconds: u32) -> Standing {
        observer.see(vec![row.clone()], SECOND * seconds)[0].standing
    }

    #[test]
    fn a_node_is_live_for_three_seconds_after_it_appeared_or_moved() {
        let (mut observer, mut node) = (Observer::default(), row(1));
        assert_eq!(standing(&mut observer, &node, 100), Standing::Live, "its row appeared");
        assert_eq!(standing(&mut observer, &node, 102), Standing::Live);
        assert_eq!(standing(&mut observer, &node, 103), Standing::Lost);
        node.heartbeat += 1;
        assert_eq!(standing(&mut observer, &node, 110), Standing::Live, "it came back");
        assert_eq!(standing(&mut observer, &node, 113), Standing::Lost);
        // A process that began anew may have counted to the same number.
        node.own.run = "another".to_owned();
        assert_eq!(standing(&mut observer, &node, 120), Standing::Live);
        // What its wall clock says is no matter.
        node.own.started_at = Timestamp::from_micros(i64::MAX);
        assert_eq!(standing(&mut observer, &node, 123), Standing::Lost);
    }

    #[test]
    fn a_lost_node_is_gone_three_seconds_after_its_own_limit_and_never_without_one() {
        let (mut observer, mut node) = (Observer::default(), row(1));
        node.own.staleness_limit = Some(10 * SECOND);
        let seen = [0, 2, 3, 12, 13].map(|seconds| standing(&mut observer, &node, seconds));
        assert_eq!(seen, [Standing::Live, Standing::Live, Standing::Lost, Standing::Lost, Standing::Gone]);
        let endless = row(2);
        assert_eq!(standing(&mut observer, &endless, 0), Standing::Live);
        assert_eq!(standing(&mut observer, &endless, u32::MAX), Standing::Lost);
    }

    #[test]
    fn who_signed_off_is_not_lost() {
        let (mut observer, mut node) = (Observer::default(), row(1));
        standing(&mut observer, &node, 0);
        node.signed_off_at = Some(Timestamp::default());
        assert_eq!(standing(&mut observer, &node, 100), Standing::SignedOff);
        assert_eq!(standing(&mut observer, &node, 100 + 3_599), Standing::SignedOff);
        assert_eq!(standing(&mut observer, &node, 100 + 3_600), Standing::Gone);
    }

    #[test]
    fn a_row_that_went_and_came_again_appears_anew() {
        let (mut observer, node) = (Observer::default(), row(1));
        standing(&mut observer, &node, 0);
        assert_eq!(standing(&mut observer, &node, 9), Standing::Lost);
        assert_eq!(observer.see(Vec::new(), 10 * SECOND), []);
        assert_eq!(standing(&mut observer, &node, 11), Standing::Live);
    }
}
