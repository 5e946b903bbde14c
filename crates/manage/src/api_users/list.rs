//! Reads API users.

use claviger_domain::authority::Authority;
use claviger_store::RecordSort;
use claviger_store::api_users::{self, ApiUserFilter};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::record::{find, view};
use super::wire::{ApiUserView, Recorded};
use crate::Manage;
use crate::apis::search_text;
use crate::application_types::find_type;
use crate::applications::find_application;
use crate::body::{number, some_truth};
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::page::{Listed, page};
use crate::rights::UNKNOWN;

/// Which API users.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApiUsers {
    /// Those of this application, by slug or id.
    pub application: Option<String>,
    /// Those of applications of this type, by slug or id.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// `true`: those that are active; `false`: those that are not.
    #[serde(default, deserialize_with = "some_truth")]
    pub active: Option<bool>,
    /// Those that have this in their user name or contact, whatever its case.
    pub text: Option<String>,
    /// In which order; by user name if not given.
    #[serde(default)]
    #[param(inline)]
    pub sort: ApiUserSort,
    /// How many at most; 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u32>,
    /// The page after the one whose `next_cursor` this was.
    pub cursor: Option<String>,
}

/// The order of a list of API users; `-` = descending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum ApiUserSort {
    /// By user name, whatever its case.
    #[default]
    #[serde(rename = "user_name")]
    UserName,
    /// By user name, from the end.
    #[serde(rename = "-user_name")]
    UserNameDescending,
    /// The newest first.
    #[serde(rename = "-created_at")]
    Newest,
    /// The oldest first.
    #[serde(rename = "created_at")]
    Oldest,
}

/// The organization's API users.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &ListApiUsers) -> Result<Listed<ApiUserView>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let mut snapshot = manage.store.read().await?;
    let unknown = |field: &'static str| Error::names_unknown(vec![FieldError::new(field, UNKNOWN)]);
    let application = match &query.application {
        Some(name) => {
            let found = find_application(&mut snapshot, organization, name).await?;
            Some(found.ok_or_else(|| unknown("application"))?.id)
        }
        None => None,
    };
    let kind = match &query.kind {
        Some(name) => Some(find_type(&mut snapshot, organization, name).await?.ok_or_else(|| unknown("type"))?.id),
        None => None,
    };
    let filter = ApiUserFilter {
        application,
        kind,
        active: query.active,
        text: search_text(query.text.as_deref())?,
        sort: query.sort.into(),
    };
    let (key, which) = (manage.keyring.fingerprint(), format!("{organization} {filter:?}"));
    let names = ["api-users", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let found = api_users::list(&mut snapshot, organization, &filter, &page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for user in &found.items {
        items.push(view(&mut snapshot, user).await?);
    }
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}

/// The API user of this id.
pub async fn get(manage: &Manage, ctx: &Ctx, id: &str) -> Result<Recorded, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let mut snapshot = manage.store.read().await?;
    let user = find(&mut snapshot, organization, id).await?;
    Ok(Recorded { user: view(&mut snapshot, &user).await?, version: user.version })
}

// === impl RecordSort ===

impl From<ApiUserSort> for RecordSort {
    fn from(sort: ApiUserSort) -> Self {
        match sort {
            ApiUserSort::UserName => Self::Name,
            ApiUserSort::UserNameDescending => Self::NameDescending,
            ApiUserSort::Newest => Self::Newest,
            ApiUserSort::Oldest => Self::Oldest,
        }
    }
}
