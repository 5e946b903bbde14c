//! Who one is to the management API.

use std::sync::Arc;

use axum::extract::State;
use claviger_store::members;
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
}

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(me))
}

/// Says who the caller is and what they may do.
#[utoipa::path(get, path = "/me", operation_id = "me", tag = "me",
    responses((status = 200, body = Me), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn me(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<Me>, Error> {
    let user = match ctx.organization.zip(ctx.user) {
        Some((organization, user)) => {
            let mut snapshot = manage.store.read().await?;
            match members::get(&mut snapshot, organization, user).await? {
                Some(member) => Some(users::view(&mut snapshot, &ctx, &member).await?),
                None => None,
            }
        }
        None => None,
    };
    Ok(Answer::ok(Me {
        actor: ActorView::from(&ctx.actor),
        organization: ctx.organization.map(|id| id.to_string()),
        authorities: ctx.authorities.names().collect(),
        user,
    }))
}
