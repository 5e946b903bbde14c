//! What is told: ids, names, owners, who did it; never a secret or a part of one.

use std::collections::HashMap;

use claviger_domain::key::Key;
use claviger_domain::webhook::{EVENT_BYTES_MAX, EventType, Webhook};
use claviger_domain::{KeyId, OrganizationId, Random, Timestamp, WebhookDeliveryId};
use claviger_store::webhook_deliveries::{Delivery, DeliveryState};
use claviger_store::{Conn, Tx, webhook_deliveries};
use serde_json::{Map, Value, json};

use crate::error::Error;
use crate::keys::key_views;

/// What is told of a key: what does not say what it is proved by.
const KEY_FIELDS: [&str; 6] = ["id", "name", "owner", "environment", "external_id", "expires_at"];

/// Something that happened, or will.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) kind: EventType,
    /// By this it is told once to each webhook.
    pub(super) cause: String,
    /// When it happened, or was noticed.
    pub(super) at: Timestamp,
    pub(super) data: Value,
}

/// Keys as they are told of.
pub(super) type Keys = HashMap<KeyId, Value>;

/// What is told of these keys.
pub(super) async fn describe(
    conn: &mut Conn,
    organization: OrganizationId,
    keys: &[Key],
    now: Timestamp,
) -> Result<Keys, Error> {
    let views = key_views(conn, organization, keys, now).await?;
    Ok(keys.iter().map(|key| key.id).zip(views.into_iter().map(told_of_key)).collect())
}

fn told_of_key(view: Value) -> Value {
    let Value::Object(members) = view else { return Value::Null };
    let told: Map<_, _> = members.into_iter().filter(|(name, _)| KEY_FIELDS.contains(&name.as_str())).collect();
    Value::Object(told)
}

/// An event as it goes to a webhook.
pub(super) fn delivery(id: WebhookDeliveryId, webhook: &Webhook, event: &Event, now: Timestamp) -> Delivery {
    let body = json!({"type": event.kind.as_str(), "timestamp": event.at, "data": event.data}).to_string();
    debug_assert!(body.len() < EVENT_BYTES_MAX, "names and reasons are short");
    Delivery {
        id,
        webhook: webhook.id,
        organization: webhook.organization,
        event: event.cause.clone(),
        kind: event.kind.as_str().to_owned(),
        body,
        created_at: now,
        state: DeliveryState::Waiting,
        next_at: now,
        tries: 0,
        ended_at: None,
    }
}

/// Puts an event in for a webhook; false if it was before.
pub(super) async fn put(
    tx: &mut Tx,
    random: &dyn Random,
    webhook: &Webhook,
    event: &Event,
    now: Timestamp,
) -> Result<bool, Error> {
    // By the instant of the event: lists are in the order in which things happened.
    let delivery = delivery(WebhookDeliveryId::new(event.at, random), webhook, event, now);
    Ok(webhook_deliveries::put(tx, &delivery).await?)
}
