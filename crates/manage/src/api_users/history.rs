//! What an API user did.

use claviger_domain::authority::Authority;
use claviger_store::api_user_secrets;
use serde::Deserialize;
use utoipa::IntoParams;

use super::record::{Session, find};
use super::wire::EventView;
use crate::Manage;
use crate::body::number;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, page};

/// The most entries that a user reads of its own history at once.
const OWN_MAX: i64 = 500;

/// Which part of a history.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// How many at most; 1 to 100, 50 if not given.
    #[serde(default, deserialize_with = "number")]
    pub limit: Option<u32>,
    /// The page after the one whose `next_cursor` this was.
    pub cursor: Option<String>,
}

/// What an API user did, the newest first.
pub async fn history(manage: &Manage, ctx: &Ctx, id: &str, query: &EventQuery) -> Result<Listed<EventView>, Error> {
    let organization = ctx.organization_with(Authority::ApplicationsManage)?;
    let mut snapshot = manage.store.read().await?;
    let user = find(&mut snapshot, organization, id).await?;
    let (key, which) = (manage.keyring.fingerprint(), user.id.to_string());
    let names = ["api-user-history", which.as_str()];
    let page = page(key, &names, query.limit, query.cursor.as_deref())?;
    let found = api_user_secrets::events(&mut snapshot, user.id, &page).await?;
    Listed::new(key, &names, found, EventView::from)
}

/// A user's own history, the newest first.
pub async fn events(
    manage: &Manage,
    session: &Session,
    offset: i64,
    limit: i64,
) -> Result<Vec<api_user_secrets::Event>, Error> {
    let mut snapshot = manage.store.read().await?;
    let (offset, limit) = (offset.max(0), limit.clamp(0, OWN_MAX));
    Ok(api_user_secrets::events_at(&mut snapshot, session.user, offset, limit).await?)
}
