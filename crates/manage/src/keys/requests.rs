//! The diagnostic log: refused requests, with the check that failed.

use std::net::IpAddr;

use claviger_domain::authority::Authority;
use claviger_domain::name::Slug;
use claviger_domain::usage::Refusal;
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, Timestamp};
use claviger_store::keys;
use claviger_store::refusals::{self, RefusalFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::{self, Need};
use crate::Manage;
use crate::apis::search_text;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, page};
use crate::sort::SortByTime;

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

/// Which refused requests, in which order.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RefusalQuery {
    /// Those with this code, such as `EXPIRED`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub code: Option<Code>,
    /// Those from this address.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub ip: Option<IpAddr>,
    /// Those of the API with this slug.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub api: Option<Slug>,
    /// Those of this instant or later.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub after: Option<Timestamp>,
    /// Those before this instant.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub before: Option<Timestamp>,
    /// Those that have this in check, agent, method, path, operation or request id, whatever its case. A page may then
    /// have fewer rows than asked for, and a next page all the same.
    #[serde(default)]
    pub text: Option<String>,
    /// `-at` (the newest first, if not given) or `at`.
    #[serde(default)]
    #[param(inline)]
    pub sort: SortByTime,
    /// Rows of a page: 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// The last refusals of a key, or with `None` of the organization without a key; the newest first. A deleted key's
/// log stays readable: it shows who goes on using it.
pub async fn requests(
    manage: &Manage,
    ctx: &Ctx,
    key: Option<KeyId>,
    query: &RefusalQuery,
) -> Result<Listed<RefusalView>, Error> {
    let organization = match key {
        Some(_) => access::organization(ctx, Need::See)?,
        None => ctx.organization_with(Authority::KeysRead)?,
    };
    let (tenant, subject) = (organization.to_string(), key.map(|key| key.to_string()).unwrap_or_default());
    let filter = query.filter()?;
    let (ring, which) = (manage.keyring.fingerprint(), format!("{filter:?}"));
    let names = ["requests", tenant.as_str(), subject.as_str(), which.as_str()];
    let page = page(ring, &names, query.limit, query.cursor.as_deref())?;
    let mut snapshot = manage.store.read().await?;
    if let Some(id) = key {
        let found = keys::get(&mut snapshot, organization, id).await?.ok_or_else(|| Error::not_found("key"))?;
        access::check(ctx, &found, Need::See, false)?;
    }
    let found = refusals::page(&mut snapshot, organization, key, &filter, &page).await?;
    Listed::new(ring, &names, found, RefusalView::from)
}

// === impl RefusalQuery ===

impl RefusalQuery {
    /// What to look for, and in which order.
    pub(crate) fn filter(&self) -> Result<RefusalFilter, Error> {
        Ok(RefusalFilter {
            code: self.code,
            ip: self.ip.map(|ip| ip.to_canonical()),
            api: self.api.as_ref().map(Slug::to_string),
            from: self.after,
            before: self.before,
            text: search_text(self.text.as_deref())?,
            ascending: self.sort == SortByTime::Oldest,
        })
    }
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
