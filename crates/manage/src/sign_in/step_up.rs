//! The password or a code again: before what cannot be undone, a session whose person has not proved of late who they are asks for it.

use claviger_domain::session::Session;
use claviger_domain::{Secret, UserId};
use claviger_store::sign_in_attempts::Counter;
use claviger_store::{Scope, Tx, passwords, second_factors, sessions, sign_in_attempts};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;

use super::attempts::{self, Origin, Tried};
use super::session::note;
use super::token::Token;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::passwords::{Match, Place, entered};
use crate::second_factor::Proof;

/// The password, or a code of the second factor: one of both.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUp {
    /// The password.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 1024)]
    pub password: Option<Secret>,
    /// A code of the app, or a recovery code.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 64)]
    pub code: Option<Secret>,
}

/// What was proved: the hash that the password has, and where tries are counted.
pub(super) struct Proved {
    pub(super) place: Place,
    pub(super) hash: claviger_domain::password::PasswordHash,
    pub(super) counter: Counter,
}

/// What has shown it.
#[derive(Clone)]
enum Shown {
    Password,
    Code(Proof),
}

fn session_counter(manage: &Manage, session: &Session) -> Counter {
    let account = session.user.as_raw().to_be_bytes();
    attempts::counter(manage, &account, Origin::Known(&session.id.as_raw().to_be_bytes()))
}

/// Counts a try of the caller's, at the counter of their session.
pub(crate) async fn session_try(manage: &Manage, ctx: &Ctx) -> Result<Tried, Error> {
    let counter = session_counter(manage, &ctx.console_session()?.record);
    attempts::begin(manage, &[&counter], ctx.now).await
}

/// Whether `password` is the caller's; each session has its own counter, so that a stolen one locks out nobody else.
pub(super) async fn prove(manage: &Manage, ctx: &Ctx, field: &'static str, password: &Secret) -> Result<Proved, Error> {
    let session = &ctx.console_session()?.record;
    let counter = session_counter(manage, session);
    let password = entered(field, password)?;
    let place = manage.passwords.admit()?;
    attempts::begin(manage, &[&counter], ctx.now).await?;
    let hash = passwords::get(&mut *manage.store.read().await?, session.user).await?;
    match (manage.passwords.verify(&place, password, hash.clone()).await?, hash) {
        (Match::Yes | Match::Outdated, Some(hash)) => Ok(Proved { place, hash, counter }),
        _ => Err(Error::forbidden("The password is wrong.")),
    }
}

/// Whether `code` is the caller's; the same answer where it is wrong, was used, or there is no second factor.
async fn prove_by_code(manage: &Manage, ctx: &Ctx, code: &Secret) -> Result<(Counter, Shown), Error> {
    let session = &ctx.console_session()?.record;
    let counter = session_counter(manage, session);
    attempts::begin(manage, &[&counter], ctx.now).await?;
    let totp = second_factors::get(&mut *manage.store.read().await?, session.user).await?;
    let proof = totp.and_then(|totp| Proof::of(manage, session.user, &totp, code, ctx.now));
    Ok((counter, Shown::Code(proof.ok_or_else(wrong_code)?)))
}

fn wrong_code() -> Error {
    Error::forbidden("The code is wrong.")
}

/// Notes that the caller has proved who they are, and gives the session another token: the one before ends.
pub async fn step_up(manage: &Manage, ctx: &Ctx, request: StepUp) -> Result<(Session, Token), Error> {
    let (counter, shown) = match (&request.password, &request.code) {
        (Some(password), None) => (prove(manage, ctx, "password", password).await?.counter, Shown::Password),
        (None, Some(code)) => prove_by_code(manage, ctx, code).await?,
        _ => return Err(Error::field("password", "send either the password or a code")),
    };
    let token = Token::draw(&*manage.random);
    let (organization, user) = ctx.person()?;
    let (work_ctx, digest) = (ctx.clone(), token.digest(&manage.keyring));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, counter, shown) = (work_ctx.clone(), counter.clone(), shown.clone());
            Box::pin(async move {
                let own = ctx.console_session()?;
                shown.take(tx, user).await?;
                if !sessions::prove(tx, own.record.id, &own.digest, &digest, ctx.now).await? {
                    return Err(Error::unauthenticated("The session was renewed meanwhile."));
                }
                sign_in_attempts::clear(tx, &counter).await?;
                note(
                    tx,
                    &ctx,
                    user,
                    "session.step_up",
                    json!({"session": own.record.id.to_string(), "by": shown.as_str()}),
                )
            })
        })
        .await?;
    let session = Session { proved_at: ctx.now, ..ctx.console_session()?.record.clone() };
    Ok((session, token))
}

// === impl Shown ===

impl Shown {
    /// Takes the code, where it is one: it works once.
    async fn take(&self, tx: &mut Tx, user: UserId) -> Result<(), Error> {
        match self {
            Self::Password => Ok(()),
            Self::Code(proof) if proof.take(tx, user).await? => Ok(()),
            Self::Code(_) => Err(wrong_code()),
        }
    }

    const fn as_str(&self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code(proof) => proof.as_str(),
        }
    }
}
