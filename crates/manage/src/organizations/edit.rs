//! Changes one's own organization.

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::Authority;
use claviger_domain::credential::KeyPrefix;
use claviger_domain::name::{Name, Slug};
use claviger_domain::organization::Organization;
use claviger_domain::rules::Rules;
use claviger_store::{Conn, Scope, Tx, organizations};
use serde::Deserialize;
use utoipa::ToSchema;

use super::home;
use super::preview::{self, OrganizationPreview};
use super::wire::OrganizationView;
use crate::Manage;
use crate::body::{IfMatch, present, value};
use crate::changes::differing_fields;
use crate::checks::Checks;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::instant;
use crate::ip_list::{self, IpInput, Reading};
use crate::keys::settle;
use crate::write::Changed;

/// What to change; what is not there stays.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditOrganization {
    /// Unique in the installation.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String)]
    pub slug: Option<Slug>,
    /// What people call it.
    #[serde(default, deserialize_with = "crate::body::new_name_value")]
    #[schema(value_type = String)]
    pub name: Option<Name>,
    /// IANA name of the zone in which its days begin. Ends that were given as dates stay the instants they are.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String, example = "Europe/Warsaw")]
    pub time_zone: Option<String>,
    /// What its keys made from now on begin with: 2 to 12 of a-z and 0-9.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = String, example = "clv")]
    pub key_prefix: Option<KeyPrefix>,
    /// Whom its people ask about their keys, such as from where a program is seen: an e-mail address, a web address or a few
    /// words; null = nobody is named. Everyone in the organization sees it.
    #[serde(default, deserialize_with = "crate::body::new_name_present")]
    #[schema(value_type = Option<String>, example = "it-desk@example.com")]
    pub admin_contact: Option<Option<Name>>,
    /// From where its keys may be used at the doors, in place of the list before; null or empty = from anywhere. Beside
    /// it each key has its own list, and an address must be in all that are not empty.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<IpInput>>)]
    pub allowed_ips: Option<Option<Vec<IpInput>>>,
}

/// What a change of the caller's organization would do; changes nothing.
pub async fn preview_edit(
    manage: &Manage,
    ctx: &Ctx,
    if_match: IfMatch,
    request: EditOrganization,
) -> Result<OrganizationPreview, Error> {
    let id = ctx.organization_with(Authority::OrganizationManage)?;
    check(&request)?;
    let mut snapshot = manage.store.read().await?;
    let before = organizations::get(&mut snapshot, id).await?.ok_or_else(|| Error::not_found("organization"))?;
    if_match.check(before.version)?;
    let after = merged(&before, ctx, request)?;
    check_slug_free(&mut snapshot, &after).await?;
    drop(snapshot);
    preview::preview(manage, &before, &after).await
}

/// Changes the caller's organization. Another time zone moves the ends that count in days: what the ends before have made of
/// keys is written down first.
pub async fn edit(
    manage: &Manage,
    ctx: &Ctx,
    if_match: IfMatch,
    request: EditOrganization,
) -> Result<Changed<Organization>, Error> {
    let id = ctx.organization_with(Authority::OrganizationManage)?;
    check(&request)?;
    if let Some(time_zone) = &request.time_zone {
        let home = home(manage, id).await?;
        if_match.check(home.version)?;
        let after = Rules::new(&home.policy, time_zone);
        if after != Rules::new(&home.policy, &home.time_zone) {
            settle(manage, ctx, &home, &after).await?;
        }
    }
    let work_ctx = ctx.clone();
    manage
        .write(ctx, Scope::Organization(id), move |tx| {
            let (ctx, if_match, request) = (work_ctx.clone(), if_match.clone(), request.clone());
            Box::pin(async move {
                let before = organizations::get(tx, id).await?.ok_or_else(|| Error::not_found("organization"))?;
                if_match.check(before.version)?;
                save(tx, &ctx, before, request).await
            })
        })
        .await
}

fn check(request: &EditOrganization) -> Result<(), Error> {
    if request.time_zone.as_deref().is_some_and(|name| instant::zone(name).is_none()) {
        return Err(Error::field("time_zone", "expected an IANA name such as Europe/Warsaw"));
    }
    Ok(())
}

/// The organization with what the request names.
fn merged(before: &Organization, ctx: &Ctx, request: EditOrganization) -> Result<Organization, Error> {
    let time_zone = request.time_zone.unwrap_or_else(|| before.time_zone.clone());
    let mut checks = Checks::default();
    let reading = Reading { time_zone: &time_zone, now: ctx.now, before: &before.allowed_ips };
    let listed = request.allowed_ips.map(Option::unwrap_or_default);
    let listed = listed.map(|list| ip_list::read(&mut checks, &list, &reading));
    checks.finish()?;
    Ok(Organization {
        slug: request.slug.unwrap_or_else(|| before.slug.clone()),
        name: request.name.unwrap_or_else(|| before.name.clone()),
        allowed_ips: listed.unwrap_or_else(|| before.allowed_ips.clone()),
        time_zone,
        admin_contact: request.admin_contact.unwrap_or_else(|| before.admin_contact.clone()),
        key_prefix: request.key_prefix.unwrap_or_else(|| before.key_prefix.clone()),
        ..before.clone()
    })
}

async fn check_slug_free(conn: &mut Conn, after: &Organization) -> Result<(), Error> {
    if organizations::by_slug(conn, &after.slug).await?.is_some_and(|other| other.id != after.id) {
        // Whose it is, is another tenant's matter.
        return Err(Error::name_taken("slug", "another organization"));
    }
    Ok(())
}

async fn save(tx: &mut Tx, ctx: &Ctx, before: Organization, request: EditOrganization) -> Result<Organization, Error> {
    let mut after = merged(&before, ctx, request)?;
    if after == before {
        return Ok(before);
    }
    check_slug_free(tx, &after).await?;
    after.version += 1;
    after.updated_at = ctx.now;
    organizations::update(tx, &after).await?;
    let audited = |organization| Some(OrganizationView::from(organization).audited());
    let (old, new) = differing_fields(audited(&before), audited(&after));
    let name = Some(after.name.to_string());
    let subject = Subject { kind: "organization".to_owned(), id: after.id.to_string(), name };
    let entry = ctx.entry("organization.edit", subject, old, new);
    tx.audit(Chain::Organization(after.id), entry);
    Ok(after)
}
