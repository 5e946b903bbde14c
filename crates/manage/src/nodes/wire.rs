//! A node on the wire.

use claviger_domain::change::Position;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::observer::{Observed, Standing};

/// A node.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NodeView {
    /// Its id, which stands in its data directory.
    pub id: String,
    /// `live`; `lost`: silent without having signed off, it may still give verdicts; `signed_off`: it stopped in order.
    #[schema(inline)]
    pub state: NodeState,
    /// Whether it is the node that answers.
    pub answers: bool,
    /// The change that it has applied, `<epoch>.<seq>`; null before its first load.
    #[schema(required)]
    pub applied: Option<String>,
    /// The name of its machine; null to the administrators of one of several organizations.
    #[schema(required)]
    pub host: Option<String>,
    /// The version of its program.
    pub version: String,
    /// When its process began, by its own clock.
    pub started_at: String,
    /// For how long it gives verdicts without news from the database; null: for ever.
    #[schema(required)]
    pub staleness_limit_seconds: Option<u64>,
}

/// How a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It moved within the last 3 s.
    Live,
    /// It is silent and did not sign off.
    Lost,
    /// It stopped in order.
    SignedOff,
}

// === impl NodeState ===

impl NodeState {
    pub(super) fn of(standing: Standing) -> Self {
        match standing {
            Standing::Live => Self::Live,
            Standing::Lost => Self::Lost,
            Standing::SignedOff | Standing::Gone => Self::SignedOff,
        }
    }
}

// === impl NodeView ===

impl NodeView {
    pub(super) fn new(node: &Observed, applied: Option<Position>, shows_host: bool) -> Self {
        let row = &node.row;
        Self {
            id: row.own.id.to_string(),
            state: NodeState::of(node.standing),
            answers: false,
            applied: applied.map(|position| position.to_string()),
            host: shows_host.then(|| row.own.host.clone()),
            version: row.own.version.clone(),
            started_at: row.own.started_at.to_string(),
            staleness_limit_seconds: row.own.staleness_limit.map(|limit| limit.as_secs()),
        }
    }
}
