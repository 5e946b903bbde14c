//! Reads a chain.

use claviger_domain::Timestamp;
use claviger_domain::audit::Chain;
use claviger_domain::authority::Authority;
use claviger_domain::name::free_text;
use claviger_store::audit::{self, AuditFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::wire::{CheckpointView, EntryView};
use crate::Manage;
use crate::apis::search_text;
use crate::body::number;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, page};
use crate::sort::SortByTime;

/// The most characters of an id, a type or an action.
const WORD_LENGTH_MAX: usize = 100;

/// Which entries, in which order.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// `organization` (if not given), or the operator's `installation`.
    #[serde(default)]
    #[param(inline)]
    pub chain: Option<ChainName>,
    /// Those by the actor with this id, or of this type: `key`, `user`, `operator`, `system`.
    #[serde(default)]
    pub actor: Option<String>,
    /// Those of this action, such as `key.edit`; `key.*` stands for all that begin so.
    #[serde(default)]
    pub action: Option<String>,
    /// Those about the object with this id, or of this type, such as `api_set`.
    #[serde(default)]
    pub object: Option<String>,
    /// Those of this instant or later.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub after: Option<Timestamp>,
    /// Those before this instant.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    pub before: Option<Timestamp>,
    /// Those that have this in actor, action, object, address, request id or in what changed, whatever its case. A page may
    /// then have fewer rows than asked for, and a next page all the same.
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

/// Which chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChainName {
    /// The organization's.
    Organization,
    /// The installation's: organizations made and set as the default.
    Installation,
}

/// A page of a chain, and from where on there are entries.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedEntries {
    #[serde(flatten)]
    page: Listed<EntryView>,
    /// What was removed of the chain because it is not kept for ever; null where all is there.
    #[schema(required)]
    removed: Option<CheckpointView>,
}

/// A page of a chain.
pub async fn list(manage: &Manage, ctx: &Ctx, query: AuditQuery) -> Result<ListedEntries, Error> {
    let chain = chain(ctx, query.chain)?;
    let filter = filter(&query)?;
    let (ring, which) = (manage.keyring.fingerprint(), format!("{chain} {filter:?}"));
    let names = ["audit", which.as_str()];
    let page = page(ring, &names, query.limit, query.cursor.as_deref())?;
    let mut snapshot = manage.store.read().await?;
    let found = audit::list(&mut snapshot, chain, &filter, &page).await?;
    let removed = audit::checkpoint(&mut snapshot, chain).await?;
    let removed = removed.map(|checkpoint| CheckpointView::new(chain, checkpoint));
    Ok(ListedEntries { page: Listed::new(ring, &names, found, EntryView::from)?, removed })
}

/// The chain that is meant, if the caller may read it.
pub(super) fn chain(ctx: &Ctx, name: Option<ChainName>) -> Result<Chain, Error> {
    match name.unwrap_or(ChainName::Organization) {
        ChainName::Organization => Ok(Chain::Organization(ctx.organization_with(Authority::AuditRead)?)),
        ChainName::Installation => ctx.require(Authority::OrganizationsOperate).map(|()| Chain::Installation),
    }
}

pub(super) fn filter(query: &AuditQuery) -> Result<AuditFilter, Error> {
    let mut checks = Checks::default();
    let mut word = |field: &str, text: &Option<String>| {
        text.as_deref().map(|text| checks.take(field, free_text(text, WORD_LENGTH_MAX))).filter(|text| !text.is_empty())
    };
    let filter = AuditFilter {
        actor: word("actor", &query.actor),
        action: word("action", &query.action),
        object: word("object", &query.object),
        from: query.after,
        before: query.before,
        text: search_text(query.text.as_deref())?,
        up_to: None,
        ascending: query.sort == SortByTime::Oldest,
    };
    checks.finish()?;
    Ok(filter)
}
