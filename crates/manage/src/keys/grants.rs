//! What a key is given, and who may give it.

use claviger_domain::OrganizationId;
use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::application::ApplicationType;
use claviger_domain::authority::{Authorities, VERIFY_SLUG, authorities_of_set};
use claviger_domain::key::{Key, Owner};
use claviger_store::{Conn, api_sets};

use super::owner;
use crate::ctx::Ctx;
use crate::error::Error;
use crate::rights::{resolve_patterns, resolve_sets};

/// Puts the named sets and operations into `key`; what is not named stays. Nobody gives what they do not hold.
pub(super) async fn give(
    conn: &mut Conn,
    ctx: &Ctx,
    key: &mut Key,
    sets: Option<&[String]>,
    operations: Option<&[String]>,
) -> Result<(), Error> {
    if let Some(names) = sets {
        let sets = resolve_sets(conn, key.organization, "api_sets", names).await?;
        ctx.require_all(authorities_of(&sets))?;
        check_door_token(&sets, &key.owner)?;
        owner::check_sets(conn, key.organization, &key.owner, &sets).await?;
        key.api_sets = sets.iter().map(|set| set.id).collect();
    }
    if let Some(names) = operations {
        key.operations = resolve_patterns(conn, key.organization, "operations", names).await?;
    }
    Ok(())
}

/// Refuses unless the actor holds all that the key's sets of the management API stand for.
pub(super) async fn require_held(conn: &mut Conn, ctx: &Ctx, key: &Key) -> Result<(), Error> {
    ctx.require_all(authorities_named(conn, key).await?)
}

/// What the key's sets of the management API stand for.
async fn authorities_named(conn: &mut Conn, key: &Key) -> Result<Authorities, Error> {
    Ok(authorities_of(&sets_of(conn, key.organization, key).await?))
}

/// What the key may do in the management API now: an application's key no more than its type allows, and nothing while the
/// application is inactive.
pub(crate) async fn authorities_held(conn: &mut Conn, key: &Key) -> Result<Authorities, Error> {
    let mut sets = sets_of(conn, key.organization, key).await?;
    if let Some((application, kind)) = owner::application_of(conn, key.organization, &key.owner).await? {
        sets.retain(|set| application.disabled.is_none() && kind.api_sets.contains(&set.id));
    }
    Ok(authorities_of(&sets))
}

/// Refuses unless the actor holds all that keys of applications of this type can stand for.
pub(crate) async fn require_type_held(conn: &mut Conn, ctx: &Ctx, kind: &ApplicationType) -> Result<(), Error> {
    let mut sets = Vec::with_capacity(kind.api_sets.len());
    for id in &kind.api_sets {
        sets.extend(api_sets::get(conn, kind.organization, *id).await?);
    }
    ctx.require_all(authorities_of(&sets))
}

async fn sets_of(conn: &mut Conn, organization: OrganizationId, key: &Key) -> Result<Vec<ApiSet>, Error> {
    let mut sets = Vec::with_capacity(key.api_sets.len());
    for id in &key.api_sets {
        sets.extend(api_sets::get(conn, organization, *id).await?);
    }
    Ok(sets)
}

fn authorities_of(sets: &[ApiSet]) -> Authorities {
    let built_in = sets.iter().filter(|set| set.kind == ApiSetKind::BuiltIn);
    built_in.fold(Authorities::NONE, |sum, set| sum.union(authorities_of_set(set.slug.as_str())))
}

/// A door token speaks for the organization, so only the organization owns it.
fn check_door_token(sets: &[ApiSet], owner: &Owner) -> Result<(), Error> {
    let is_token = sets.iter().any(|set| set.kind == ApiSetKind::BuiltIn && set.slug.as_str() == VERIFY_SLUG);
    if is_token && !matches!(owner, Owner::Organization(_)) {
        return Err(Error::field("api_sets", "only a key of the organization can be a door token"));
    }
    Ok(())
}
