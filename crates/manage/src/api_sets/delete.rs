//! Deletes a set that nobody uses.

use std::sync::Arc;

use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::authority::Authority;
use claviger_domain::sharing::SharedWith;
use claviger_store::api_sets::{self, InUse};
use claviger_store::{Conn, Scope, organizations};

use super::record::{find_own, note, view};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::shared::is_lent;
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
                let set = find_own(tx, organization, name).await?;
                if_match.check(set.version)?;
                if set.kind != ApiSetKind::Plain {
                    return Err(Error::conflict(
                        "This set is made with its organization or API; it cannot be deleted alone.",
                    ));
                }
                check_unused(tx, &set).await?;
                let old = view(tx, &set).await?;
                api_sets::delete(tx, organization, set.id).await?;
                note(tx, ctx, "api_set.delete", &set, Some(&old), None);
                Ok(())
            })
        })
        .await
}

/// Keys of the organization keep their set; those of others as long as it is shared with any.
async fn check_unused(conn: &mut Conn, set: &ApiSet) -> Result<(), Error> {
    let InUse { keys, keys_of_others, application_types, roles } =
        api_sets::in_use_counts(conn, set.organization, set.id).await?;
    if keys > 0 {
        let holding = if keys == 1 { "1 key holds".to_owned() } else { format!("{keys} keys hold") };
        return Err(Error::conflict(format!("{holding} this set; take it from them first.")));
    }
    if application_types > 0 {
        let allowing = match application_types {
            1 => "1 type of applications allows".to_owned(),
            count => format!("{count} types of applications allow"),
        };
        return Err(Error::conflict(format!("{allowing} this set; take it from them first.")));
    }
    if roles > 0 {
        let naming = if roles == 1 { "1 role names".to_owned() } else { format!("{roles} roles name") };
        return Err(Error::conflict(format!("{naming} this set in a level; take it from there first.")));
    }
    let home = organizations::get(conn, set.organization).await?;
    if home.is_some_and(|home| home.policy.approval.contains(&set.id)) {
        return Err(Error::conflict("The policy has keys with this set approved; take it from there first."));
    }
    if keys_of_others > 0 && is_lent(conn, set, |with| *with != SharedWith::None).await? {
        let detail =
            format!("Keys of other organizations hold this set: {keys_of_others}. Stop sharing its APIs first.");
        return Err(Error::conflict(detail));
    }
    Ok(())
}
