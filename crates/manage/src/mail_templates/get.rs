//! Reads mail templates.

use claviger_store::mail_templates;

use super::wire::{MailTemplateSummary, MailTemplateView};
use super::{DEFAULT_VERSION, READERS, Which};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::Listed;

/// All of the caller's organization: each kind of mail in each language.
pub async fn list(manage: &Manage, ctx: &Ctx) -> Result<Listed<MailTemplateSummary>, Error> {
    let organization = ctx.organization_with_any(&READERS)?;
    let mut snapshot = manage.store.read().await?;
    let stored = mail_templates::list(&mut snapshot, organization).await?;
    let view = |which: Which| {
        let is_it = |found: &&mail_templates::MailTemplate| {
            found.kind == which.kind.name() && found.language == which.language.tag()
        };
        MailTemplateSummary::new(which, stored.iter().find(is_it))
    };
    Ok(Listed { data: Which::all().map(view).collect(), next_cursor: None })
}

/// One of them, with its version.
pub async fn get(manage: &Manage, ctx: &Ctx, which: Which) -> Result<(MailTemplateView, i64), Error> {
    let organization = ctx.organization_with_any(&READERS)?;
    let mut snapshot = manage.store.read().await?;
    let stored = which.stored(&mut snapshot, organization).await?;
    let version = stored.as_ref().map_or(DEFAULT_VERSION, |stored| stored.version);
    Ok((MailTemplateView::new(which, stored.as_ref()), version))
}
