//! Rows of nodes for tests.

use claviger_domain::{NodeId, Timestamp};
use claviger_store::nodes::{NodeRow, OwnRow};

/// A node's row as it joins.
pub(crate) fn row(number: u128) -> NodeRow {
    let own = OwnRow {
        id: NodeId::from_raw(number),
        run: "run".to_owned(),
        host: format!("host-{number}"),
        version: "0.1.0".to_owned(),
        started_at: Timestamp::default(),
        staleness_limit: None,
    };
    NodeRow { own, heartbeat: 1, applied: None, signed_off_at: None, uses_written_to: None }
}
