//! Deletes an API user; its sessions end with it.

use std::sync::Arc;

use claviger_domain::authority::Authority;
use claviger_store::{Scope, api_sessions, api_users};

use super::record::{find, note, view};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Deletes the API user of this id.
pub async fn delete(manage: &Manage, ctx: &Ctx, id: String, if_match: IfMatch) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    ctx.require_step_up()?;
    let all = Arc::new((ctx.clone(), id, if_match));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = all.clone();
            Box::pin(async move {
                let (ctx, id, if_match) = &*all;
                let user = find(tx, organization, id).await?;
                if_match.check(user.version)?;
                let old = view(tx, &user).await?;
                api_sessions::end_of_user(tx, user.id, None).await?;
                api_users::delete(tx, organization, user.id).await?;
                note(tx, ctx, "api_user.delete", &user, Some(&old), None);
                Ok(())
            })
        })
        .await
}
