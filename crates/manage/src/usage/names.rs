//! What those are called whose requests were counted.

use claviger_domain::OrganizationId;
use claviger_domain::authority::Authority;
use claviger_domain::key::Owner;
use claviger_domain::usage::Subject;
use claviger_store::{Conn, api_sets, apis, applications, keys, members, organizations};

use crate::ctx::Ctx;
use crate::error::Error;

/// The name of a subject; `None`: it is gone, or the caller may not know of it.
pub(super) async fn of(
    conn: &mut Conn,
    ctx: &Ctx,
    organization: OrganizationId,
    subject: Subject,
) -> Result<Option<String>, Error> {
    Ok(match subject {
        Subject::All => None,
        Subject::Owner(of) => owner(conn, organization, &of).await?,
        Subject::Api(api) => apis::find(conn, api).await?.map(|api| api.name.to_string()),
        Subject::Set(set) => api_sets::find(conn, set).await?.map(|set| set.name.to_string()),
        Subject::Key(_) if !ctx.authorities.has(Authority::KeysRead) => None,
        Subject::Key(key) => keys::get(conn, organization, key).await?.map(|key| key.name.to_string()),
    })
}

/// The name of an owner of the organization's keys.
pub(super) async fn owner(
    conn: &mut Conn,
    organization: OrganizationId,
    owner: &Owner,
) -> Result<Option<String>, Error> {
    Ok(match owner {
        Owner::Organization(id) if *id != organization => None,
        Owner::Organization(id) => organizations::get(conn, *id).await?.map(|home| home.name.to_string()),
        Owner::User(id) => members::get(conn, organization, *id).await?.map(|member| member.user.name.to_string()),
        Owner::Application(id) => {
            applications::get(conn, organization, *id).await?.map(|application| application.name.to_string())
        }
    })
}
