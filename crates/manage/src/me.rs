//! Who one is to the management API.

use std::sync::Arc;

use axum::extract::State;
use claviger_domain::member::Standing;
use claviger_domain::role::Making;
use claviger_store::{Conn, members, organizations};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Manage;
use crate::answer::Answer;
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::keys::ActorView;
use crate::users::{self, UserView};

/// The caller.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    actor: ActorView,
    /// The organization whose things calls are about; null for the operator while there is not exactly one.
    #[schema(required)]
    organization: Option<String>,
    authorities: Vec<&'static str>,
    /// The person who calls, where it is by a key of a person's own.
    #[schema(required)]
    user: Option<UserView>,
    /// Where this person is in service: what a session can be about.
    organizations: Vec<Home>,
    /// The longest lifetime, in days, that the person's roles let them give to keys; the policy may grant less.
    max_lifetime_days: MaxLifetimeDays,
}

/// Days that a key may live by its maker's roles; null = no bound of theirs.
#[derive(Debug, Serialize, ToSchema)]
pub struct MaxLifetimeDays {
    /// Keys of one's own.
    #[schema(required)]
    own: Option<u32>,
    /// Keys of the organization, its applications and other people.
    #[schema(required)]
    others: Option<u32>,
}

/// An organization in which the caller is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Home {
    id: String,
    slug: String,
    name: String,
    #[schema(example = "Europe/Warsaw")]
    time_zone: String,
    /// Whom its people ask about their keys; null where nobody is named.
    #[schema(required, example = "it-desk@example.com")]
    admin_contact: Option<String>,
}

/// The organizations in which the person who calls is in service, by their names. A key of a person's own is about its own
/// organization alone.
async fn homes(snapshot: &mut Conn, ctx: &Ctx) -> Result<Vec<Home>, Error> {
    let Some(user) = ctx.user else { return Ok(Vec::new()) };
    let mut homes = Vec::new();
    for member in members::of_user(snapshot, user).await? {
        let is_seen = ctx.session.is_some() || ctx.organization == Some(member.organization);
        if is_seen
            && member.standing(ctx.now) == Standing::InService
            && let Some(home) = organizations::get(snapshot, member.organization).await?
        {
            homes.push(Home {
                id: home.id.to_string(),
                slug: home.slug.to_string(),
                name: home.name.to_string(),
                time_zone: home.time_zone,
                admin_contact: home.admin_contact.map(|contact| contact.to_string()),
            });
        }
    }
    homes.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(homes)
}

/// What the roles of the person who calls grant; nobody else has roles.
async fn max_lifetime_days(snapshot: &mut Conn, ctx: &Ctx) -> Result<MaxLifetimeDays, Error> {
    let mandate = ctx.mandate(snapshot).await?;
    let days = |making| mandate.levels(making).max_lifetime_days;
    Ok(MaxLifetimeDays { own: days(Making::Own), others: days(Making::All) })
}

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(me))
}

/// Says who the caller is and what they may do.
#[utoipa::path(get, path = "/me", operation_id = "me", tag = "me",
    responses((status = 200, body = Me), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn me(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<Me>, Error> {
    let mut snapshot = manage.store.read().await?;
    let user = match ctx.organization.zip(ctx.user) {
        Some((organization, user)) => match members::get(&mut snapshot, organization, user).await? {
            Some(member) => Some(users::view(&mut snapshot, &ctx, &member).await?),
            None => None,
        },
        None => None,
    };
    Ok(Answer::ok(Me {
        actor: ActorView::from(&ctx.actor),
        organization: ctx.organization.map(|id| id.to_string()),
        authorities: ctx.authorities.names().collect(),
        user,
        organizations: homes(&mut snapshot, &ctx).await?,
        max_lifetime_days: max_lifetime_days(&mut snapshot, &ctx).await?,
    }))
}
