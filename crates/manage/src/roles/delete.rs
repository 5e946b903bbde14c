//! Deletes a role that nobody has.

use std::sync::Arc;

use claviger_domain::authority::Authority;
use claviger_store::{Scope, roles};

use super::record::{check_custom, find, note, view};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Deletes the role of this id or slug, unless somebody has it.
pub async fn delete(manage: &Manage, ctx: &Ctx, name: String, if_match: IfMatch) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::RolesManage)?;
    ctx.require_step_up()?;
    let all = Arc::new((ctx.clone(), name, if_match));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, name, if_match) = &*all;
                let role = find(tx, organization, name).await?;
                if_match.check(role.version)?;
                check_custom(&role)?;
                match roles::count_members(tx, role.id).await? {
                    0 => {}
                    1 => return Err(Error::conflict("1 user has this role; take it away first.")),
                    count => {
                        return Err(Error::conflict(format!("{count} users have this role; take it away first.")));
                    }
                }
                let old = view(tx, &role).await?;
                roles::delete(tx, organization, role.id).await?;
                note(tx, ctx, "role.delete", &role, Some(&old), None);
                Ok(())
            })
        })
        .await
}
