//! Reads the invitations of an organization.

use claviger_domain::authority::Authority;
use claviger_domain::link::LinkKind;
use claviger_store::{links, members};

use super::wire::InvitationView;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::page::{Listed, PageQuery};

/// The organization's invitations, open and expired, the newest first.
pub async fn list(manage: &Manage, ctx: &Ctx, query: &PageQuery) -> Result<Listed<InvitationView>, Error> {
    let organization = ctx.organization_with_any(&[Authority::UsersManage, Authority::UsersRead])?;
    let (key, which) = (manage.keyring.fingerprint(), organization.to_string());
    let names = ["invitations", which.as_str()];
    let page = query.page(key, &names)?;
    let mut snapshot = manage.store.read().await?;
    let found = links::page(&mut snapshot, LinkKind::Invitation, organization, &page).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for link in &found.items {
        if let Some(member) = members::get(&mut snapshot, organization, link.user).await? {
            items.push(InvitationView::new(link, &member, ctx.now));
        }
    }
    Listed::new(key, &names, claviger_store::Listed { items, next: found.next }, |view| view)
}
