//! A mail as its reader would see it.

use claviger_domain::authority::Authority;
use claviger_domain::organization::Organization;
use claviger_domain::{OrganizationId, Timestamp};
use claviger_store::organizations;
use claviger_texts::templates::{Template, TemplateKind, Values};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::edit::words;
use super::{Which, check, own_words};
use crate::Manage;
use crate::api_users::LINK_LIFETIME;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::mail::shown;

/// Where the mails of previews and tests lead: nowhere.
pub(super) const EXAMPLE_LINK: (&str, &str) = ("https://portal.example.com/", "example");

/// Words that are not saved; what is not there is as it is saved.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailTemplateDraft {
    /// One line.
    #[serde(default)]
    pub subject: Option<String>,
    /// Plain text.
    #[serde(default)]
    pub text: Option<String>,
    /// A document in HTML.
    #[serde(default)]
    pub html: Option<String>,
}

/// A mail with examples in the places of its placeholders.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewedMail {
    /// One line.
    #[schema(example = "Choose another password for Partner portal")]
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// A document in HTML.
    pub html: String,
}

/// The mail that a draft makes; nothing is sent or saved.
pub async fn preview(
    manage: &Manage,
    ctx: &Ctx,
    which: Which,
    draft: MailTemplateDraft,
) -> Result<PreviewedMail, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let (words, values) = drafted(manage, organization, which, draft, ctx.now).await?;
    let letter = words.fill(&values, &format!("{}{}", EXAMPLE_LINK.0, EXAMPLE_LINK.1));
    Ok(PreviewedMail { subject: letter.subject, text: letter.body, html: letter.html.unwrap_or_default() })
}

/// The words of a draft, without mistakes, and examples for what they tell of.
pub(super) async fn drafted(
    manage: &Manage,
    organization: OrganizationId,
    which: Which,
    draft: MailTemplateDraft,
    now: Timestamp,
) -> Result<(Template, Values), Error> {
    let mut snapshot = manage.store.read().await?;
    let saved = own_words(&mut snapshot, organization, which.kind, which.language).await?;
    let saved = saved.unwrap_or_else(|| which.default());
    let MailTemplateDraft { subject, text, html } = draft;
    let words = words(&subject.unwrap_or(saved.subject), &text.unwrap_or(saved.text), &html.unwrap_or(saved.html));
    check(which.kind, &words)?;
    let home = organizations::get(&mut snapshot, organization).await?;
    Ok((words, examples(which.kind, &home.ok_or_else(|| Error::not_found("organization"))?, now)))
}

fn examples(kind: TemplateKind, home: &Organization, now: Timestamp) -> Values {
    Values {
        user_name: "ann@example.com".to_owned(),
        application: "Partner portal".to_owned(),
        organization: home.name.to_string(),
        expires_at: shown(now.saturating_add(LINK_LIFETIME), &home.time_zone),
        record: if kind == TemplateKind::RecordLink { "Invoices/1042".to_owned() } else { String::new() },
    }
}
