//! What several use cases do with the record of a type.

use std::collections::HashMap;

use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::application::{ApplicationType, SETS_PER_TYPE_MAX};
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::authority::{VERIFY_SLUG, authorities_of_set};
use claviger_domain::{ApiSetId, OrganizationId};
use claviger_store::{Conn, Tx, api_sets, application_types, applications};

use super::wire::ApplicationTypeView;
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::rights::resolve_sets;

/// The type of this id or slug.
pub(crate) async fn find_type(
    conn: &mut Conn,
    organization: OrganizationId,
    name: &str,
) -> Result<Option<ApplicationType>, Error> {
    if let Ok(id) = name.parse() {
        return Ok(application_types::get(conn, organization, id).await?);
    }
    match name.parse() {
        Ok(slug) => Ok(application_types::by_slug(conn, organization, &slug).await?),
        Err(_) => Ok(None),
    }
}

/// The type of this id or slug, or 404.
pub(super) async fn find(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<ApplicationType, Error> {
    find_type(conn, organization, name).await?.ok_or_else(|| Error::not_found("application type"))
}

/// The view of one type.
pub(super) async fn view(conn: &mut Conn, kind: &ApplicationType) -> Result<ApplicationTypeView, Error> {
    let mut slugs: HashMap<ApiSetId, String> = HashMap::new();
    for id in &kind.api_sets {
        if let Some(set) = api_sets::find(conn, *id).await? {
            slugs.insert(*id, set_label(&set, kind.organization));
        }
    }
    Ok(ApplicationTypeView::new(kind, &slugs, applications::count_of_type(conn, kind.id).await?))
}

/// The sets that a request names, if a type may allow them. Only who holds what a set stands for in the management API
/// opens it to keys of applications, and whoever may give certain sets alone adds no other to those of `before`.
pub(super) async fn allowed_sets(
    conn: &mut Conn,
    ctx: &Ctx,
    organization: OrganizationId,
    names: &[String],
    before: &[ApiSetId],
) -> Result<Vec<ApiSetId>, Error> {
    if names.len() > SETS_PER_TYPE_MAX {
        return Err(Error::field("api_sets", format!("expected at most {SETS_PER_TYPE_MAX} sets")));
    }
    let sets = resolve_sets(conn, organization, "api_sets", names).await?;
    let wrong: Vec<_> = sets.iter().filter_map(why_not).collect();
    if !wrong.is_empty() {
        return Err(Error::invalid(wrong));
    }
    for set in sets.iter().filter(|set| set.kind == ApiSetKind::BuiltIn) {
        ctx.require_all(authorities_of_set(set.slug.as_str()))?;
    }
    let added: Vec<ApiSet> = sets.iter().filter(|set| !before.contains(&set.id)).cloned().collect();
    ctx.require_sets(conn, &added).await?;
    Ok(sets.iter().map(|set| set.id).collect())
}

/// How the organization names a set: its own by slug, another one's by id.
pub(crate) fn set_label(set: &ApiSet, user: OrganizationId) -> String {
    if set.organization == user { set.slug.to_string() } else { set.id.to_string() }
}

fn why_not(set: &ApiSet) -> Option<FieldError> {
    let refused = |why: &str| Some(FieldError::new("api_sets", format!("`{}` {why}", set.slug)));
    match set.kind {
        ApiSetKind::General => refused("is held with anything of its API; a type need not name it"),
        ApiSetKind::BuiltIn if set.slug.as_str() == VERIFY_SLUG => {
            refused("is for keys of the organization: an application's key is no door token")
        }
        ApiSetKind::Plain | ApiSetKind::Full | ApiSetKind::BuiltIn => None,
    }
}

/// Refuses a slug that another type of the organization has.
pub(super) async fn check_slug_free(conn: &mut Conn, kind: &ApplicationType) -> Result<(), Error> {
    match application_types::by_slug(conn, kind.organization, &kind.slug).await? {
        Some(other) if other.id != kind.id => Err(Error::name_taken("slug", other.id)),
        _ => Ok(()),
    }
}

/// The audit entry of a change of a type: the fields that differ.
pub(super) fn note(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    kind: &ApplicationType,
    before: Option<&ApplicationTypeView>,
    after: Option<&ApplicationTypeView>,
) {
    let audited = |view: Option<&ApplicationTypeView>| view.map(ApplicationTypeView::audited);
    let (before, after) = differing_fields(audited(before), audited(after));
    let name = Some(kind.name.to_string());
    let subject = Subject { kind: "application_type".to_owned(), id: kind.id.to_string(), name };
    tx.audit(Chain::Organization(kind.organization), ctx.entry(action, subject, before, after));
}
