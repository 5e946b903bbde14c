//! Organizations: the operator makes them, their administrators edit their own.

mod create;
mod edit;
mod found;
pub mod http;
mod invite;
mod list;
mod make_default;
mod preview;
mod wire;

use claviger_domain::OrganizationId;
use claviger_domain::authority::Authority;
use claviger_domain::organization::Organization;
use claviger_store::organizations;

pub use create::{CreateOrganization, NewOrganization, create};
pub use edit::{EditOrganization, edit, preview_edit};
pub(crate) use found::{DEFAULT_LANGUAGE, name_from};
pub use found::{Founder, Founding};
pub use invite::{InviteFirst, invite};
pub use list::list;
pub use make_default::make_default;
pub use preview::{MOVED_NAMED, MovedEnd, MovedEnds, OrganizationPreview};
pub use wire::OrganizationView;

use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// The caller's own organization.
pub async fn own(manage: &Manage, ctx: &Ctx) -> Result<Organization, Error> {
    home(manage, ctx.organization_with_any(&[Authority::OrganizationManage, Authority::AuditRead])?).await
}

/// The organization of this id.
pub(crate) async fn home(manage: &Manage, id: OrganizationId) -> Result<Organization, Error> {
    let mut snapshot = manage.store.read().await?;
    organizations::get(&mut snapshot, id).await?.ok_or_else(|| Error::not_found("organization"))
}
