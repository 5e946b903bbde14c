//! Sets which notices go to whom, by the rules of a merge: what is not named stays.

use claviger_domain::OrganizationId;
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_domain::email::Email;
use claviger_domain::notice::{ADDRESSES_MAX, Audience, NoticeKind, NoticeSettings};
use claviger_store::{Scope, Tx, notices};
use serde::Deserialize;
use utoipa::ToSchema;

use super::wire::NoticesView;
use crate::Manage;
use crate::body::{IfMatch, value};
use crate::changes::differing_fields;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::write::Changed;

/// What to change; what is not there stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditNotices {
    /// Who is told of what.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditKinds)]
    pub kinds: Option<EditKinds>,
    /// Addresses beside those of people: at most 20.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = Vec<String>, max_items = 20, example = json!(["ops@example.com"]))]
    pub addresses: Option<Vec<String>>,
}

/// Kinds of notices to change.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditKinds {
    /// A key ends in 30, 7 or 1 days, or today.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub expiry: Option<EditAudience>,
    /// A key goes idle in 14, 7 or 1 days, or has gone idle.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub idle: Option<EditAudience>,
    /// A key was made or imported.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub created: Option<EditAudience>,
    /// A key's secret was shown again.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub revealed: Option<EditAudience>,
    /// A key has a new secret.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub rotated: Option<EditAudience>,
    /// A key waits for approval.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub approval: Option<EditAudience>,
    /// A key that waited was approved or denied; its holder is also who asked.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub decided: Option<EditAudience>,
    /// A key was used from a network for the first time.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub new_address: Option<EditAudience>,
    /// A secret was used that had been rotated out.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub old_secret_used: Option<EditAudience>,
    /// A key was reported as leaked.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub leaked: Option<EditAudience>,
    /// A user was disabled or locked, or an application disabled.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = EditAudience)]
    pub owner_disabled: Option<EditAudience>,
}

/// Who is to be told.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditAudience {
    /// The person whose key it is.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub holder: Option<bool>,
    /// Those who have the role `admin`.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub administrators: Option<bool>,
    /// The addresses of the organization's choice.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = bool)]
    pub addresses: Option<bool>,
}

// === impl EditKinds ===

impl EditKinds {
    fn of(&self, kind: NoticeKind) -> Option<EditAudience> {
        match kind {
            NoticeKind::Expiry => self.expiry,
            NoticeKind::Idle => self.idle,
            NoticeKind::Created => self.created,
            NoticeKind::Revealed => self.revealed,
            NoticeKind::Rotated => self.rotated,
            NoticeKind::Approval => self.approval,
            NoticeKind::Decided => self.decided,
            NoticeKind::NewAddress => self.new_address,
            NoticeKind::OldSecretUsed => self.old_secret_used,
            NoticeKind::Leaked => self.leaked,
            NoticeKind::OwnerDisabled => self.owner_disabled,
        }
    }
}

/// Sets which notices of the caller's organization go to whom.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    if_match: IfMatch,
    request: EditNotices,
) -> Result<Changed<NoticeSettings>, Error> {
    let organization = ctx.organization_with(Authority::PolicyManage)?;
    ctx.require_step_up()?;
    let addresses = request.addresses.as_deref().map(addresses).transpose()?;
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(organization), move |tx| {
            let (ctx, if_match, request, addresses) =
                (work_ctx.clone(), if_match.clone(), request.clone(), addresses.clone());
            Box::pin(async move {
                let before = notices::settings(tx, organization).await?;
                if_match.check(before.version)?;
                let after = merged(&before, &request, addresses);
                save(tx, &ctx, organization, &before, after).await
            })
        })
        .await
}

/// Writes what changed; nothing if nothing did.
async fn save(
    tx: &mut Tx,
    ctx: &Ctx,
    organization: OrganizationId,
    before: &NoticeSettings,
    mut after: NoticeSettings,
) -> Result<NoticeSettings, Error> {
    let audited = |settings| Some(NoticesView::from(settings).audited());
    let (old, new) = (audited(before), audited(&after));
    if old == new {
        return Ok(before.clone());
    }
    after.version += 1;
    after.updated_at = Some(ctx.now);
    notices::save_settings(tx, organization, &after).await?;
    let (old, new) = differing_fields(old, new);
    let subject = Subject { kind: "notices".to_owned(), id: organization.to_string(), name: None };
    tx.audit(Chain::Organization(organization), ctx.entry("notices.edit", subject, old, new));
    Ok(after)
}

fn merged(before: &NoticeSettings, request: &EditNotices, addresses: Option<Vec<Email>>) -> NoticeSettings {
    let mut after = before.clone();
    after.addresses = addresses.unwrap_or(after.addresses);
    let Some(kinds) = &request.kinds else { return after };
    for kind in NoticeKind::ALL {
        let Some(edit) = kinds.of(kind) else { continue };
        let Audience { holder, administrators, addresses } = after.audience(kind);
        let audience = Audience {
            holder: edit.holder.unwrap_or(holder),
            administrators: edit.administrators.unwrap_or(administrators),
            addresses: edit.addresses.unwrap_or(addresses),
        };
        after.kinds.insert(kind, audience);
    }
    after
}

/// The addresses, each once, with what is wrong named by its place.
fn addresses(given: &[String]) -> Result<Vec<Email>, Error> {
    let mut checks = Checks::default();
    checks.ensure("addresses", given.len() <= ADDRESSES_MAX, format!("expected at most {ADDRESSES_MAX}"));
    let mut read: Vec<Email> = Vec::new();
    for (place, text) in given.iter().take(ADDRESSES_MAX).enumerate() {
        let field = format!("addresses[{place}]");
        match text.parse::<Email>() {
            Ok(email) if read.iter().any(|known| known.search_form() == email.search_form()) => {
                checks.refuse(field, "is there twice");
            }
            Ok(email) => read.push(email),
            Err(error) => checks.refuse(field, error),
        }
    }
    checks.finish()?;
    Ok(read)
}
