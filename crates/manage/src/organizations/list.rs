//! Lists the organizations: the operator's.

use claviger_domain::authority::Authority;
use claviger_store::organizations;

use super::wire::OrganizationView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, PageQuery};

/// A page of all organizations, by slug.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &PageQuery) -> Result<Listed<OrganizationView>, Error> {
    ctx.require(Authority::OrganizationsOperate)?;
    let names = ["organizations"];
    let page = query.page(manage.keyring.fingerprint(), &names)?;
    let mut snapshot = manage.store.read().await?;
    let found = organizations::list(&mut snapshot, &page).await?;
    Listed::new(manage.keyring.fingerprint(), &names, found, |organization| OrganizationView::from(&organization).row())
}
