//! What an edit of an API would give and take.

use claviger_domain::OrganizationId;
use claviger_domain::api::Api;
use claviger_domain::authority::Authority;
use claviger_store::{Conn, keys};
use serde::Serialize;
use utoipa::ToSchema;

use super::difference::{Difference, OperationChanges, OperationCounts};
use super::edit::{Planned, check, plan};
use super::record::find_own;
use super::request::EditApi;
use super::shares::Shares;
use super::wire::ApiView;
use crate::Manage;
use crate::body::IfMatch;
use crate::ctx::Ctx;
use crate::error::Error;

/// The most organizations that are named of those that gain, and of those that lose.
pub const ORGANIZATIONS_SHOWN_MAX: usize = 100;

/// What an edit would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Edition {
    /// The API, as it would be.
    pub api: ApiView,
    /// How many operations would be added, changed and removed.
    pub operations: OperationCounts,
    /// Which ones: at most 100 of each.
    pub changes: OperationChanges,
    /// Who would gain and lose by that.
    #[serde(flatten)]
    pub shares: Shares,
    /// Organizations whose keys would hold something of the API because it is shared with them, or because Full access covers
    /// it.
    pub gaining_organizations: OrganizationShares,
    /// Organizations whose keys would hold nothing of it any more, because it is not.
    pub losing_organizations: OrganizationShares,
    /// Always true: nothing was changed.
    pub dry_run: bool,
}

/// Organizations, with how many keys of theirs a change of sharing reaches. Their keys are theirs and are not named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrganizationShares {
    /// How many organizations.
    pub organizations: usize,
    /// How many keys.
    pub keys: i64,
    /// Those with the most keys first, at most 100.
    pub first: Vec<OrganizationShare>,
}

/// An organization whose keys a change of sharing reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrganizationShare {
    /// Its id.
    pub organization: String,
    /// How many of its living keys name something of the API: by their sets, or beside them.
    pub keys: i64,
}

/// Says what an edit of the API of this id or slug would do; changes nothing.
pub async fn preview_edit(
    manage: &Manage,
    ctx: &Ctx,
    name: &str,
    if_match: &IfMatch,
    request: &EditApi,
) -> Result<Edition, Error> {
    let organization = ctx.organization_with(Authority::ApisManage)?;
    let operations = check(request)?;
    let mut snapshot = manage.store.read().await?;
    let before = find_own(&mut snapshot, organization, name).await?;
    if_match.check(before.version)?;
    let Planned { api, operations, listed } = plan(&mut snapshot, &before, request, operations.as_deref()).await?;
    let difference = Difference::new(&listed, &operations);
    let shares = Shares::find(&mut snapshot, ctx, &api, &difference).await?;
    let (gaining, losing) = reached(&mut snapshot, &before, &api).await?;
    Ok(Edition {
        api: ApiView::new(&api, operations.len() as i64),
        operations: difference.counts,
        changes: difference.changes,
        shares,
        gaining_organizations: OrganizationShares::of(gaining),
        losing_organizations: OrganizationShares::of(losing),
        dry_run: true,
    })
}

type Reached = Vec<(OrganizationId, i64)>;

/// Whose keys gain and whose lose by another sharing, and how many.
async fn reached(conn: &mut Conn, before: &Api, after: &Api) -> Result<(Reached, Reached), Error> {
    if before.sharing == after.sharing {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut named = Vec::with_capacity(2);
    for api in [before, after] {
        let counts = keys::count_of_others(conn, api.organization, api.id, api.sharing.full_access).await?;
        named.push(counts.into_iter().filter(|(whose, _)| api.sharing.with.includes(*whose)).collect::<Vec<_>>());
    }
    Ok((beyond(&named[1], &named[0]), beyond(&named[0], &named[1])))
}

/// What `one` has more than `other`: of two counts of an organization's keys the smaller one is part of the larger.
fn beyond(one: &Reached, other: &Reached) -> Reached {
    let also = |whose| other.iter().find(|(id, _)| *id == whose).map_or(0, |(_, keys)| *keys);
    one.iter().map(|(whose, keys)| (*whose, keys - also(*whose))).filter(|(_, keys)| *keys > 0).collect()
}

// === impl OrganizationShares ===

impl OrganizationShares {
    fn of(mut reached: Reached) -> Self {
        reached.sort_by_key(|(whose, keys)| (std::cmp::Reverse(*keys), *whose));
        let share =
            |(whose, keys): &(OrganizationId, i64)| OrganizationShare { organization: whose.to_string(), keys: *keys };
        Self {
            organizations: reached.len(),
            keys: reached.iter().map(|(_, keys)| keys).sum(),
            first: reached.iter().take(ORGANIZATIONS_SHOWN_MAX).map(share).collect(),
        }
    }
}
