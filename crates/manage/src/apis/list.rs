//! Reads APIs and their operations.

use claviger_domain::authority::Authority;
use claviger_domain::name::free_text;
use claviger_store::{apis, operations};
use serde::Deserialize;
use utoipa::IntoParams;

use super::record::{find, view_to};
use super::wire::{ApiView, OperationView, Recorded};
use crate::Manage;
use crate::body::{flag, number};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, page};
use crate::shared::label;

/// The most characters of a search.
pub const SEARCH_LENGTH_MAX: usize = 200;

/// Which operations.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOperations {
    /// Those that have this in name, method, path or summary.
    pub text: Option<String>,
    /// How many at most; 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u32>,
    /// The page after the one whose `next_cursor` this was.
    pub cursor: Option<String>,
}

/// Which APIs.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApis {
    /// `true`: in place of one's own those that other organizations share with it.
    #[serde(default, deserialize_with = "flag")]
    pub shared: bool,
    /// How many at most; 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u32>,
    /// The page after the one whose `next_cursor` this was.
    pub cursor: Option<String>,
}

/// The organization's APIs, by slug, the built-in one among them; or those that others share with it, by id.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &ListApis) -> Result<Listed<ApiView>, Error> {
    let organization = ctx.organization_with(Authority::ApisRead)?;
    let (key, scope) = (manage.keyring.fingerprint(), organization.to_string());
    let names = [if query.shared { "shared-apis" } else { "apis" }, scope.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let mut snapshot = manage.store.read().await?;
    let found = if query.shared {
        apis::list_shared(&mut snapshot, organization, &page).await?
    } else {
        apis::list(&mut snapshot, organization, &page).await?
    };
    let mut items = Vec::with_capacity(found.items.len());
    for api in &found.items {
        items.push(view_to(&mut snapshot, organization, api).await?);
    }
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}

/// The API of this id or slug.
pub async fn get(manage: &Manage, ctx: &Ctx, name: &str) -> Result<Recorded, Error> {
    let organization = ctx.organization_with(Authority::ApisRead)?;
    let mut snapshot = manage.store.read().await?;
    let api = find(&mut snapshot, organization, name).await?;
    Ok(Recorded { api: view_to(&mut snapshot, organization, &api).await?, version: api.version })
}

/// The operations of the API of this id or slug, in document order.
pub async fn list_operations(
    manage: &Manage,
    ctx: &Ctx,
    name: &str,
    query: &ListOperations,
) -> Result<Listed<OperationView>, Error> {
    let organization = ctx.organization_with(Authority::ApisRead)?;
    let text = search_text(query.text.as_deref())?;
    let mut snapshot = manage.store.read().await?;
    let api = find(&mut snapshot, organization, name).await?;
    let label = label(&api, organization);
    let (key, scope) = (manage.keyring.fingerprint(), api.id.to_string());
    let names = ["operations", scope.as_str(), text.as_deref().unwrap_or_default()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let found = operations::list(&mut snapshot, api.id, text.as_deref(), &page).await?;
    Listed::new(key, &names, found, |operation| OperationView::new(&label, &operation))
}

/// What is searched for; nothing where the text is empty.
pub(crate) fn search_text(text: Option<&str>) -> Result<Option<String>, Error> {
    let text =
        free_text(text.unwrap_or_default(), SEARCH_LENGTH_MAX).map_err(|problem| Error::field("text", problem))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}
