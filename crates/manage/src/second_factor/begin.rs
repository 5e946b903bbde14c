//! Begins an enrolment: a secret for the person's app, which is not in force before a code of it was entered.

use claviger_domain::sealing::{SealedField, SealedPlace};
use claviger_domain::totp::TotpSecret;
use claviger_store::Scope;
use claviger_store::second_factors::{self, NewTotp};
use serde_json::json;

use super::record::{note, own_member};
use super::wire::NewSecondFactor;
use super::{ENROLMENT_LIFETIME, otpauth};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// Draws a secret for the person who calls, in the place of one that waits; what is in force stays so.
pub async fn begin(manage: &Manage, ctx: &Ctx) -> Result<NewSecondFactor, Error> {
    let member = own_member(manage, ctx).await?;
    // Whoever has a session alone would make its person's account their own.
    ctx.require_step_up()?;
    let secret = TotpSecret::draw(&*manage.random);
    let place = SealedPlace::of_person(member.user.id, SealedField::NewTotp);
    let sealed = manage.keyring.sealing().seal(&place, &secret.to_base32(), &*manage.random);
    let new = NewTotp { sealed, expires_at: ctx.now.saturating_add(ENROLMENT_LIFETIME) };
    let uri = otpauth::uri(&secret, member.user.email.as_str());
    let answer = NewSecondFactor {
        secret: secret.to_base32(),
        qr_svg: otpauth::picture(&uri)?,
        uri,
        expires_at: new.expires_at,
    };
    let scope = Scope::Organization(member.organization);
    let work_ctx = ctx.clone();
    manage
        .write(ctx, scope, move |tx| {
            let (ctx, member, new) = (work_ctx.clone(), member.clone(), new.clone());
            Box::pin(async move {
                second_factors::put_new(tx, member.user.id, &new).await?;
                let after = json!({"expires_at": new.expires_at});
                note(tx, &ctx, &member, "user.begin_second_factor", None, after);
                Ok(())
            })
        })
        .await?;
    Ok(answer)
}
