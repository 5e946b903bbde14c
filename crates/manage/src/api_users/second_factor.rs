//! One-time codes of API users. A secret is accepted only if it was issued to this session of late.

use std::sync::Arc;

use claviger_domain::Secret;
use claviger_domain::api_user::{ApiUser, SignInMethod};
use claviger_domain::audit::Chain;
use claviger_domain::authority::Authority;
use claviger_domain::recovery_code::EnteredCode;
use claviger_domain::sealing::{SealedField, SealedPlace};
use claviger_domain::totp::{Step, TotpSecret};
use claviger_store::api_sessions::NewTotp;
use claviger_store::api_user_secrets::{self, ApiUserTotp};
use claviger_store::{Scope, api_sessions, api_user_codes};
use serde_json::json;

use super::SecondFactorPolicy;
use super::proof::draw_recovery_codes;
use super::record::{Session, find, note_done};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::second_factor::ENROLMENT_LIFETIME;
use crate::sign_in::{Origin as From_, attempt_counter, begin_attempt};
use crate::write::Changed;

/// Opens the secret of a user; `None`, and a line in the log, where it is not theirs.
pub(super) fn open(manage: &Manage, user: &ApiUser, field: SealedField, sealed: &[u8]) -> Option<TotpSecret> {
    let place = SealedPlace::of_api_user(user.organization, user.id, field);
    let opened = manage.keyring.sealing().open(&place, sealed);
    let secret = opened.ok().and_then(|text| TotpSecret::from_base32(&text).ok());
    if secret.is_none() {
        tracing::error!(user = %user.id, "the secret of one-time codes does not open: the database was changed by somebody else");
    }
    secret
}

/// Whether a session's user has codes; an error where its sign-in asks for none.
pub async fn has_codes(manage: &Manage, session: &Session) -> Result<bool, Error> {
    let mut snapshot = manage.store.read().await?;
    let (_, user) = session.confirm(&mut snapshot).await?;
    check_asked(&user)?;
    Ok(api_user_secrets::totp(&mut snapshot, user.id).await?.is_some())
}

fn check_asked(user: &ApiUser) -> Result<(), Error> {
    match user.sign_in_method {
        SignInMethod::PasswordAndCode => Ok(()),
        SignInMethod::Password => Err(Error::conflict("Two-factor authentication is not enabled for this user.")),
    }
}

/// A secret for the app of a session's user, which can be confirmed in this session for ten minutes.
pub async fn draw_codes(manage: &Manage, session: &Session) -> Result<Secret, Error> {
    let secret = TotpSecret::draw(&*manage.random);
    let place = SealedPlace::of_api_user(session.organization, session.user, SealedField::NewApiUserTotp);
    let sealed = manage.keyring.sealing().seal(&place, &secret.to_base32(), &*manage.random);
    let new = NewTotp { sealed, until: session.now.saturating_add(ENROLMENT_LIFETIME) };
    let all = Arc::new((session.clone(), new));
    manage
        .store
        .write(Scope::Organization(session.organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (session, new) = &*all;
                let (_, user) = session.confirm(tx).await?;
                check_asked(&user)?;
                api_sessions::put_new_totp(tx, session.id, new).await?;
                Ok::<_, Error>(())
            })
        })
        .await?;
    Ok(secret.to_base32())
}

