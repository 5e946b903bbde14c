//! Lists the nodes.

use claviger_domain::authority::Authority;
use claviger_domain::{NodeId, Timestamp};
use claviger_store::organizations;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::observer::Observed;
use super::wire::{NodeState, NodeView};
use crate::Manage;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, limit, open_cursor, seal_cursor};

/// Which nodes, in which order.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NodeQuery {
    /// Those in this state.
    #[serde(default)]
    #[param(inline)]
    pub state: Option<NodeState>,
    /// In which order; by id if not given.
    #[serde(default)]
    #[param(inline)]
    pub sort: NodeSort,
    /// Rows of a page: 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// The order of nodes; `-` = descending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum NodeSort {
    /// By id.
    #[default]
    #[serde(rename = "id")]
    Id,
    /// By id, from the end.
    #[serde(rename = "-id")]
    IdDescending,
    /// By the beginning of its process, the oldest first.
    #[serde(rename = "started_at")]
    Oldest,
    /// By the beginning of its process, the newest first.
    #[serde(rename = "-started_at")]
    Newest,
}

/// What nodes are sorted by; the id settles ties.
type Place = (Option<Timestamp>, NodeId);

/// A page of the nodes: those that are live, lost, or signed off a short while ago. For the operator, and for
/// administrators, whose calls name nodes.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &NodeQuery) -> Result<Listed<NodeView>, Error> {
    if !ctx.authorities.has(Authority::OrganizationsOperate) {
        ctx.require(Authority::OrganizationManage)?;
    }
    let (ring, which) = (manage.keyring.fingerprint(), format!("{:?} {:?}", query.state, query.sort));
    let names = ["nodes", which.as_str()];
    let limit = limit(query.limit)? as usize;
    let after: Option<Place> = open_cursor(ring, &names, query.cursor.as_deref())?;
    let seen = manage.nodes.look().await?;
    let shows_host = ctx.is_operator() || organizations::count(&mut *manage.store.read().await?).await? == 1;
    let mut rows = query.sort.behind(after, &seen.nodes);
    rows.retain(|node| query.state.is_none_or(|state| NodeState::of(node.standing) == state));
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|node| query.sort.place(node));
    let next_cursor = last.map(|place| seal_cursor(ring, &names, &place)).transpose()?;
    let own = manage.nodes.own();
    let view = |node: &Observed| {
        if node.row.own.id != own {
            return NodeView::new(node, node.row.applied, shows_host);
        }
        // What this node says of itself, its row says a moment later.
        NodeView { answers: true, ..NodeView::new(node, manage.engine.position(), shows_host) }
    };
    Ok(Listed { data: rows.into_iter().map(view).collect(), next_cursor })
}

// === impl NodeSort ===

impl NodeSort {
    fn place(self, node: &Observed) -> Place {
        let started_at = matches!(self, Self::Oldest | Self::Newest).then_some(node.row.own.started_at);
        (started_at, node.row.own.id)
    }

    /// The nodes behind a place, in this order.
    fn behind(self, after: Option<Place>, nodes: &[Observed]) -> Vec<&Observed> {
        let mut rows: Vec<_> = nodes.iter().collect();
        rows.sort_unstable_by_key(|node| self.place(node));
        if matches!(self, Self::IdDescending | Self::Newest) {
            rows.reverse();
            rows.retain(|node| after.is_none_or(|after| self.place(node) < after));
        } else {
            rows.retain(|node| after.is_none_or(|after| self.place(node) > after));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::observer::Standing;
    use crate::nodes::testing::row;

    #[test]
    fn each_order_of_nodes_goes_on_behind_its_place() {
        let node = |number, started_at| {
            let mut row = row(number);
            row.own.started_at = Timestamp::from_micros(started_at);
            Observed { row, standing: Standing::Live }
        };
        let nodes = [node(2, 5), node(1, 9), node(3, 5)];
        for (sort, expected) in [
            (NodeSort::Id, [1, 2, 3]),
            (NodeSort::IdDescending, [3, 2, 1]),
            (NodeSort::Oldest, [2, 3, 1]),
            (NodeSort::Newest, [1, 3, 2]),
        ] {
            let ids =
                |after| -> Vec<NodeId> { sort.behind(after, &nodes).iter().map(|node| node.row.own.id).collect() };
            let expected = expected.map(NodeId::from_raw);
            assert_eq!(ids(None), expected, "{sort:?}");
            for (number, node) in sort.behind(None, &nodes).into_iter().enumerate() {
                assert_eq!(ids(Some(sort.place(node))), expected[number + 1..], "{sort:?}");
            }
        }
    }
}
