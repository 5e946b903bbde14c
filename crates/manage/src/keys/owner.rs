//! Who a key belongs to: the organization, one of its applications, or a person.

use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::application::{Application, ApplicationType};
use claviger_domain::key::Owner;
use claviger_domain::organization::Organization;
use claviger_domain::{ApiSetId, OrganizationId, UserId};
use claviger_store::{Conn, api_sets, application_types, applications, members};

use super::access;
use super::request::OwnerInput;
use crate::applications::find_application;
use crate::checks::Checks;
use crate::ctx::Ctx;
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
        "user" => {}
        _ => checks.refuse("owner.type", "expected `organization`, `application` or `user`"),
    }
}

/// The owner that a request names; the organization if it names none. Keys of people are made by themselves, or by others where
/// the policy lets them.
pub(super) async fn resolve(
    conn: &mut Conn,
    ctx: &Ctx,
    home: &Organization,
    owner: Option<&OwnerInput>,
) -> Result<Owner, Error> {
    let organization = home.id;
    match owner {
        Some(OwnerInput { kind, id }) if kind == "user" => {
            let owner = Owner::User(person(ctx, id.as_deref())?);
            access::check_making(ctx, &owner, home)?;
            match owner {
                Owner::User(user) if members::get(conn, organization, user).await?.is_none() => {
                    Err(Error::names_unknown(vec![FieldError::new("owner.id", UNKNOWN)]))
                }
                owner => Ok(owner),
            }
        }
        Some(OwnerInput { kind, id: Some(name) }) if kind == "application" => {
            let unknown = || Error::names_unknown(vec![FieldError::new("owner.id", UNKNOWN)]);
            let found = find_application(conn, organization, name).await?.ok_or_else(unknown)?;
            Ok(Owner::Application(found.id))
        }
        _ => Ok(Owner::Organization(organization)),
    }
}

/// The user of this id; who calls, if it is left out.
fn person(ctx: &Ctx, id: Option<&str>) -> Result<UserId, Error> {
    match id {
        Some(id) => id.parse().map_err(|problem| Error::field("owner.id", problem)),
        None => ctx.user.ok_or_else(|| Error::field("owner.id", "is required: a user's id")),
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
    let full = has_full_access(conn, organization, &kind.api_sets).await?;
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
    is_among(&kind.api_sets, full, set)
}

/// Whether sets that bound what may be given let a set be given; `full`: Full access is among them.
pub(crate) fn is_among(sets: &[ApiSetId], full: bool, set: &ApiSet) -> bool {
    sets.contains(&set.id) || set.kind == ApiSetKind::General || full && set.kind == ApiSetKind::Plain
}

/// Whether Full access is among these sets.
pub(crate) async fn has_full_access(
    conn: &mut Conn,
    organization: OrganizationId,
    sets: &[ApiSetId],
) -> Result<bool, Error> {
    for id in sets {
        let set = api_sets::get(conn, organization, *id).await?;
        if set.is_some_and(|set| set.kind == ApiSetKind::Full) {
            return Ok(true);
        }
    }
    Ok(false)
}
