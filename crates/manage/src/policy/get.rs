//! Reads the policy.

use claviger_domain::authority::Authority;

use super::wire::PolicyView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::keys::home_in;

/// The policy of the caller's organization, and its version.
pub async fn get(manage: &Manage, ctx: &Ctx) -> Result<(PolicyView, i64), Error> {
    let organization = ctx.organization_with_any(&[
        Authority::PolicyManage,
        Authority::AuditRead,
        Authority::KeysManageAll,
        Authority::KeysManageOwn,
    ])?;
    let mut snapshot = manage.store.read().await?;
    let home = home_in(&mut snapshot, organization).await?;
    Ok((PolicyView::load(&mut snapshot, &home, &home.policy).await?, home.policy.version))
}
