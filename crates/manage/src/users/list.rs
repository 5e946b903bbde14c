//! Reads users. Who sees nobody else sees oneself.

use claviger_domain::authority::Authority;
use claviger_store::RecordSort;
use claviger_store::members::{self, MemberFilter};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::record::{find, sees_all, view};
use super::wire::{Recorded, UserView};
use crate::Manage;
use crate::apis::search_text;
use crate::body::{number, some_truth};
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::page::{Listed, page};
use crate::rights::UNKNOWN;
use crate::roles::find_role;

/// Who may see users; with the last alone oneself.
const READERS: [Authority; 3] = [Authority::UsersRead, Authority::UsersManage, Authority::KeysManageOwn];

/// Which users.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    /// Those who have this role, by slug or id.
    pub role: Option<String>,
    /// `true`: those who are enabled; `false`: those who are not.
    #[serde(default, deserialize_with = "some_truth")]
    pub enabled: Option<bool>,
    /// `true`: those whom an administrator has locked; `false`: the others.
    #[serde(default, deserialize_with = "some_truth")]
    pub locked: Option<bool>,
    /// Those who have this in their name, user name or e-mail address, whatever its case.
    pub text: Option<String>,
    /// In which order; by user name if not given.
    #[serde(default)]
    #[param(inline)]
    pub sort: UserSort,
    /// How many at most; 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u32>,
    /// The page after the one whose `next_cursor` this was.
    pub cursor: Option<String>,
}

/// The order of a list of users; `-` = descending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum UserSort {
    /// By user name.
    #[default]
    #[serde(rename = "username")]
    Username,
    /// By user name, from the end.
    #[serde(rename = "-username")]
    UsernameDescending,
    /// By name, whatever its case.
    #[serde(rename = "name")]
    Name,
    /// By name, from the end.
    #[serde(rename = "-name")]
    NameDescending,
    /// The newest first.
    #[serde(rename = "-created_at")]
    Newest,
    /// The oldest first.
    #[serde(rename = "created_at")]
    Oldest,
}

/// The organization's users.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &ListUsers) -> Result<Listed<UserView>, Error> {
    let organization = ctx.organization_with_any(&READERS)?;
    let mut snapshot = manage.store.read().await?;
    if !sees_all(ctx) {
        let (_, user) = ctx.person()?;
        let own = find(&mut snapshot, ctx, organization, &user.to_string()).await?;
        return Ok(Listed { data: vec![view(&mut snapshot, ctx, &own).await?], next_cursor: None });
    }
    let role = match &query.role {
        Some(name) => {
            let unknown = || Error::names_unknown(vec![FieldError::new("role", UNKNOWN)]);
            Some(find_role(&mut snapshot, organization, name).await?.ok_or_else(unknown)?.id)
        }
        None => None,
    };
    let filter = MemberFilter {
        role,
        enabled: query.enabled,
        locked: query.locked,
        text: search_text(query.text.as_deref())?,
        sort: query.sort.into(),
    };
    let (key, which) = (manage.keyring.fingerprint(), format!("{organization} {filter:?}"));
    let names = ["users", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let found = members::list(&mut snapshot, organization, &filter, &page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for member in &found.items {
        items.push(view(&mut snapshot, ctx, member).await?);
    }
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}

/// The user of this id, user name or address.
pub async fn get(manage: &Manage, ctx: &Ctx, name: &str) -> Result<Recorded, Error> {
    let organization = ctx.organization_with_any(&READERS)?;
    let mut snapshot = manage.store.read().await?;
    let member = find(&mut snapshot, ctx, organization, name).await?;
    Ok(Recorded { user: view(&mut snapshot, ctx, &member).await?, version: member.version })
}

// === impl RecordSort ===

impl From<UserSort> for RecordSort {
    fn from(sort: UserSort) -> Self {
        match sort {
            UserSort::Username => Self::Slug,
            UserSort::UsernameDescending => Self::SlugDescending,
            UserSort::Name => Self::Name,
            UserSort::NameDescending => Self::NameDescending,
            UserSort::Newest => Self::Newest,
            UserSort::Oldest => Self::Oldest,
        }
    }
}
