//! Lets an API user sign in again who was locked out by wrong passwords.

use std::sync::Arc;

use claviger_domain::authority::Authority;
use claviger_store::{Scope, api_users};

use super::record::{find, note_done};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Forgets the wrong passwords that were entered at the name of the user of this id, from wherever.
pub async fn unlock(manage: &Manage, ctx: &Ctx, id: String) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let all = Arc::new((ctx.clone(), id));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (ctx, id) = &*all;
                let user = find(tx, organization, id).await?;
                api_users::unlock(tx, user.id, ctx.now).await?;
                note_done(tx, ctx, "api_user.unlock", &user, None);
                Ok(())
            })
        })
        .await
}
