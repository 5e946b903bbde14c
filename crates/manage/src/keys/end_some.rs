//! Ends keys together with their owner.

use claviger_domain::OrganizationId;
use claviger_domain::key::Owner;
use claviger_store::keys::KeyFilter;
use claviger_store::{PAGE_LIMIT_MAX, Page, Tx, keys};

use super::record::{note, view};
use super::rotate::end_old;
use crate::ctx::Ctx;
use crate::error::Error;

/// Ends up to a page of an owner's living keys as tombstones; whether there are more.
pub(crate) async fn end_some(
    tx: &mut Tx,
    ctx: &Ctx,
    organization: OrganizationId,
    owner: &Owner,
) -> Result<bool, Error> {
    let filter = KeyFilter { owner: Some(*owner), ..KeyFilter::default() };
    let found = keys::list(tx, organization, &filter, &Page::first(PAGE_LIMIT_MAX)).await?;
    for mut key in found.items {
        let old = view(tx, &key, ctx.now).await?;
        end_old(&mut key, ctx.now);
        key.deleted_at = Some(ctx.now);
        key.version += 1;
        key.updated_at = ctx.now;
        keys::update(tx, &key).await?;
        let new = view(tx, &key, ctx.now).await?;
        note(tx, ctx, "key.delete", &key, Some(&old), &new);
    }
    Ok(found.next.is_some())
}
