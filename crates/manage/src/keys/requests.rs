//! The diagnostic log: refused requests, with the check that failed.

use claviger_domain::authority::Authority;
use claviger_domain::usage::Refusal;
use claviger_domain::{KeyId, Timestamp};
use claviger_store::{keys, refusals};
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{self, Need};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, PageQuery};

/// A refused request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RefusalView {
    #[schema(value_type = String)]
    at: Timestamp,
    /// The key, where one is known: also of a value that has ended.
    #[schema(required)]
    key: Option<String>,
    door: &'static str,
    /// What the caller was told; in report-only mode what it would have been told.
    code: &'static str,
    /// Which check failed.
    check: String,
    #[schema(required)]
    ip: Option<String>,
    #[schema(required)]
    agent: Option<String>,
    #[schema(required)]
    method: Option<String>,
    /// Without its query.
    #[schema(required)]
    path: Option<String>,
    #[schema(required)]
    api: Option<String>,
    #[schema(required)]
    operation: Option<String>,
    request_id: String,
    /// Whether it passed all the same, because its API is in report-only mode.
    report_only: bool,
}

/// The last refusals of a key, or with `None` of the organization without a key; the newest first. A deleted key's
/// log stays readable: it shows who goes on using it.
pub async fn requests(
    manage: &Manage,
    ctx: &Ctx,
    key: Option<KeyId>,
    query: &PageQuery,
) -> Result<Listed<RefusalView>, Error> {
    let organization = match key {
        Some(_) => access::organization(ctx, Need::See)?,
        None => ctx.organization_with(Authority::KeysRead)?,
    };
    let (tenant, subject) = (organization.to_string(), key.map(|key| key.to_string()).unwrap_or_default());
    let (ring, names) = (manage.keyring.fingerprint(), ["requests", tenant.as_str(), subject.as_str()]);
    let page = query.page(ring, &names)?;
    let mut snapshot = manage.store.read().await?;
    if let Some(id) = key {
        let found = keys::get(&mut snapshot, organization, id).await?.ok_or_else(|| Error::not_found("key"))?;
        access::check(ctx, &found, Need::See, false)?;
    }
    let found = refusals::page(&mut snapshot, organization, key, &page).await?;
    Listed::new(ring, &names, found, RefusalView::from)
}

// === impl RefusalView ===

impl From<Refusal> for RefusalView {
    fn from(refusal: Refusal) -> Self {
        Self {
            at: refusal.at,
            key: refusal.key.map(|key| key.to_string()),
            door: refusal.door.as_str(),
            code: refusal.code.as_str(),
            check: refusal.check,
            ip: refusal.ip.map(|ip| ip.to_string()),
            agent: refusal.agent,
            method: refusal.method,
            path: refusal.path,
            api: refusal.api,
            operation: refusal.operation,
            request_id: refusal.request_id.to_string(),
            report_only: refusal.passed,
        }
    }
}
