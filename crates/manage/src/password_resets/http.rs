//! The doors of resets of passwords.

use std::sync::Arc;

use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AskForReset, ChooseByLink};
use crate::answer::Answer;
use crate::body::JsonBody;
use crate::error::{Error, Problem};
use crate::visitor::Visitor;
use crate::{Manage, password_resets};

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new().routes(routes!(create)).routes(routes!(choose))
}

/// Has a link mailed by which the person of this address chooses another password. The answer is the same whether there is such
/// a person or not, and nobody gets more than five such mails a day.
#[utoipa::path(post, path = "/password-resets", operation_id = "password-resets/create", tag = "sessions", request_body = AskForReset,
    security(()),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    visitor: Visitor,
    JsonBody(request): JsonBody<AskForReset>,
) -> Result<Answer<()>, Error> {
    password_resets::ask(&manage, &visitor, request)?;
    Ok(Answer::no_content())
}

/// Chooses the password, for whoever has the link. All sessions of the person end; a second factor stays. What was used, has
/// expired or never was is 404 alike.
#[utoipa::path(post, path = "/password-resets/choose", operation_id = "password-resets/choose", tag = "sessions", request_body = ChooseByLink,
    security(()),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn choose(
    State(manage): State<Arc<Manage>>,
    visitor: Visitor,
    JsonBody(request): JsonBody<ChooseByLink>,
) -> Result<Answer<()>, Error> {
    password_resets::choose(&manage, &visitor, request).await?;
    Ok(Answer::no_content())
}
