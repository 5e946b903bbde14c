//! Lists the nodes.

use claviger_domain::NodeId;
use claviger_domain::authority::Authority;
use claviger_store::organizations;

use super::observer::Observed;
use super::wire::NodeView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, PageQuery, limit, open_cursor, seal_cursor};

/// A page of the nodes by their ids: those that are live, lost, or signed off a short while ago. For the operator, and for
/// administrators, whose calls name nodes.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &PageQuery) -> Result<Listed<NodeView>, Error> {
    if !ctx.authorities.has(Authority::OrganizationsOperate) {
        ctx.require(Authority::OrganizationManage)?;
    }
    let (ring, names) = (manage.keyring.fingerprint(), ["nodes"]);
    let limit = limit(query.limit)? as usize;
    let after: Option<NodeId> = open_cursor(ring, &names, query.cursor.as_deref())?;
    let seen = manage.nodes.look().await?;
    let shows_host = ctx.is_operator() || organizations::count(&mut *manage.store.read().await?).await? == 1;
    let is_behind = |node: &&Observed| after.is_none_or(|after| node.row.own.id > after);
    let mut rows: Vec<_> = seen.nodes.iter().filter(is_behind).take(limit + 1).collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| has_more).map(|node| node.row.own.id);
    let next_cursor = last.map(|id| seal_cursor(ring, &names, &id)).transpose()?;
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
