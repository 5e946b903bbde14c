//! What a key is given, and who may give it.

use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::application::ApplicationType;
use claviger_domain::authority::{Authorities, Authority, VERIFY_SLUG, authorities_of_set};
use claviger_domain::key::{Key, Owner};
use claviger_domain::member::Standing;
use claviger_domain::role::{Levels, Mandate, most_sets};
use claviger_domain::{OrganizationId, Timestamp};
use claviger_store::{Conn, api_sets, members};

use super::{access, owner};
use crate::ctx::{Ctx, require_all};
use crate::error::{Error, FieldError};
use crate::mandate::roles_of;
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
        let sets = match resolve_sets(conn, key.organization, "api_sets", names).await {
            Ok(sets) => sets,
            Err(error) => return Err(with_operations(conn, key.organization, operations, error).await),
        };
        require(ctx, &key.owner, authorities_of(&sets))?;
        check_levels(conn, ctx, key, &sets).await?;
        check_door_token(&sets, &key.owner)?;
        owner::check_sets(conn, key.organization, &key.owner, &sets).await?;
        key.api_sets = sets.iter().map(|set| set.id).collect();
    }
    if let Some(names) = operations {
        let patterns = resolve_patterns(conn, key.organization, "operations", names).await?;
        let added = patterns.iter().any(|pattern| !key.operations.contains(pattern));
        // One's own keys have no more than the bound whatever they name; nothing bounds others' so.
        if added && !access::is_own(ctx, &key.owner) && levels(conn, ctx, &key.owner).await?.api_sets.is_some() {
            return Err(Error::field("operations", "your roles let you give sets and not single operations"));
        }
        key.operations = patterns;
    }
    Ok(())
}

/// What is wrong with the names of sets and operations, all of it.
pub(super) async fn check_names(
    conn: &mut Conn,
    organization: OrganizationId,
    sets: Option<&[String]>,
    operations: Option<&[String]>,
) -> Result<(), Error> {
    if let Err(error) = resolve_sets(conn, organization, "api_sets", sets.unwrap_or_default()).await {
        return Err(with_operations(conn, organization, operations, error).await);
    }
    resolve_patterns(conn, organization, "operations", operations.unwrap_or_default()).await.map(drop)
}

/// An error about sets, with what is wrong with operations beside it.
async fn with_operations(
    conn: &mut Conn,
    organization: OrganizationId,
    operations: Option<&[String]>,
    error: Error,
) -> Error {
    match resolve_patterns(conn, organization, "operations", operations.unwrap_or_default()).await {
        Ok(_) => error,
        Err(further) => error.and(&further),
    }
}

/// The bounds within which the actor makes and changes keys of this owner.
pub(super) async fn levels(conn: &mut Conn, ctx: &Ctx, owner: &Owner) -> Result<Levels, Error> {
    match ctx.user {
        None => Ok(Levels::default()),
        Some(_) => Ok(ctx.mandate(conn).await?.levels(access::making(ctx, owner)).clone()),
    }
}

/// Refuses sets that the actor's roles do not let them give, and keys without a person that would have no such bounds.
async fn check_levels(conn: &mut Conn, ctx: &Ctx, key: &Key, sets: &[ApiSet]) -> Result<(), Error> {
    let levels = levels(conn, ctx, &key.owner).await?;
    let added: Vec<&ApiSet> = sets.iter().filter(|set| !key.api_sets.contains(&set.id)).collect();
    if let Some(most) = &levels.api_sets {
        let full = owner::has_full_access(conn, key.organization, most).await?;
        let refused = |set: &&ApiSet| {
            let why = format!("`{}` is not among those that your roles let you give", set.slug);
            FieldError::new("api_sets", why)
        };
        let errors: Vec<_> = added.iter().filter(|set| !owner::is_among(most, full, set)).map(refused).collect();
        if !errors.is_empty() {
            return Err(Error::invalid(errors));
        }
    }
    let gives: Authorities = added.iter().fold(Authorities::NONE, |all, set| all.union(authorities_of_one(set)));
    let escapes = gives.has_any(UNBOUNDING) && !matches!(key.owner, Owner::User(_));
    if escapes && !levels.is_unbounded() {
        return Err(Error::forbidden(
            "Your roles bound the keys that you make; a key of nobody that makes keys, roles or rights would have no bounds.",
        ));
    }
    Ok(())
}

