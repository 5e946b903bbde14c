//! The password again: before what cannot be undone, a session whose person has not proved of late who they are asks for it.

use claviger_domain::Secret;
use claviger_domain::session::Session;
use claviger_store::{Scope, passwords, sessions, sign_in_attempts};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::attempts::{self, Origin};
use super::session::note;
use super::token::Token;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::passwords::{Match, Place, entered};

/// The password again.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUp {
    /// The password.
    #[schema(value_type = String, max_length = 1024)]
    pub password: Secret,
}

/// What was proved: the hash that the password has, and where tries are counted.
pub(super) struct Proved {
    pub(super) place: Place,
    pub(super) hash: claviger_domain::password::PasswordHash,
    pub(super) counter: sign_in_attempts::Counter,
}

/// Whether `password` is the caller's; each session has its own counter, so that a stolen one locks out nobody else.
pub(super) async fn prove(manage: &Manage, ctx: &Ctx, field: &'static str, password: &Secret) -> Result<Proved, Error> {
    let session = &ctx.console_session()?.record;
    let password = entered(field, password)?;
    let place = manage.passwords.admit()?;
    let account = session.user.as_raw().to_be_bytes();
    let counter = attempts::counter(manage, &account, Origin::Known(&session.id.as_raw().to_be_bytes()));
    attempts::begin(manage, &counter, ctx.now).await?;
    let hash = passwords::get(&mut *manage.store.read().await?, session.user).await?;
    match (manage.passwords.verify(&place, password, hash.clone()).await?, hash) {
        (Match::Yes | Match::Outdated, Some(hash)) => Ok(Proved { place, hash, counter }),
        _ => Err(Error::forbidden("The password is wrong.")),
    }
}

/// Notes that the caller has proved who they are, and gives the session another token: the one before ends.
pub async fn step_up(manage: &Manage, ctx: &Ctx, request: StepUp) -> Result<(Session, Token), Error> {
    let proved = prove(manage, ctx, "password", &request.password).await?;
    let token = Token::draw(&*manage.random);
    let (organization, user) = ctx.person()?;
    let (work_ctx, digest, counter) = (ctx.clone(), token.digest(&manage.keyring), proved.counter);
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, counter) = (work_ctx.clone(), counter.clone());
            Box::pin(async move {
                let own = ctx.console_session()?;
                if !sessions::prove(tx, own.record.id, &own.digest, &digest, ctx.now).await? {
                    return Err(Error::unauthenticated("The session was renewed meanwhile."));
                }
                sign_in_attempts::clear(tx, &counter).await?;
                note(tx, &ctx, user, "session.step_up", json!({"session": own.record.id.to_string()}))
            })
        })
        .await?;
    let session = Session { proved_at: ctx.now, ..ctx.console_session()?.record.clone() };
    Ok((session, token))
}
