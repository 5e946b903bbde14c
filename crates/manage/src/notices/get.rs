//! Reads which notices go to whom.

use claviger_domain::authority::Authority;
use claviger_domain::notice::NoticeSettings;
use claviger_store::notices;

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// Which notices of the caller's organization go to whom.
pub async fn get(manage: &Manage, ctx: &Ctx) -> Result<NoticeSettings, Error> {
    let organization = ctx.organization_with_any(&[Authority::PolicyManage, Authority::AuditRead])?;
    Ok(notices::settings(&mut *manage.store.read().await?, organization).await?)
}
