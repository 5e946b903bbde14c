//! Webhooks and their events on the wire.

use claviger_domain::webhook::Webhook;
use claviger_domain::{Secret, Timestamp};
use claviger_store::webhook_deliveries::{Attempt, Delivery, DeliveryState};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::keys::{ActorView, expose_some};

/// A webhook.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookView {
    #[schema(example = "whk_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    id: String,
    name: String,
    #[schema(example = "https://hooks.example.com/claviger")]
    url: String,
    /// Which types of events; `["*"]`: all.
    #[schema(example = json!(["key.created", "key.disabled"]))]
    events: Vec<String>,
    /// Whether events are sent.
    enabled: bool,
    /// Why not, by whom and since when.
    #[schema(required)]
    disabled: Option<DisabledView>,
    /// Until when the secret before the last rotation signs too.
    #[schema(required, value_type = Option<String>)]
    old_secret_valid_until: Option<Timestamp>,
    created_by: ActorView,
    #[schema(value_type = String)]
    created_at: Timestamp,
    #[schema(value_type = String)]
    updated_at: Timestamp,
}

/// Why a webhook is out of service.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DisabledView {
    #[schema(value_type = String)]
    at: Timestamp,
    by: ActorView,
    #[schema(required)]
    reason: Option<String>,
}

/// A webhook with its secret, which is shown this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookWithSecret {
    /// The webhook.
    pub webhook: WebhookView,
    /// What receivers check signatures with; null where a call is repeated.
    #[serde(serialize_with = "expose_some")]
    #[schema(required, value_type = Option<String>, example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    pub secret: Option<Secret>,
}

/// An event on its way to a webhook, or one that was.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DeliveryView {
    /// The `webhook-id` that its receiver sees, the same at each attempt.
    #[schema(example = "evt_01jd2v3w4x5y6z7a8b9c0d1e2f")]
    id: String,
    #[serde(rename = "type")]
    #[schema(example = "key.created")]
    kind: String,
    /// `waiting`, `delivered` or `failed`.
    #[schema(value_type = String, example = "delivered")]
    state: DeliveryState,
    #[schema(value_type = String)]
    created_at: Timestamp,
    /// When it is tried next, while it waits.
    #[schema(required, value_type = Option<String>)]
    next_at: Option<Timestamp>,
    #[schema(required, value_type = Option<String>)]
    ended_at: Option<Timestamp>,
    /// The last 50, the oldest first.
    attempts: Vec<AttemptView>,
    /// What is sent.
    body: String,
}

/// An attempt.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttemptView {
    #[schema(value_type = String)]
    at: Timestamp,
    milliseconds: i64,
    /// What the receiver answered with; null where there was no answer.
    #[schema(required)]
    status: Option<u16>,
    /// Why it failed.
    #[schema(required)]
    reason: Option<String>,
    /// The beginning of the answer.
    #[schema(required)]
    answer: Option<String>,
}

// === impl views ===

impl WebhookView {
    /// The webhook's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What an audit entry shows.
    pub(super) fn audited(&self) -> Value {
        json!({
            "name": self.name, "url": self.url, "events": self.events, "enabled": self.enabled,
            "disabled_reason": self.disabled.as_ref().and_then(|disabled| disabled.reason.clone()),
            "old_secret_valid_until": self.old_secret_valid_until,
        })
    }

    pub(super) fn new(webhook: &Webhook, now: Timestamp) -> Self {
        let disabled = webhook.disabled.as_ref();
        let disabled = disabled.map(|disabled| DisabledView {
            at: disabled.at,
            by: ActorView::from(&disabled.by),
            reason: disabled.reason.clone(),
        });
        let old = webhook.old.as_ref().map(|old| old.valid_until);
        Self {
            id: webhook.id.to_string(),
            name: webhook.name.to_string(),
            url: webhook.url.clone(),
            events: webhook.events.clone(),
            enabled: disabled.is_none(),
            disabled,
            old_secret_valid_until: old.filter(|until| now < *until),
            created_by: ActorView::from(&webhook.created_by),
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

impl DeliveryView {
    pub(super) fn new(delivery: Delivery, attempts: Vec<Attempt>) -> Self {
        let is_waiting = delivery.state == DeliveryState::Waiting;
        Self {
            id: delivery.id.to_string(),
            kind: delivery.kind,
            state: delivery.state,
            created_at: delivery.created_at,
            next_at: is_waiting.then_some(delivery.next_at),
            ended_at: delivery.ended_at,
            attempts: attempts.into_iter().map(AttemptView::from).collect(),
            body: delivery.body,
        }
    }
}

impl From<Attempt> for AttemptView {
    fn from(Attempt { at, milliseconds, status, reason, answer }: Attempt) -> Self {
        Self { at, milliseconds, status, reason, answer }
    }
}
