//! Puts a second factor in force: its person has shown that their app has the secret.

use std::sync::Arc;

use claviger_domain::digest::CredentialDigest;
use claviger_domain::member::Member;
use claviger_domain::recovery_code::EnteredCode;
use claviger_domain::sealing::{SealedField, SealedPlace};
use claviger_domain::totp::Step;
use claviger_domain::{Secret, UserId};
use claviger_store::outbox::Waiting;
use claviger_store::second_factors::{self, NewTotp, Totp};
use claviger_store::{Scope, Tx, passwords, sessions};
use claviger_texts::Mail;
use serde::Deserialize;
use utoipa::ToSchema;

use super::proof::open;
use super::record::{audited, draw_codes, mail, note, own_member, told};
use super::wire::RecoveryCodes;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mail;
use crate::sign_in::{Tried, session_try};

/// A code of the app that was given the new secret.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Confirm {
    /// The six digits.
    #[schema(value_type = String, max_length = 64, example = "123456")]
    pub code: Secret,
}

/// What is written where the code is right.
struct Draft {
    ctx: Ctx,
    member: Member,
    new: NewTotp,
    totp: Totp,
    codes: Vec<CredentialDigest>,
    tried: Tried,
    mail: Option<Waiting>,
}

/// Puts the secret that waits in force, in the place of the one before, and makes recovery codes. The person's other sessions
/// end: they began without it.
pub async fn confirm(manage: &Manage, ctx: &Ctx, request: Confirm) -> Result<RecoveryCodes, Error> {
    let member = own_member(manage, ctx).await?;
    let user = member.user.id;
    let new = second_factors::get_new(&mut *manage.store.read().await?, user).await?;
    let new = new.filter(|new| ctx.now < new.expires_at).ok_or_else(nothing_waits)?;
    // Whoever has a session without the app must not find the code by trying: the answer has recovery codes.
    let tried = session_try(manage, ctx).await?;
    let (sealed, last_step) = read(manage, user, &new, &request.code, ctx)?;
    let totp = Totp { sealed, last_step, confirmed_at: ctx.now, codes_made_at: ctx.now };
    let (shown, codes) = draw_codes(manage, user);
    let (name, at) = told(&member, ctx.now);
    let mail = mail(manage, ctx, &member, Mail::SecondFactorOn { name, at })?;
    let scope = Scope::Organization(member.organization);
    let draft = Arc::new(Draft { ctx: ctx.clone(), member, new, totp, codes, tried, mail });
    manage
        .write(ctx, scope, move |tx| {
            let draft = Arc::clone(&draft);
            Box::pin(async move { draft.write(tx).await })
        })
        .await?;
    Ok(shown)
}

fn nothing_waits() -> Error {
    Error::conflict("No second factor waits to be confirmed: it has expired, or none was begun.")
}

/// The secret as it is sealed when it is in force, and the step of the code that was entered, which is used by this.
fn read(manage: &Manage, user: UserId, new: &NewTotp, code: &Secret, ctx: &Ctx) -> Result<(Vec<u8>, Step), Error> {
    let secret = open(manage, user, SealedField::NewTotp, &new.sealed).ok_or_else(nothing_waits)?;
    let step = match EnteredCode::read(code) {
        EnteredCode::Totp(code) => secret.step_of(&code, ctx.now, Step::NONE),
        EnteredCode::Recovery(_) | EnteredCode::Neither => None,
    };
    let step = step.ok_or_else(|| Error::field("code", "this is no code of now; check the clock of your device"))?;
    let place = SealedPlace::of_person(user, SealedField::Totp);
    Ok((manage.keyring.sealing().seal(&place, &secret.to_base32(), &*manage.random), step))
}

// === impl Draft ===

impl Draft {
    async fn write(&self, tx: &mut Tx) -> Result<(), Error> {
        let user = self.member.user.id;
        let own = self.ctx.console_session()?.record.id;
        // A sign-in that has seen no second factor begins before this, and ends below, or after it, and is refused.
        passwords::get_locked(tx, user).await?;
        if !second_factors::take_new(tx, user, &self.new).await? {
            return Err(nothing_waits());
        }
        let before = audited(tx, user).await?;
        second_factors::put(tx, user, &self.totp).await?;
        second_factors::put_codes(tx, user, &self.codes, self.ctx.now).await?;
        let ended = sessions::end_others(tx, user, Some(own)).await?;
        self.tried.clear(tx).await?;
        mail::put(tx, self.mail.as_ref()).await?;
        let mut after = audited(tx, user).await?;
        after["sessions_ended"] = ended.into();
        note(tx, &self.ctx, &self.member, "user.set_second_factor", Some(before), after);
        Ok(())
    }
}
