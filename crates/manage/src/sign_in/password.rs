//! A new password of one's own: all other sessions end with it.

use claviger_domain::Secret;
use claviger_domain::session::Session;
use claviger_store::{Scope, members, passwords, sessions, sign_in_attempts};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::session::note;
use super::step_up::prove;
use super::token::Token;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mail;
use crate::passwords::chosen;

/// The password before, and the new one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password before.
    #[schema(value_type = String, max_length = 1024)]
    pub current: Secret,
    /// The new one: 12 to 256 characters, none that is quickly guessed.
    #[schema(value_type = String, min_length = 12, max_length = 256)]
    pub password: Secret,
}

/// Changes the caller's password; the session that calls gets another token, the others end.
pub async fn change_password(manage: &Manage, ctx: &Ctx, request: ChangePassword) -> Result<(Session, Token), Error> {
    ctx.console_session()?;
    let (organization, user) = ctx.person()?;
    let member = members::get(&mut *manage.store.read().await?, organization, user).await?;
    let member = member.ok_or_else(|| Error::not_found("user"))?;
    let own = [member.user.name.as_str(), member.user.email.as_str(), member.username.as_str()];
    let password = chosen("password", &request.password, &own)?;
    let proved = prove(manage, ctx, "current", &request.current).await?;
    let hash = manage.passwords.hash_at(&proved.place, password, &*manage.random).await?;
    let token = Token::draw(&*manage.random);
    let (work_ctx, digest, before, counter) = (ctx.clone(), token.digest(&manage.keyring), proved.hash, proved.counter);
    let notice = manage.password_changed(ctx, &member.user, &ctx.request_id.to_string())?;
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, hash, before, counter) = (work_ctx.clone(), hash.clone(), before.clone(), counter.clone());
            let notice = notice.clone();
            Box::pin(async move {
                let own = ctx.console_session()?;
                // Of two who change it at once the second has not named the password of now.
                let stands = passwords::get(tx, user).await?;
                if stands.is_none_or(|stands| stands.expose() != before.expose()) {
                    return Err(Error::conflict("The password was changed meanwhile."));
                }
                passwords::set(tx, user, &hash, ctx.now).await?;
                let ended = sessions::end_others(tx, user, Some(own.record.id)).await?;
                if !sessions::prove(tx, own.record.id, &own.digest, &digest, ctx.now).await? {
                    return Err(Error::unauthenticated("The session was renewed meanwhile."));
                }
                sign_in_attempts::clear(tx, &counter).await?;
                mail::put(tx, notice.as_ref()).await?;
                note(tx, &ctx, user, "user.change_password", json!({"sessions_ended": ended}))
            })
        })
        .await?;
    let session = Session { proved_at: ctx.now, ..ctx.console_session()?.record.clone() };
    Ok((session, token))
}
