//! Ends one's own second factor.

use claviger_store::{Scope, second_factors};
use claviger_texts::Mail;

use super::record::{audited, mail, note, own_member, told};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mail;

/// Ends the second factor of the person who calls, with its recovery codes.
pub async fn remove(manage: &Manage, ctx: &Ctx) -> Result<(), Error> {
    let member = own_member(manage, ctx).await?;
    ctx.require_step_up()?;
    let user = member.user.id;
    let (name, at) = told(&member, ctx.now);
    let mail = mail(manage, ctx, &member, Mail::SecondFactorOff { name, at })?;
    let scope = Scope::Organization(member.organization);
    let work_ctx = ctx.clone();
    manage
        .write(ctx, scope, move |tx| {
            let (ctx, member, mail) = (work_ctx.clone(), member.clone(), mail.clone());
            Box::pin(async move {
                let before = audited(tx, user).await?;
                if !second_factors::remove(tx, user).await? {
                    return Err(Error::not_found("second factor"));
                }
                mail::put(tx, mail.as_ref()).await?;
                let after = audited(tx, user).await?;
                note(tx, &ctx, &member, "user.remove_second_factor", Some(before), after);
                Ok(())
            })
        })
        .await?;
    Ok(())
}