/// Authorities by which bounds could be got round: who has them makes keys, people, roles and rules, or lets sets hold more.
const UNBOUNDING: Authorities = Authorities::of(&[
    Authority::KeysManageAll,
    Authority::ApisManage,
    Authority::ApplicationsManage,
    Authority::UsersManage,
    Authority::RolesManage,
    Authority::PolicyManage,
]);

/// Refuses unless the actor holds all that sets of the management API stand for: for one's own key as much as the credential
/// in use stands for, because a person's key never has more than its person; for any other what the actor may do.
fn require(ctx: &Ctx, owner: &Owner, authorities: Authorities) -> Result<(), Error> {
    let held = if access::is_own(ctx, owner) { ctx.granted } else { ctx.authorities };
    require_all(held, authorities)
}

/// Refuses unless the actor holds all that the key's sets of the management API stand for.
pub(super) async fn require_held(conn: &mut Conn, ctx: &Ctx, key: &Key) -> Result<(), Error> {
    let sets = sets_of(conn, key.organization, key).await?;
    require(ctx, &key.owner, authorities_of(&sets))
}

/// What the key may do in the management API at `now`: an application's key no more than its type allows, and nothing while the
/// application is inactive; a person's key no more than the person.
pub(crate) async fn authorities_held(conn: &mut Conn, key: &Key, now: Timestamp) -> Result<Authorities, Error> {
    let mut sets = sets_of(conn, key.organization, key).await?;
    if let Some((application, kind)) = owner::application_of(conn, key.organization, &key.owner).await? {
        sets.retain(|set| application.disabled.is_none() && kind.api_sets.contains(&set.id));
    }
    let Owner::User(user) = key.owner else { return Ok(authorities_of(&sets)) };
    let Some(member) = members::get(conn, key.organization, user).await? else { return Ok(Authorities::NONE) };
    if member.standing(now) != Standing::InService {
        return Ok(Authorities::NONE);
    }
    let roles = roles_of(conn, &member).await?;
    if let Some(most) = most_sets(roles.iter()) {
        sets.retain(|set| most.contains(&set.id));
    }
    Ok(authorities_of(&sets).intersection(Mandate::of(roles.iter()).authorities))
}

/// Refuses unless the actor holds all that keys of applications of this type can stand for.
pub(crate) async fn require_type_held(conn: &mut Conn, ctx: &Ctx, kind: &ApplicationType) -> Result<(), Error> {
    let mut sets = Vec::with_capacity(kind.api_sets.len());
    for id in &kind.api_sets {
        sets.extend(api_sets::get(conn, kind.organization, *id).await?);
    }
    ctx.require_all(authorities_of(&sets))
}

/// The sets that a key names, as far as they are its organization's.
pub(super) async fn sets_of(conn: &mut Conn, organization: OrganizationId, key: &Key) -> Result<Vec<ApiSet>, Error> {
    let mut sets = Vec::with_capacity(key.api_sets.len());
    for id in &key.api_sets {
        sets.extend(api_sets::get(conn, organization, *id).await?);
    }
    Ok(sets)
}

fn authorities_of(sets: &[ApiSet]) -> Authorities {
    sets.iter().fold(Authorities::NONE, |sum, set| sum.union(authorities_of_one(set)))
}

fn authorities_of_one(set: &ApiSet) -> Authorities {
    if set.kind == ApiSetKind::BuiltIn { authorities_of_set(set.slug.as_str()) } else { Authorities::NONE }
}

/// A door token speaks for the organization, so only the organization owns it.
fn check_door_token(sets: &[ApiSet], owner: &Owner) -> Result<(), Error> {
    let is_token = sets.iter().any(|set| set.kind == ApiSetKind::BuiltIn && set.slug.as_str() == VERIFY_SLUG);
    if is_token && !matches!(owner, Owner::Organization(_)) {
        return Err(Error::field("api_sets", "only a key of the organization can be a door token"));
    }
    Ok(())
}
