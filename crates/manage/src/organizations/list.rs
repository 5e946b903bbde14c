//! Lists the organizations: the operator's.

use claviger_domain::authority::Authority;
use claviger_store::organizations::{self, OrganizationFilter};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::OrganizationView;
use crate::Manage;
use crate::apis::search_text;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, page};
use crate::sort::SortBy;

/// Which organizations.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOrganizations {
    /// Those that have this in their name or slug, whatever its case.
    pub text: Option<String>,
    /// In which order; by slug if not given.
    #[serde(default)]
    #[param(inline)]
    pub sort: SortBy,
    /// How many at most; 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The page after the one whose `next_cursor` this was.
    pub cursor: Option<String>,
}

/// A page of all organizations.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &ListOrganizations) -> Result<Listed<OrganizationView>, Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    let filter = OrganizationFilter { text: search_text(query.text.as_deref())?, sort: query.sort.into() };
    let (ring, which) = (manage.keyring.fingerprint(), format!("{filter:?}"));
    let names = ["organizations", which.as_str()];
    let page = page(ring, &names, query.limit, query.cursor.as_deref())?;
    let mut snapshot = manage.store.read().await?;
    let found = organizations::some(&mut snapshot, &filter, &page).await?;
    Listed::new(ring, &names, found, |organization| OrganizationView::from(&organization).row())
}
