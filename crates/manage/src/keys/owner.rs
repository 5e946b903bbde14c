//! Who a key belongs to: the organization, or one of its applications.

use claviger_domain::OrganizationId;
use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::application::{Application, ApplicationType};
use claviger_domain::key::Owner;
use claviger_store::{Conn, api_sets, application_types, applications};

use super::request::OwnerInput;
use crate::applications::find_application;
use crate::checks::Checks;
use crate::error::{Error, FieldError};
use crate::rights::UNKNOWN;

/// Checks what can be checked without looking.
pub(super) fn check(checks: &mut Checks, owner: Option<&OwnerInput>, home: OrganizationId) {
    let Some(owner) = owner else { return };
    match owner.kind.as_str() {
        "organization" => {
            let own = owner.id.as_ref().is_none_or(|id| *id == home.to_string());
            checks.ensure("owner.id", own, "expected one's own organization");
        }
        "application" => checks.ensure("owner.id", owner.id.is_some(), "is required: an application's id or slug"),
        _ => checks.refuse("owner.type", "expected `organization` or `application`"),
    }
}

/// The owner that a request names; the organization if it names none.
pub(super) async fn resolve(
    conn: &mut Conn,
    organization: OrganizationId,
    owner: Option<&OwnerInput>,
) -> Result<Owner, Error> {
    match owner {
        Some(OwnerInput { kind, id: Some(name) }) if kind == "application" => {
            let unknown = || Error::names_unknown(vec![FieldError::new("owner.id", UNKNOWN)]);
            let found = find_application(conn, organization, name).await?.ok_or_else(unknown)?;
            Ok(Owner::Application(found.id))
        }
        _ => Ok(Owner::Organization(organization)),
    }
}

/// The application that owns a key, with its type; `None` for a key of the organization.
pub(super) async fn application_of(
    conn: &mut Conn,
    organization: OrganizationId,
    owner: &Owner,
) -> Result<Option<(Application, ApplicationType)>, Error> {
    let Owner::Application(id) = owner else { return Ok(None) };
    let gone = || Error::internal(format!("{id} owns a key and is not there"));
    let application = applications::get(conn, organization, *id).await?.ok_or_else(gone)?;
    let kind = application_types::get(conn, organization, application.kind).await?.ok_or_else(gone)?;
    Ok(Some((application, kind)))
}

/// Refuses sets that the type of the owner does not allow.
pub(super) async fn check_sets(
    conn: &mut Conn,
    organization: OrganizationId,
    owner: &Owner,
    sets: &[ApiSet],
) -> Result<(), Error> {
    let Some((_, kind)) = application_of(conn, organization, owner).await? else { return Ok(()) };
    let full = has_full_access(conn, &kind).await?;
    let outside = sets.iter().filter(|set| !allows(&kind, full, set));
    let refused = |set: &ApiSet| {
        let why = format!("`{}` is not among those that the application's type `{}` allows", set.slug, kind.slug);
        FieldError::new("api_sets", why)
    };
    let errors: Vec<_> = outside.map(refused).collect();
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}

/// Whether the type allows a set: by its list, or by Full access, which has every plain one in it. A General set comes with
/// its API.
fn allows(kind: &ApplicationType, full: bool, set: &ApiSet) -> bool {
    kind.api_sets.contains(&set.id) || set.kind == ApiSetKind::General || full && set.kind == ApiSetKind::Plain
}

async fn has_full_access(conn: &mut Conn, kind: &ApplicationType) -> Result<bool, Error> {
    for id in &kind.api_sets {
        let set = api_sets::get(conn, kind.organization, *id).await?;
        if set.is_some_and(|set| set.kind == ApiSetKind::Full) {
            return Ok(true);
        }
    }
    Ok(false)
}
