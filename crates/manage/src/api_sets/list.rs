//! Reads sets.

use claviger_domain::OrganizationId;
use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::authority::Authority;
use claviger_engine::LimitsOf;
use claviger_store::Conn;
use claviger_store::api_sets::{self, ApiSetFilter};
use serde::Deserialize;
use utoipa::IntoParams;

use super::record::{find, view_to, views};
use super::wire::{ApiSetView, Recorded};
use crate::Manage;
use crate::apis::search_text;
use crate::body::{flag, number};
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::limits::{LimitsUsed, used};
use crate::page::{Listed, page};
use crate::shared::{find_usable_api, is_lent};
use crate::sort::SortBy;

/// Which sets.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApiSets {
    /// Those that hold this API, or operations of it; by slug or id.
    pub api: Option<String>,
    /// `true`: in place of one's own sets those that the organization of `api` shares with it.
    #[serde(default, deserialize_with = "flag")]
    pub shared: bool,
    /// Those of this kind: `plain`, `full`, `general` or `built_in`.
    #[param(value_type = Option<String>)]
    pub kind: Option<ApiSetKind>,
    /// Those that have this in their name or slug, whatever its case.
    pub text: Option<String>,
    /// In which order; by slug if not given.
    #[serde(default)]
    #[param(inline)]
    pub sort: SortBy,
    /// How many at most; 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u32>,
    /// The page after the one whose `next_cursor` this was.
    pub cursor: Option<String>,
}

/// The organization's sets.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &ListApiSets) -> Result<Listed<ApiSetView>, Error> {
    let organization = ctx.organization_with_any(&[Authority::ApisRead, Authority::KeysManageOwn])?;
    let mut snapshot = manage.store.read().await?;
    let api = match &query.api {
        Some(name) => {
            let unknown = || Error::names_unknown(vec![FieldError::new("api", "there is none by this name")]);
            Some(find_usable_api(&mut snapshot, organization, name).await?.ok_or_else(unknown)?)
        }
        None if query.shared => return Err(Error::field("api", "is required with `shared`")),
        None => None,
    };
    let owner = api.as_ref().filter(|_| query.shared).map_or(organization, |api| api.organization);
    let filter = ApiSetFilter {
        api: api.map(|api| api.id),
        kind: query.kind,
        text: search_text(query.text.as_deref())?,
        sort: query.sort.into(),
    };
    let (key, which) = (manage.keyring.fingerprint(), format!("{organization} {owner} {filter:?}"));
    let names = ["api-sets", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let mut found = api_sets::list(&mut snapshot, owner, &filter, &page).await?;
    if owner != organization {
        found.items = only_lent(&mut snapshot, organization, found.items).await?;
    }
    let items = views(&mut snapshot, organization, &found.items).await?;
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}

/// The set of this id or slug.
pub async fn get(manage: &Manage, ctx: &Ctx, name: &str) -> Result<Recorded, Error> {
    let organization = ctx.organization_with_any(&[Authority::ApisRead, Authority::KeysManageOwn])?;
    let mut snapshot = manage.store.read().await?;
    let set = find(&mut snapshot, organization, name).await?;
    Ok(Recorded { set: view_to(&mut snapshot, organization, &set).await?, version: set.version })
}

/// What was taken of a set's limits.
pub async fn limits(manage: &Manage, ctx: &Ctx, name: &str) -> Result<LimitsUsed, Error> {
    let organization = ctx.organization_with_any(&[Authority::ApisRead, Authority::KeysManageOwn])?;
    let set = find(&mut *manage.store.read().await?, organization, name).await?;
    Ok(used(manage, LimitsOf::ApiSet(set.organization, set.id)).await)
}

/// Those of another organization's sets that are there for `user`. A page may have fewer then.
async fn only_lent(conn: &mut Conn, user: OrganizationId, sets: Vec<ApiSet>) -> Result<Vec<ApiSet>, Error> {
    let mut lent = Vec::with_capacity(sets.len());
    for set in sets {
        if is_lent(conn, &set, |with| with.includes(user)).await? {
            lent.push(set);
        }
    }
    Ok(lent)
}
