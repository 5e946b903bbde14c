//! Reads applications.

use claviger_domain::authority::Authority;
use claviger_domain::key::Owner;
use claviger_engine::LimitsOf;
use claviger_store::applications::{self, ApplicationFilter};
use claviger_store::refusals;
use serde::Deserialize;
use utoipa::IntoParams;

use super::record::{Kinds, find, view, view_with};
use super::wire::{ApplicationView, Recorded};
use crate::Manage;
use crate::apis::search_text;
use crate::application_types::find_type;
use crate::body::{number, some_truth};
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::keys::{RefusalQuery, RefusalView};
use crate::limits::{LimitsUsed, used};
use crate::page::{Listed, page};
use crate::rights::UNKNOWN;
use crate::sort::SortBy;

/// Which applications.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApplications {
    /// Those of this type, by slug or id.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `true`: those that are active; `false`: those that are not.
    #[serde(default, deserialize_with = "some_truth")]
    pub active: Option<bool>,
    /// Those that have this in their name, slug or public URL, whatever its case.
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

/// The organization's applications.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &ListApplications) -> Result<Listed<ApplicationView>, Error> {
    let organization = ctx.organization_with(Authority::KeysRead)?;
    let mut snapshot = manage.store.read().await?;
    let kind = match &query.kind {
        Some(name) => {
            let unknown = || Error::names_unknown(vec![FieldError::new("type", UNKNOWN)]);
            Some(find_type(&mut snapshot, organization, name).await?.ok_or_else(unknown)?.id)
        }
        None => None,
    };
    let filter = ApplicationFilter {
        kind,
        active: query.active,
        text: search_text(query.text.as_deref())?,
        sort: query.sort.into(),
    };
    let (key, which) = (manage.keyring.fingerprint(), format!("{organization} {filter:?}"));
    let names = ["applications", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let found = applications::list(&mut snapshot, organization, &filter, &page).await?;
    let (mut items, mut kinds) = (Vec::with_capacity(found.items.len()), Kinds::default());
    for application in &found.items {
        items.push(view_with(&mut snapshot, application, &mut kinds).await?);
    }
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}

/// The application of this id or slug.
pub async fn get(manage: &Manage, ctx: &Ctx, name: &str) -> Result<Recorded, Error> {
    let organization = ctx.organization_with(Authority::KeysRead)?;
    let mut snapshot = manage.store.read().await?;
    let application = find(&mut snapshot, organization, name).await?;
    Ok(Recorded { application: view(&mut snapshot, &application).await?, version: application.version })
}

/// What was taken of an application's limits.
pub async fn limits(manage: &Manage, ctx: &Ctx, name: &str) -> Result<LimitsUsed, Error> {
    let organization = ctx.organization_with(Authority::KeysRead)?;
    let application = find(&mut *manage.store.read().await?, organization, name).await?;
    Ok(used(manage, LimitsOf::Application(organization, application.id)).await)
}

/// The last refusals of all keys of an application.
pub async fn requests(
    manage: &Manage,
    ctx: &Ctx,
    name: &str,
    query: &RefusalQuery,
) -> Result<Listed<RefusalView>, Error> {
    let organization = ctx.organization_with(Authority::KeysRead)?;
    let filter = query.filter()?;
    let mut snapshot = manage.store.read().await?;
    let application = find(&mut snapshot, organization, name).await?;
    let (ring, which) = (manage.keyring.fingerprint(), format!("{} {filter:?}", application.id));
    let names = ["application-requests", which.as_str()];
    let page = page(ring, &names, query.limit, query.cursor.as_deref())?;
    let owner = Owner::Application(application.id);
    let found = refusals::page_of_owner(&mut snapshot, organization, &owner, &filter, &page).await?;
    Listed::new(ring, &names, found, RefusalView::from)
}
