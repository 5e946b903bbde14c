//! Chooses the organization that door calls without a token are made for.

use claviger_domain::OrganizationId;
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_store::{Scope, organizations};
use serde_json::json;

use super::wire::OrganizationView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Makes an organization the default one; a repeat changes nothing.
pub async fn make_default(manage: &Manage, ctx: &Ctx, id: OrganizationId) -> Result<Changed<OrganizationView>, Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Installation, move |tx| {
            let ctx = work_ctx.clone();
            Box::pin(async move {
                let nobody = || Error::not_found("organization");
                let found = organizations::get(tx, id).await?.ok_or_else(nobody)?;
                if found.is_default {
                    return Ok(OrganizationView::from(&found));
                }
                let before = organizations::default(tx).await?.map(|before| before.id);
                organizations::set_default(tx, id).await?;
                let name = Some(found.name.to_string());
                let subject = Subject { kind: "organization".to_owned(), id: id.to_string(), name };
                let (old, new) = (json!({"default": before}), json!({"default": id}));
                tx.audit(Chain::Installation, ctx.entry("organization.make_default", subject, Some(old), Some(new)));
                let after = organizations::get(tx, id).await?.ok_or_else(nobody)?;
                Ok(OrganizationView::from(&after))
            })
        })
        .await
}