/// Puts the secret that was shown in this session in force and answers recovery codes, once; `None` where secret or code are
/// wrong.
pub async fn confirm_codes(
    manage: &Manage,
    session: &Session,
    secret: &Secret,
    code: &Secret,
) -> Result<Option<Vec<Secret>>, Error> {
    let mut snapshot = manage.store.read().await?;
    let (_, user) = session.confirm(&mut snapshot).await?;
    check_asked(&user)?;
    if api_user_secrets::totp(&mut snapshot, user.id).await?.is_some() {
        return Err(Error::unauthenticated("A secret has been set up already."));
    }
    let new = api_sessions::new_totp(&mut snapshot, session.id).await?.filter(|new| session.now < new.until);
    drop(snapshot);
    let bytes = session.id.as_raw().to_be_bytes();
    let counter = attempt_counter(manage, &user.id.as_raw().to_be_bytes(), From_::Known(&bytes));
    let tried = begin_attempt(manage, &[&counter], session.now).await?;
    let Some(step) = new.as_ref().and_then(|new| step_of(manage, session, &user, new, secret, code)) else {
        return Ok(None);
    };
    let place = SealedPlace::of_api_user(user.organization, user.id, SealedField::ApiUserTotp);
    let sealed = manage.keyring.sealing().seal(&place, secret, &*manage.random);
    let totp = ApiUserTotp { sealed, last_step: step, confirmed_at: session.now };
    let (shown, digests) = draw_recovery_codes(manage, user.id);
    let all = Arc::new((session.clone(), totp, digests, tried));
    let committed = manage
        .store
        .write(Scope::Organization(session.organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (session, totp, digests, tried) = &*all;
                let (_, user) = session.confirm(tx).await?;
                if !api_user_secrets::put_totp(tx, user.id, totp).await? {
                    return Err(Error::unauthenticated("A secret has been set up already."));
                }
                api_user_codes::put(tx, user.id, digests).await?;
                let none = NewTotp { sealed: Vec::new(), until: session.now };
                api_sessions::put_new_totp(tx, session.id, &none).await?;
                api_sessions::complete(tx, session.organization, session.id).await?;
                // They began without it.
                let ended = api_sessions::end_of_user(tx, user.id, Some(session.id)).await?;
                api_user_secrets::note(tx, user.id, &session.event("codes_set_up")).await?;
                tried.clear(tx).await?;
                let after = Some(json!({"sessions_ended": ended}));
                let entry = session.entry("api_user.set_second_factor", &user, after);
                tx.audit(Chain::Organization(user.organization), entry);
                Ok::<_, Error>(())
            })
        })
        .await?;
    manage.in_force(committed).await?;
    Ok(Some(shown))
}

/// The step of the code, if the secret is the one that was shown.
fn step_of(
    manage: &Manage,
    session: &Session,
    user: &ApiUser,
    new: &NewTotp,
    secret: &Secret,
    code: &Secret,
) -> Option<Step> {
    let shown = open(manage, user, SealedField::NewApiUserTotp, &new.sealed)?;
    let entered = TotpSecret::from_base32(secret).ok()?;
    let is_shown: bool =
        subtle::ConstantTimeEq::ct_eq(shown.to_base32().expose().as_bytes(), entered.to_base32().expose().as_bytes())
            .into();
    match EnteredCode::read(code) {
        EnteredCode::Totp(code) if is_shown => shown.step_of(&code, session.now, Step::NONE),
        _ => None,
    }
}

/// Ends the codes of a session's user; refused where they are obligatory.
pub async fn remove_codes(manage: &Manage, session: &Session) -> Result<bool, Error> {
    let obligatory = manage.config.api_users.second_factor == SecondFactorPolicy::Obligatory;
    let session = Arc::new(session.clone());
    let committed = manage
        .store
        .write(Scope::Organization(session.organization), move |tx| {
            let session = Arc::clone(&session);
            Box::pin(async move {
                let (_, user) = session.confirm(tx).await?;
                check_asked(&user)?;
                if obligatory {
                    return Err(Error::forbidden("One-time codes are obligatory here: an administrator can end them."));
                }
                let removed = api_user_secrets::remove_totp(tx, user.id).await?;
                if removed {
                    api_user_secrets::note(tx, user.id, &session.event("codes_ended")).await?;
                    let entry = session.entry("api_user.remove_second_factor", &user, None);
                    tx.audit(Chain::Organization(user.organization), entry);
                }
                Ok::<_, Error>(removed)
            })
        })
        .await?;
    Ok(committed.value)
}

/// Ends the codes of the user of this id, and its sessions; nothing changes where there are none.
pub async fn reset_second_factor(manage: &Manage, ctx: &Ctx, id: String) -> Result<Changed<()>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    ctx.require_step_up()?;
    let all = Arc::new((ctx.clone(), id));
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let all = Arc::clone(&all);
            Box::pin(async move {
                let (ctx, id) = &*all;
                let user = find(tx, organization, id).await?;
                if api_user_secrets::remove_totp(tx, user.id).await? {
                    let ended = api_sessions::end_of_user(tx, user.id, None).await?;
                    let after = Some(json!({"sessions_ended": ended}));
                    note_done(tx, ctx, "api_user.reset_second_factor", &user, after);
                }
                Ok(())
            })
        })
        .await
}
