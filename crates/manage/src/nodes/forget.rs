//! Takes a lost node off the list: the operator's.

use claviger_domain::NodeId;
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_store::{Scope, nodes};
use serde_json::json;

use super::observer::Standing;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Forgets a node that is lost or has signed off: nobody waits for it any more, until it comes back by itself. Whoever calls
/// this says that it gives no verdicts any more, or that it does not matter.
pub async fn forget(manage: &Manage, ctx: &Ctx, id: NodeId) -> Result<Changed<()>, Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    let seen = manage.nodes.look().await?;
    let node = seen.nodes.iter().find(|node| node.row.own.id == id).ok_or_else(|| Error::not_found("node"))?;
    if node.standing == Standing::Live {
        return Err(live());
    }
    let (row, work_ctx) = (node.row.clone(), ctx.clone());
    manage
        .write(ctx, Scope::Installation, move |tx| {
            let (row, ctx) = (row.clone(), work_ctx.clone());
            Box::pin(async move {
                if !nodes::forget(tx, &row).await? {
                    let exists = nodes::exists(tx, row.own.id).await?;
                    return Err(if exists { live() } else { Error::not_found("node") });
                }
                let (id, name) = (row.own.id.to_string(), Some(row.own.host.clone()));
                let before = json!({"host": row.own.host, "applied": row.applied.map(|position| position.to_string())});
                let subject = Subject { kind: "node".to_owned(), id, name };
                tx.audit(Chain::Installation, ctx.entry("node.forget", subject, Some(before), None));
                Ok(())
            })
        })
        .await
}

fn live() -> Error {
    Error::conflict("The node is live: stop it first; it can be forgotten 3 seconds after its last sign of life.")
}
