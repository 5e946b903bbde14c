//! Deletes a type that no application is of.

use std::sync::Arc;

use claviger_domain::authority::Authority;
use claviger_store::{Scope, application_types, applications};

use super::record::{find, note, view};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Deletes the type of this id or slug, unless applications are of it.
pub async fn delete(manage: &Manage, ctx: &Ctx, name: String, if_match: IfMatch) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let all = Arc::new((ctx.clone(), name, if_match));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, name, if_match) = &*all;
                let kind = find(tx, organization, name).await?;
                if_match.check(kind.version)?;
                match applications::count_of_type(tx, kind.id).await? {
                    0 => {}
                    1 => return Err(Error::conflict("1 application is of this type; delete it first.")),
                    count => {
                        return Err(Error::conflict(format!(
                            "{count} applications are of this type; delete them first."
                        )));
                    }
                }
                let old = view(tx, &kind).await?;
                application_types::delete(tx, organization, kind.id).await?;
                note(tx, ctx, "application_type.delete", &kind, Some(&old), None);
                Ok(())
            })
        })
        .await
}
