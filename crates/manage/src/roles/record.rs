//! What several use cases do with the record of a role.

use std::collections::HashMap;

use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::audit::{Chain, Subject};
use claviger_domain::role::{Levels, ROLES_PER_MEMBER_MAX, Role, SETS_PER_LEVEL_MAX};
use claviger_domain::{ApiSetId, OrganizationId};
use claviger_store::{Conn, Tx, api_sets, roles};

use super::request::LevelsInput;
use super::wire::RoleView;
use crate::application_types::set_label;
use crate::changes::differing_fields;
use crate::ctx::Ctx;
use crate::error::{Error, FieldError};
use crate::rights::{UNKNOWN, resolve_sets};

/// The role of this id or slug.
pub(crate) async fn find_role(
    conn: &mut Conn,
    organization: OrganizationId,
    name: &str,
) -> Result<Option<Role>, Error> {
    if let Ok(id) = name.parse() {
        return Ok(roles::get(conn, organization, id).await?);
    }
    match name.parse() {
        Ok(slug) => Ok(roles::by_slug(conn, organization, &slug).await?),
        Err(_) => Ok(None),
    }
}

/// The role of this id or slug, or 404.
pub(super) async fn find(conn: &mut Conn, organization: OrganizationId, name: &str) -> Result<Role, Error> {
    find_role(conn, organization, name).await?.ok_or_else(|| Error::not_found("role"))
}

/// The roles that a request names in `roles`, each once.
pub(crate) async fn resolve_roles(
    conn: &mut Conn,
    organization: OrganizationId,
    names: &[String],
) -> Result<Vec<Role>, Error> {
    if names.len() > ROLES_PER_MEMBER_MAX {
        return Err(Error::field("roles", format!("expected at most {ROLES_PER_MEMBER_MAX} roles")));
    }
    let (mut found, mut unknown) = (Vec::<Role>::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        match find_role(conn, organization, name).await? {
            Some(role) if found.iter().any(|known| known.id == role.id) => {}
            Some(role) => found.push(role),
            None => unknown.push(FieldError::new(format!("roles[{index}]"), UNKNOWN)),
        }
    }
    if unknown.is_empty() { Ok(found) } else { Err(Error::names_unknown(unknown)) }
}

/// The view of one role.
pub(super) async fn view(conn: &mut Conn, role: &Role) -> Result<RoleView, Error> {
    let mut labels: HashMap<ApiSetId, String> = HashMap::new();
    for id in role.levels.api_sets.iter().flatten() {
        if let Some(set) = api_sets::find(conn, *id).await? {
            labels.insert(*id, set_label(&set, role.organization));
        }
    }
    Ok(RoleView::new(role, &labels, roles::count_members(conn, role.id).await?))
}

/// The levels with what a request names.
pub(super) async fn merge_levels(
    conn: &mut Conn,
    organization: OrganizationId,
    before: &Levels,
    request: &LevelsInput,
) -> Result<Levels, Error> {
    let api_sets = match &request.api_sets {
        None => before.api_sets.clone(),
        Some(None) => None,
        Some(Some(names)) => Some(level_sets(conn, organization, names).await?),
    };
    Ok(Levels {
        max_lifetime_days: request.max_lifetime_days.unwrap_or(before.max_lifetime_days),
        max_keys: request.max_keys.unwrap_or(before.max_keys),
        max_rate: request.max_rate.unwrap_or(before.max_rate),
        api_sets,
    })
}

async fn level_sets(conn: &mut Conn, organization: OrganizationId, names: &[String]) -> Result<Vec<ApiSetId>, Error> {
    const FIELD: &str = "levels.api_sets";
    if names.len() > SETS_PER_LEVEL_MAX {
        return Err(Error::field(FIELD, format!("expected at most {SETS_PER_LEVEL_MAX} sets")));
    }
    let sets = resolve_sets(conn, organization, FIELD, names).await?;
    let general = |set: &&ApiSet| set.kind == ApiSetKind::General;
    let needless = |set: &ApiSet| {
        let why = format!("`{}` is held with anything of its API; a level need not name it", set.slug);
        FieldError::new(FIELD, why)
    };
    let wrong: Vec<_> = sets.iter().filter(general).map(needless).collect();
    if wrong.is_empty() { Ok(sets.iter().map(|set| set.id).collect()) } else { Err(Error::invalid(wrong)) }
}

/// Refuses a slug that another role of the organization has.
pub(super) async fn check_slug_free(conn: &mut Conn, role: &Role) -> Result<(), Error> {
    match roles::by_slug(conn, role.organization, &role.slug).await? {
        Some(other) if other.id != role.id => Err(Error::name_taken("slug", other.id)),
        _ => Ok(()),
    }
}

/// Refuses to touch a role that came with the program.
pub(super) fn check_custom(role: &Role) -> Result<(), Error> {
    if role.predefined {
        return Err(Error::conflict("This role came with the program and stays as it is; make one of your own."));
    }
    Ok(())
}

/// The audit entry of a change of a role: the fields that differ.
pub(super) fn note(
    tx: &mut Tx,
    ctx: &Ctx,
    action: &str,
    role: &Role,
    before: Option<&RoleView>,
    after: Option<&RoleView>,
) {
    let audited = |view: Option<&RoleView>| view.map(RoleView::audited);
    let (before, after) = differing_fields(audited(before), audited(after));
    let subject = Subject { kind: "role".to_owned(), id: role.id.to_string(), name: Some(role.name.to_string()) };
    tx.audit(Chain::Organization(role.organization), ctx.entry(action, subject, before, after));
}
