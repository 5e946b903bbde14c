//! Reads types of applications.

use claviger_domain::authority::Authority;
use claviger_store::{RecordSort, application_types};
use serde::Deserialize;
use utoipa::IntoParams;

use super::record::{find, view};
use super::wire::{ApplicationTypeView, Recorded};
use crate::Manage;
use crate::apis::search_text;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, page};
use crate::sort::SortBy;

/// Which types.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApplicationTypes {
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

/// The organization's types.
pub async fn list(
    manage: &Manage,
    ctx: &Ctx,
    query: &ListApplicationTypes,
) -> Result<Listed<ApplicationTypeView>, Error> {
    let organization = ctx.organization_with(Authority::KeysRead)?;
    let text = search_text(query.text.as_deref())?;
    let sort = RecordSort::from(query.sort);
    let (key, which) = (manage.keyring.fingerprint(), format!("{organization} {text:?} {sort:?}"));
    let names = ["application-types", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let mut snapshot = manage.store.read().await?;
    let found = application_types::list(&mut snapshot, organization, text.as_deref(), sort, &page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for kind in &found.items {
        items.push(view(&mut snapshot, kind).await?);
    }
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}

/// The type of this id or slug.
pub async fn get(manage: &Manage, ctx: &Ctx, name: &str) -> Result<Recorded, Error> {
    let organization = ctx.organization_with(Authority::KeysRead)?;
    let mut snapshot = manage.store.read().await?;
    let kind = find(&mut snapshot, organization, name).await?;
    Ok(Recorded { kind: view(&mut snapshot, &kind).await?, version: kind.version })
}
