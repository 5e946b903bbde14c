//! New recovery codes for an API user who has lost its app, by an administrator who hands them over.

use std::sync::Arc;

use claviger_domain::Secret;
use claviger_domain::authority::Authority;
use claviger_store::{Scope, api_user_codes};

use super::proof::draw_recovery_codes;
use super::record::{find, note_done};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Gives the user of this id ten recovery codes in the place of those before, and answers them, once.
///
/// # Errors
/// A conflict where the user has no one-time codes that they would stand in for.
pub async fn make_recovery_codes(manage: &Manage, ctx: &Ctx, id: String) -> Result<Changed<Vec<Secret>>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    ctx.require_step_up()?;
    let user = find(&mut *manage.store.read().await?, organization, &id).await?;
    let (shown, digests) = draw_recovery_codes(manage, user.id);
    let all = Arc::new((ctx.clone(), id, digests));
    let changed = manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (ctx, id, digests) = &*all;
                let user = find(tx, organization, id).await?;
                if !api_user_codes::put(tx, user.id, digests).await? {
                    return Err(Error::conflict(
                        "This user has set up no one-time codes that they would stand in for.",
                    ));
                }
                note_done(tx, ctx, "api_user.make_recovery_codes", &user, None);
                Ok(())
            })
        })
        .await?;
    Ok(changed.map(|()| shown))
}
