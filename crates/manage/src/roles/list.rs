//! Reads roles.

use claviger_domain::authority::Authority;
use claviger_store::{RecordSort, roles};
use serde::Deserialize;
use utoipa::IntoParams;

use super::record::{find, view};
use super::wire::{Recorded, RoleView};
use crate::Manage;
use crate::apis::search_text;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, page};
use crate::sort::SortBy;

/// Who may see roles.
const READERS: [Authority; 3] = [Authority::UsersRead, Authority::UsersManage, Authority::RolesManage];

/// Which roles.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListRoles {
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

/// The organization's roles.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &ListRoles) -> Result<Listed<RoleView>, Error> {
    let organization = ctx.organization_with_any(&READERS)?;
    let text = search_text(query.text.as_deref())?;
    let sort = RecordSort::from(query.sort);
    let (key, which) = (manage.keyring.fingerprint(), format!("{organization} {text:?} {sort:?}"));
    let names = ["roles", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let mut snapshot = manage.store.read().await?;
    let found = roles::list(&mut snapshot, organization, text.as_deref(), sort, &page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for role in &found.items {
        items.push(view(&mut snapshot, role).await?);
    }
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}

/// The role of this id or slug.
pub async fn get(manage: &Manage, ctx: &Ctx, name: &str) -> Result<Recorded, Error> {
    let organization = ctx.organization_with_any(&READERS)?;
    let mut snapshot = manage.store.read().await?;
    let role = find(&mut snapshot, organization, name).await?;
    Ok(Recorded { role: view(&mut snapshot, &role).await?, version: role.version })
}
