//! Changes an API user by the rules of a merge: what is not named stays.

use claviger_domain::api_user::ApiUser;
use claviger_domain::key::Disabled;

use super::record::{change, check_free, profile};
use super::request::{self, EditApiUser};
use super::wire::Recorded;
use crate::Manage;
use crate::body::IfMatch;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// Changes the API user of this id.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    id: String,
    if_match: IfMatch,
    request: EditApiUser,
) -> Result<Changed<Recorded>, Error> {
    change(manage, ctx, id, if_match, "api_user.edit", move |tx, ctx, user| {
        let request = request.clone();
        Box::pin(async move {
            if let Some(name) = &request.profile_user {
                user.profile_user = profile(tx, user.organization, name).await?.user.id;
            }
            merge(ctx, user, &request)?;
            check_free(tx, user).await
        })
    })
    .await
}

fn merge(ctx: &Ctx, user: &mut ApiUser, request: &EditApiUser) -> Result<(), Error> {
    let mut checks = Checks::default();
    if let Some(name) = &request.user_name {
        user.user_name = name.clone();
    }
    match request.active {
        Some(true) => user.disabled = None,
        Some(false) if user.disabled.is_none() => {
            user.disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason: None });
        }
        Some(false) | None => {}
    }
    if let Some(number) = request.permission_type {
        user.permission_type = request::permission_type(&mut checks, number);
    }
    if let Some(contact) = &request.contact {
        user.contact = request::contact(&mut checks, contact.as_ref());
    }
    if let Some(external) = &request.profile_external {
        user.profile_external = request::external(&mut checks, "profile_external", external.as_ref());
    }
    user.sign_in_method = request.sign_in_method.unwrap_or(user.sign_in_method);
    if let Some(language) = &request.language {
        request::language(&mut checks, language);
        user.language.clone_from(language);
    }
    request::needs(&mut checks, user);
    checks.finish()
}
