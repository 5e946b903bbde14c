//! The doors of webhooks.

use std::sync::Arc;

use axum::extract::State;
use claviger_domain::WebhookDeliveryId;
use claviger_domain::WebhookId;
use claviger_domain::id::kind::Webhook as WebhookKind;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    CreateWebhook, DeliveryQuery, DeliveryView, EditWebhook, Recorded, RotateWebhook, WebhookView, WebhookWithSecret,
};
use crate::answer::Answer;
use crate::body::{ChangeQuery, IfMatch, JsonBody, OptionalJsonBody, Query};
use crate::ctx::Ctx;
use crate::error::{Error, Problem};
use crate::keys::Reason;
use crate::page::Listed;
use crate::path::{PathId, PathNames};
use crate::write::Changed;
use crate::{Manage, webhooks};

/// The path's webhook.
type Id = PathId<WebhookKind>;

/// The routes, below `/api/v1`.
pub(crate) fn router() -> OpenApiRouter<Arc<Manage>> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit, delete))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(rotate))
        .routes(routes!(send_test))
        .routes(routes!(list_deliveries))
        .routes(routes!(get_delivery))
        .routes(routes!(replay))
}

/// Lists the organization's webhooks: where its events are sent.
#[utoipa::path(get, path = "/webhooks", operation_id = "webhooks/list", tag = "webhooks",
    responses((status = 200, body = Listed<WebhookView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list(State(manage): State<Arc<Manage>>, ctx: Ctx) -> Result<Answer<Listed<WebhookView>>, Error> {
    Ok(Answer::ok(webhooks::list(&manage, &ctx).await?))
}

/// Makes a webhook and answers its secret, once. It is told of what happens from then on.
#[utoipa::path(post, path = "/webhooks", operation_id = "webhooks/create", tag = "webhooks", params(ChangeQuery),
    request_body = CreateWebhook,
    responses((status = 201, body = WebhookWithSecret), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn create(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    Query(query): Query<ChangeQuery>,
    JsonBody(request): JsonBody<CreateWebhook>,
) -> Result<Answer<WebhookWithSecret>, Error> {
    let (made, version) = webhooks::create(&manage, &ctx, request).await?;
    let id = made.value.webhook.id().to_owned();
    let answer = Answer::created(made.value).location("webhooks", &id).version(version);
    answer.settled(&manage, made.position, query).await
}

/// Reads a webhook.
#[utoipa::path(get, path = "/webhooks/{id}", operation_id = "webhooks/get", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id")),
    responses((status = 200, body = WebhookView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get(State(manage): State<Arc<Manage>>, ctx: Ctx, PathId(id): Id) -> Result<Answer<WebhookView>, Error> {
    let found = webhooks::get(&manage, &ctx, id).await?;
    Ok(Answer::ok(found.webhook).version(found.version))
}

/// Changes a webhook; what is not named stays. What waits for it goes to its new address.
#[utoipa::path(patch, path = "/webhooks/{id}", operation_id = "webhooks/edit", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"), ChangeQuery), request_body = EditWebhook,
    responses((status = 200, body = WebhookView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn edit(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<EditWebhook>,
) -> Result<Answer<WebhookView>, Error> {
    recorded(&manage, webhooks::edit(&manage, &ctx, id, if_match, request).await?, query).await
}

/// Deletes a webhook, with its secret and what is on its way to it.
#[utoipa::path(delete, path = "/webhooks/{id}", operation_id = "webhooks/delete", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"), ChangeQuery),
    responses((status = 204), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn delete(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    if_match: IfMatch,
) -> Result<Answer<()>, Error> {
    let changed = webhooks::delete(&manage, &ctx, id, if_match).await?;
    Answer::no_content().settled(&manage, changed.position, query).await
}

/// Takes a webhook out of service: nothing is sent, and what waits for it has come to its end.
#[utoipa::path(post, path = "/webhooks/{id}/disable", operation_id = "webhooks/disable", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"), ChangeQuery), request_body = Option<Reason>,
    responses((status = 200, body = WebhookView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn disable(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<Reason>,
) -> Result<Answer<WebhookView>, Error> {
    recorded(&manage, webhooks::disable(&manage, &ctx, id, request).await?, query).await
}

/// Puts a webhook back into service; it is told of what happens from then on.
#[utoipa::path(post, path = "/webhooks/{id}/enable", operation_id = "webhooks/enable", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"), ChangeQuery),
    responses((status = 200, body = WebhookView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn enable(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<WebhookView>, Error> {
    recorded(&manage, webhooks::enable(&manage, &ctx, id).await?, query).await
}

/// Gives a webhook a new secret and answers it, once; for the overlap both sign.
#[utoipa::path(post, path = "/webhooks/{id}/rotate", operation_id = "webhooks/rotate", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"), ChangeQuery), request_body = Option<RotateWebhook>,
    responses((status = 200, body = WebhookWithSecret), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn rotate(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
    OptionalJsonBody(request): OptionalJsonBody<RotateWebhook>,
) -> Result<Answer<WebhookWithSecret>, Error> {
    let (changed, version) = webhooks::rotate(&manage, &ctx, id, request).await?;
    Answer::ok(changed.value).version(version).settled(&manage, changed.position, query).await
}

/// Sends a `webhook.test` to a webhook, whichever types it is told of; `deliveries` says what became of it.
#[utoipa::path(post, path = "/webhooks/{id}/test", operation_id = "webhooks/test", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"), ChangeQuery),
    responses((status = 200, body = DeliveryView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn send_test(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<DeliveryView>, Error> {
    let changed = webhooks::send_test(&manage, &ctx, id).await?;
    Answer::ok(changed.value).settled(&manage, changed.position, query).await
}

/// Lists the events of a webhook, the newest first, with what became of each attempt. They are kept for 30 days.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries", operation_id = "webhooks/deliveries", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"), DeliveryQuery),
    responses((status = 200, body = Listed<DeliveryView>), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn list_deliveries(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    PathId(id): Id,
    Query(query): Query<DeliveryQuery>,
) -> Result<Answer<Listed<DeliveryView>>, Error> {
    Ok(Answer::ok(webhooks::list_deliveries(&manage, &ctx, id, &query).await?))
}

/// Reads an event of a webhook.
#[utoipa::path(get, path = "/webhooks/{id}/deliveries/{delivery}", operation_id = "webhooks/delivery", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"), ("delivery" = String, Path, description = "The event's id")),
    responses((status = 200, body = DeliveryView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn get_delivery(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    names: PathNames,
) -> Result<Answer<DeliveryView>, Error> {
    let (webhook, delivery) = ids(&names)?;
    Ok(Answer::ok(webhooks::delivery(&manage, &ctx, webhook, delivery).await?))
}

/// Sends an event again, under the same `webhook-id`, whatever became of it; one that waits goes out at once.
#[utoipa::path(post, path = "/webhooks/{id}/deliveries/{delivery}/replay", operation_id = "webhooks/replay", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook's id"), ("delivery" = String, Path, description = "The event's id"), ChangeQuery),
    responses((status = 200, body = DeliveryView), (status = "default", body = Problem, content_type = "application/problem+json", description = "Refused")))]
async fn replay(
    State(manage): State<Arc<Manage>>,
    ctx: Ctx,
    names: PathNames,
    Query(query): Query<ChangeQuery>,
) -> Result<Answer<DeliveryView>, Error> {
    let (webhook, delivery) = ids(&names)?;
    let changed = webhooks::replay(&manage, &ctx, webhook, delivery).await?;
    Answer::ok(changed.value).settled(&manage, changed.position, query).await
}

async fn recorded(
    manage: &Manage,
    changed: Changed<Recorded>,
    query: ChangeQuery,
) -> Result<Answer<WebhookView>, Error> {
    let Changed { value: Recorded { webhook, version }, position } = changed;
    Answer::ok(webhook).version(version).settled(manage, position, query).await
}

/// The webhook and the event of a path; what is no id of its kind names nothing.
fn ids(PathNames(webhook, delivery): &PathNames) -> Result<(WebhookId, WebhookDeliveryId), Error> {
    let missing = |_| Error::not_found("event of this webhook");
    Ok((webhook.parse().map_err(missing)?, delivery.parse().map_err(missing)?))
}
