//! Reads the policy.

use claviger_domain::authority::Authority;
use claviger_domain::policy::Policy;

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::organizations::home;

/// The policy of the caller's organization.
pub async fn get(manage: &Manage, ctx: &Ctx) -> Result<Policy, Error> {
    let organization = ctx.organization_with_any(&[
        Authority::PolicyManage,
        Authority::AuditRead,
        Authority::KeysManageAll,
        Authority::KeysManageOwn,
    ])?;
    Ok(home(manage, organization).await?.policy)
}
