//! Deletes a set that nobody uses.

use std::sync::Arc;

use claviger_domain::api_set::ApiSetKind;
use claviger_domain::authority::Authority;
use claviger_store::{Scope, api_sets};

use super::record::{find, note, view};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Deletes the set of this id or slug, unless keys hold it.
pub async fn delete(manage: &Manage, ctx: &Ctx, name: String, if_match: IfMatch) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    let all = Arc::new((ctx.clone(), name, if_match));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, name, if_match) = &*all;
                let set = find(tx, organization, name).await?;
                if_match.check(set.version)?;
                if set.kind != ApiSetKind::Plain {
                    return Err(Error::conflict(
                        "This set is made with its organization or API; it cannot be deleted alone.",
                    ));
                }
                let keys = api_sets::in_use_counts(tx, set.id).await?.keys;
                if keys > 0 {
                    let keys = if keys == 1 { "1 key holds".to_owned() } else { format!("{keys} keys hold") };
                    return Err(Error::conflict(format!("{keys} this set; take it from them first.")));
                }
                let old = view(tx, &set).await?;
                api_sets::delete(tx, organization, set.id).await?;
                note(tx, ctx, "api_set.delete", &set, Some(&old), None);
                Ok(())
            })
        })
        .await
}
