//! Reads APIs and their operations.

use claviger_domain::authority::Authority;
use claviger_domain::name::free_text;
use claviger_store::apis::{self, ApiFilter};
use claviger_store::operations::{self, OperationFilter, OperationSort};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::record::{find, view_to};
use super::wire::{ApiView, OperationView, Recorded};
use crate::Manage;
use crate::body::{flag, number};
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, page};
use crate::shared::label;
use crate::sort::SortBy;

/// The most characters of a search.
pub const SEARCH_LENGTH_MAX: usize = 200;

/// Which operations.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListOperations {
    /// Those that have this in name, method, path or summary, whatever its case.
    pub text: Option<String>,
    /// Those of this method, such as `GET`.
    pub method: Option<String>,
    /// In which order: that of the document if not given.
    #[serde(default)]
    #[param(inline)]
    pub sort: SortOperations,
    /// How many at most; 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u32>,
    /// The page after the one whose `next_cursor` this was.
    pub cursor: Option<String>,
}

/// The order of operations; `-` = descending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum SortOperations {
    /// That of the document.
    #[default]
    #[serde(rename = "position")]
    Document,
    /// That of the document, from the end.
    #[serde(rename = "-position")]
    DocumentDescending,
    /// By name.
    #[serde(rename = "name")]
    Name,
    /// By name, from the end.
    #[serde(rename = "-name")]
    NameDescending,
}

/// Which APIs.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApis {
    /// `true`: in place of one's own those that other organizations share with it.
    #[serde(default, deserialize_with = "flag")]
    pub shared: bool,
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

/// The organization's APIs, the built-in one among them; or those that others share with it.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &ListApis) -> Result<Listed<ApiView>, Error> {
    let organization = ctx.organization_with_any(&[Authority::ApisRead, Authority::KeysManageOwn])?;
    let filter = ApiFilter { text: search_text(query.text.as_deref())?, sort: query.sort.into() };
    let (key, which) = (manage.keyring.fingerprint(), format!("{organization} {} {filter:?}", query.shared));
    let names = ["apis", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let mut snapshot = manage.store.read().await?;
    let found = if query.shared {
        apis::list_shared(&mut snapshot, organization, &filter, &page).await?
    } else {
        apis::list(&mut snapshot, organization, &filter, &page).await?
    };
    let ids: Vec<_> = found.items.iter().map(|api| api.id).collect();
    let counts = operations::counts(&mut snapshot, &ids).await?;
    Listed::new(key, &names, found, |api| {
        let view = ApiView::new(&api, counts.get(&api.id).copied().unwrap_or_default());
        if api.organization == organization { view } else { view.for_guests() }
    })
}

/// The API of this id or slug.
pub async fn get(manage: &Manage, ctx: &Ctx, name: &str) -> Result<Recorded, Error> {
    let organization = ctx.organization_with_any(&[Authority::ApisRead, Authority::KeysManageOwn])?;
    let mut snapshot = manage.store.read().await?;
    let api = find(&mut snapshot, organization, name).await?;
    Ok(Recorded { api: view_to(&mut snapshot, organization, &api).await?, version: api.version })
}

/// The operations of the API of this id or slug.
pub async fn list_operations(
    manage: &Manage,
    ctx: &Ctx,
    name: &str,
    query: &ListOperations,
) -> Result<Listed<OperationView>, Error> {
    let organization = ctx.organization_with_any(&[Authority::ApisRead, Authority::KeysManageOwn])?;
    let text = |field: &str, text: &Option<String>| {
        let text = free_text(text.as_deref().unwrap_or_default(), SEARCH_LENGTH_MAX);
        text.map(|text| Some(text).filter(|text| !text.is_empty())).map_err(|problem| Error::field(field, problem))
    };
    let filter = OperationFilter {
        text: text("text", &query.text)?,
        method: text("method", &query.method)?,
        sort: match query.sort {
            SortOperations::Document => OperationSort::Document,
            SortOperations::DocumentDescending => OperationSort::DocumentDescending,
            SortOperations::Name => OperationSort::Name,
            SortOperations::NameDescending => OperationSort::NameDescending,
        },
    };
    let mut snapshot = manage.store.read().await?;
    let api = find(&mut snapshot, organization, name).await?;
    let label = label(&api, organization);
    let (key, which) = (manage.keyring.fingerprint(), format!("{} {filter:?}", api.id));
    let names = ["operations", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let found = operations::list(&mut snapshot, api.id, &filter, &page).await?;
    Listed::new(key, &names, found, |operation| OperationView::new(&label, &operation))
}

/// What is searched for; nothing where the text is empty.
pub(crate) fn search_text(text: Option<&str>) -> Result<Option<String>, Error> {
    let text =
        free_text(text.unwrap_or_default(), SEARCH_LENGTH_MAX).map_err(|problem| Error::field("text", problem))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}
