//! What the deletion of an API would take away.

use claviger_domain::authority::Authority;
use claviger_store::operations;
use serde::Serialize;
use utoipa::ToSchema;

use super::difference::{Difference, KeyShare, OthersShare, SetShare};
use super::record::{find_own, view};
use super::shares::Shares;
use super::wire::ApiView;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;

/// What a deletion would take away.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Deletion {
    /// The API, as it is.
    pub api: ApiView,
    /// Sets that hold operations of it, at most 200.
    pub losing_sets: Vec<SetShare>,
    /// Keys that hold operations of it beside their sets, at most 100; left out for callers who may not read keys.
    pub losing_keys: Vec<KeyShare>,
    /// What other organizations that the API is shared with lose.
    pub losing_others: OthersShare,
    /// Whether more sets or keys lose than are named here.
    pub more: bool,
    /// Always true: nothing was changed.
    pub dry_run: bool,
}

/// Says what deleting the API of this id or slug would take from sets and keys.
pub async fn preview_deletion(manage: &Manage, ctx: &Ctx, name: &str, if_match: &IfMatch) -> Result<Deletion, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    let mut snapshot = manage.store.read().await?;
    let api = find_own(&mut snapshot, organization, name).await?;
    if_match.check(api.version)?;
    let difference = Difference::new(&operations::all(&mut snapshot, api.id).await?, &[]);
    let shares = Shares::find(&mut snapshot, ctx, &api, &difference).await?;
    Ok(Deletion {
        api: view(&mut snapshot, &api).await?,
        losing_sets: shares.losing_sets,
        losing_keys: shares.losing_keys,
        losing_others: shares.losing_others,
        more: shares.more,
        dry_run: true,
    })
}
