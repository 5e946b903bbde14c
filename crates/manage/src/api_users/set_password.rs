//! A password that an administrator sets for an API user, who is told of it by other ways than this one.

use std::sync::Arc;

use claviger_domain::Secret;
use claviger_domain::authority::Authority;
use claviger_store::{Scope, api_sessions, api_user_secrets, api_users};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::create::hash_of;
use super::record::{find, note_done, require_password};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// The new password.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// 12 to 256 characters, none that is quickly guessed.
    #[schema(value_type = String, min_length = 12, max_length = 256)]
    pub password: Secret,
}

/// Gives the user of this id a password: its sessions, a link that was mailed, and its being locked out end with the one before.
///
/// # Errors
/// A conflict where users of its application have no passwords.
pub async fn set_password(manage: &Manage, ctx: &Ctx, id: String, request: SetPassword) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    ctx.require_step_up()?;
    let mut snapshot = manage.store.read().await?;
    let user = find(&mut snapshot, organization, &id).await?;
    require_password(&mut snapshot, &user).await?;
    drop(snapshot);
    let hash = hash_of(manage, &user, "password", &request.password).await?;
    let all = Arc::new((ctx.clone(), id, hash));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (ctx, id, hash) = &*all;
                let user = find(tx, organization, id).await?;
                api_user_secrets::set_password(tx, user.id, hash, ctx.now).await?;
                api_user_secrets::end_link(tx, user.id).await?;
                api_users::unlock(tx, user.id, ctx.now).await?;
                let ended = api_sessions::end_of_user(tx, user.id, None).await?;
                note_done(tx, ctx, "api_user.set_password", &user, Some(json!({"sessions_ended": ended})));
                Ok(())
            })
        })
        .await
}
