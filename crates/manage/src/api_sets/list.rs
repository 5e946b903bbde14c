//! Reads sets.

use claviger_domain::api_set::ApiSetKind;
use claviger_domain::authority::Authority;
use claviger_store::api_sets::{self, ApiSetFilter};
use serde::Deserialize;
use utoipa::IntoParams;

use super::record::{find, view, views};
use super::wire::{ApiSetView, Recorded};
use crate::Manage;
use crate::apis::search_text;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::page::{Listed, page};
use crate::rights::find_api;

/// Which sets.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApiSets {
    /// Those that hold this API, or operations of it; by slug or id.
    pub api: Option<String>,
    /// Those of this kind: `plain`, `full`, `general` or `built_in`.
    #[param(value_type = Option<String>)]
    pub kind: Option<ApiSetKind>,
    /// Those that have this in their name or slug.
    pub text: Option<String>,
    /// How many at most; 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u32>,
    /// The page after the one whose `next_cursor` this was.
    pub cursor: Option<String>,
}

/// The organization's sets, by slug.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &ListApiSets) -> Result<Listed<ApiSetView>, Error> {
    let organization = ctx.organization_with(Authority::ApisRead)?;
    let mut snapshot = manage.store.read().await?;
    let api = match &query.api {
        Some(name) => {
            let unknown = || Error::names_unknown(vec![FieldError::new("api", "there is none by this name")]);
            Some(find_api(&mut snapshot, organization, name).await?.ok_or_else(unknown)?.id)
        }
        None => None,
    };
    let filter = ApiSetFilter { api, kind: query.kind, text: search_text(query.text.as_deref())? };
    let (key, which) = (manage.keyring.fingerprint(), format!("{organization} {filter:?}"));
    let names = ["api-sets", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let found = api_sets::list(&mut snapshot, organization, &filter, &page).await?;
    let items = views(&mut snapshot, &found.items).await?;
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}

/// The set of this id or slug.
pub async fn get(manage: &Manage, ctx: &Ctx, name: &str) -> Result<Recorded, Error> {
    let organization = ctx.organization_with(Authority::ApisRead)?;
    let mut snapshot = manage.store.read().await?;
    let set = find(&mut snapshot, organization, name).await?;
    Ok(Recorded { set: view(&mut snapshot, &set).await?, version: set.version })
}
