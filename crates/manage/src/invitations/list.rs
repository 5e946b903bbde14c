//! Reads the invitations of an organization.

use claviger_domain::authority::Authority;
use claviger_domain::link::LinkKind;
use claviger_store::{links, members};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::wire::InvitationView;
use crate::Manage;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, page};

/// In which order.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationQuery {
    /// `-created_at` (the newest first, if not given) or `created_at`.
    #[serde(default)]
    #[param(inline)]
    pub sort: InvitationSort,
    /// Rows of a page: 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
}

/// The order of invitations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum InvitationSort {
    /// The newest first.
    #[default]
    #[serde(rename = "-created_at")]
    Newest,
    /// The oldest first.
    #[serde(rename = "created_at")]
    Oldest,
}

/// The organization's invitations, open and expired.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &InvitationQuery) -> Result<Listed<InvitationView>, Error> {
    let organization = ctx.organization_with_any(&[Authority::UsersManage, Authority::UsersRead])?;
    let (key, which) = (manage.keyring.fingerprint(), format!("{organization} {:?}", query.sort));
    let names = ["invitations", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let mut snapshot = manage.store.read().await?;
    let found =
        links::page(&mut snapshot, LinkKind::Invitation, organization, query.sort == InvitationSort::Oldest, &page)
            .await?;
    let mut items = Vec::with_capacity(found.items.len());
    for link in &found.items {
        if let Some(member) = members::get(&mut snapshot, organization, link.user).await? {
            items.push(InvitationView::load(&mut snapshot, link, &member, ctx.now).await?);
        }
    }
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}
