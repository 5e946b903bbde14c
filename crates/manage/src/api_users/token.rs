//! Another static token for an API user.

use claviger_domain::api_user::generate_api_token;
use claviger_domain::authority::Authority;
use claviger_domain::digest::CredentialKind;

use super::record::change;
use super::wire::{NewApiUser, Recorded};
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Gives the user of this id another token and answers it, once; the one before ends.
///
/// # Errors
/// A conflict where the type of its application knows no such tokens.
pub async fn rotate_token(manage: &Manage, ctx: &Ctx, id: String) -> Result<Changed<(NewApiUser, i64)>, Error> {
    ctx.organization_with(Authority::ApplicationsManage)?;
    ctx.require_step_up()?;
    let token = generate_api_token(&*manage.random);
    let digest = manage.keyring.pepper().digest(CredentialKind::StaticToken, token.expose().as_bytes());
    let changed = change(manage, ctx, id, IfMatch::ANY, "api_user.rotate_token", move |_, _, user| {
        Box::pin(async move {
            if user.static_token.is_none() {
                return Err(Error::conflict("This user signs in, and has no token that could be another one."));
            }
            user.static_token = Some(digest);
            Ok(())
        })
    })
    .await?;
    Ok(changed
        .map(|Recorded { user, version }| (NewApiUser { api_user: user, token: Some(token), mailed: false }, version)))
}
