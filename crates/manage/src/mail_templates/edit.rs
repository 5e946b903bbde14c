//! Changes the words of a mail, and takes those of the catalogue again.

use claviger_domain::OrganizationId;
use claviger_domain::audit::Chain;
use claviger_domain::authority::Authority;
use claviger_store::mail_templates::{self, MailTemplate};
use claviger_store::{Scope, Tx};
use claviger_texts::templates::Template;
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::{MailTemplateView, audited};
use super::{DEFAULT_VERSION, Which, check, words_of};
use crate::Manage;
use crate::body::IfMatch;
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// The words of a mail. `{name}` stands for what each mail has of its own.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMailTemplate {
    /// One line of at most 200 characters, without `{link}`.
    #[schema(example = "Choose another password for {application}")]
    pub subject: String,
    /// Plain text of at most 10,000 characters, with `{link}`.
    pub text: String,
    /// A document in HTML of at most 20,000 characters, with `{link}`. Values are escaped in it; within tags only `{link}` may stand.
    pub html: String,
}

/// Gives a mail these words; those of the catalogue are no words of one's own.
pub async fn set(
    manage: &Manage,
    ctx: &Ctx,
    which: Which,
    if_match: IfMatch,
    request: SetMailTemplate,
) -> Result<Changed<(MailTemplateView, i64)>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    ctx.require_step_up()?;
    let words = words(&request.subject, &request.text, &request.html);
    check(which.kind, &words)?;
    change(manage, ctx, organization, which, if_match, words).await
}

/// Has a mail say again what the catalogue says.
pub async fn restore(
    manage: &Manage,
    ctx: &Ctx,
    which: Which,
    if_match: IfMatch,
) -> Result<Changed<(MailTemplateView, i64)>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    ctx.require_step_up()?;
    change(manage, ctx, organization, which, if_match, which.default()).await
}

/// Words as they are stored: lines end as forms of browsers do not end them.
pub(super) fn words(subject: &str, text: &str, html: &str) -> Template {
    let lines = |text: &str| text.replace("\r\n", "\n");
    Template { subject: subject.trim().to_owned(), text: lines(text), html: lines(html) }
}

async fn change(
    manage: &Manage,
    ctx: &Ctx,
    organization: OrganizationId,
    which: Which,
    if_match: IfMatch,
    words: Template,
) -> Result<Changed<(MailTemplateView, i64)>, Error> {
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, if_match, words) = (work_ctx.clone(), if_match.clone(), words.clone());
            Box::pin(async move {
                let before = which.stored(tx, organization).await?;
                if_match.check(before.as_ref().map_or(DEFAULT_VERSION, |before| before.version))?;
                save(tx, &ctx, organization, which, before, words).await
            })
        })
        .await
}

/// Writes what changed; nothing if nothing did.
async fn save(
    tx: &mut Tx,
    ctx: &Ctx,
    organization: OrganizationId,
    which: Which,
    before: Option<MailTemplate>,
    words: Template,
) -> Result<(MailTemplateView, i64), Error> {
    let version = before.as_ref().map_or(DEFAULT_VERSION, |before| before.version);
    let words_before = before.as_ref().map_or_else(|| which.default(), words_of);
    if words == words_before {
        return Ok((MailTemplateView::new(which, before.as_ref()), version));
    }
    let is_default = words == which.default();
    let action = if is_default { "mail_template.restore" } else { "mail_template.edit" };
    let (old, new) = differing_fields(Some(audited(&words_before)), Some(audited(&words)));
    tx.audit(Chain::Organization(organization), ctx.entry(action, which.subject(), old, new));
    if is_default {
        mail_templates::delete(tx, organization, which.kind.name(), which.language.tag()).await?;
        return Ok((MailTemplateView::new(which, None), DEFAULT_VERSION));
    }
    let after = MailTemplate {
        kind: which.kind.name().to_owned(),
        language: which.language.tag().to_owned(),
        subject: words.subject,
        text: words.text,
        html: words.html,
        updated_by: ctx.actor.clone(),
        updated_at: ctx.now,
        version: ctx.now.as_micros().max(version + 1),
    };
    mail_templates::save(tx, organization, &after).await?;
    Ok((MailTemplateView::new(which, Some(&after)), after.version))
}
