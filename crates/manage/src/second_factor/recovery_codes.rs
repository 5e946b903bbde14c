//! New recovery codes, in the place of those before.

use claviger_store::{Scope, second_factors};
use claviger_texts::Mail;

use super::record::{audited, draw_codes, mail, note, own_member, told};
use super::wire::RecoveryCodes;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mail;

/// Makes recovery codes for the person who calls; those before work no more.
pub async fn make_codes(manage: &Manage, ctx: &Ctx) -> Result<RecoveryCodes, Error> {
    let member = own_member(manage, ctx).await?;
    ctx.require_step_up()?;
    let user = member.user.id;
    let (shown, codes) = draw_codes(manage, user);
    let (name, at) = told(&member, ctx.now);
    let mail = mail(manage, ctx, &member, Mail::RecoveryCodesMade { name, at })?;
    let scope = Scope::Organization(member.organization);
    let work_ctx = ctx.clone();
    manage
        .write(ctx, scope, move |tx| {
            let (ctx, member, codes, mail) = (work_ctx.clone(), member.clone(), codes.clone(), mail.clone());
            Box::pin(async move {
                let before = audited(tx, user).await?;
                if !second_factors::put_codes(tx, user, &codes, ctx.now).await? {
                    return Err(Error::conflict("There is no second factor that they would stand in for."));
                }
                mail::put(tx, mail.as_ref()).await?;
                let after = audited(tx, user).await?;
                note(tx, &ctx, &member, "user.make_recovery_codes", Some(before), after);
                Ok(())
            })
        })
        .await?;
    Ok(shown)
}
