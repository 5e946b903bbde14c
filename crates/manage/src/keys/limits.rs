//! What was taken of the limits of a key.

use claviger_domain::KeyId;
use claviger_engine::LimitsOf;

use super::record::find_visible;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::limits::{LimitsUsed, used};

/// What was taken of all limits that apply to a living key: its own, its owner's and those of its sets.
pub async fn limits(manage: &Manage, ctx: &Ctx, id: KeyId) -> Result<LimitsUsed, Error> {
    let key = find_visible(&mut *manage.store.read().await?, ctx, id).await?;
    Ok(used(manage, LimitsOf::Key(&key.secret.digest)).await)
}
