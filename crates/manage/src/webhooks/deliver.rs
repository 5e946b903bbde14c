//! What whoever sends events does: lease what is due, sign it, and note what became of it.

use std::time::{Duration, UNIX_EPOCH};

use claviger_domain::key::Disabled;
use claviger_domain::outgoing::Target;
use claviger_domain::sealing::SealedPlace;
use claviger_domain::webhook::{Next, RETRY_AFTER_MAX, Webhook, WebhookSecret, after};
use claviger_domain::{RequestId, Timestamp, WebhookId};
use claviger_store::webhook_deliveries::{self, Attempt, Delivery, Depth};
use claviger_store::{Scope, webhooks};
use serde_json::json;

use super::record::{note, save};
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// For how long a node has an event to itself: far longer than an attempt may take. What a node leased that died is another's from
/// then on.
pub const LEASE: Duration = Duration::from_mins(1);
/// For how long events that came to their end are kept.
pub const KEPT: Duration = Duration::from_hours(30 * 24);
/// Why a webhook is disabled whose receiver says so.
const GONE: &str = "the receiver answered 410 Gone";

/// An event that is leased, and where it goes.
#[derive(Debug, Clone)]
pub struct Leased {
    /// The event.
    pub delivery: Delivery,
    /// Where it goes.
    pub webhook: Webhook,
}

/// An event as it is sent.
#[derive(Debug)]
pub struct Message {
    /// Where it goes.
    pub target: Target,
    /// `webhook-id`.
    pub id: String,
    /// `webhook-timestamp`.
    pub timestamp: String,
    /// `webhook-signature`: one or, while a secret is rotated, two.
    pub signature: String,
    /// The body.
    pub body: String,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What the receiver answered with; none where there was no answer.
    pub status: Option<u16>,
    /// How long it took.
    pub took: Duration,
    /// Why there was no answer.
    pub reason: Option<String>,
    /// The beginning of the answer.
    pub answer: Option<String>,
    /// How long the receiver asks to wait.
    pub retry_after: Option<Duration>,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The receiver has it.
    Delivered,
    /// It is tried again at this instant.
    Again(Timestamp),
    /// It is not tried any more.
    GivenUp,
    /// Its webhook is disabled now: the receiver wants nothing any more.
    Gone,
}

/// Leases events that are due for `holder`, at most `count`, none for the webhooks that are `busy`. What is due for a webhook that is
/// gone or disabled is none.
pub async fn lease(manage: &Manage, holder: &str, count: i64, busy: &[WebhookId]) -> Result<Vec<Leased>, Error> {
    let now = manage.clock.now();
    let span = (now, now.saturating_add(LEASE));
    let mut leased = Vec::new();
    for delivery in webhook_deliveries::lease(&manage.store, holder, span, count, busy).await? {
        let found = webhooks::get(&mut *manage.store.read().await?, delivery.organization, delivery.webhook).await?;
        // One that went out of service meanwhile has taken its events along.
        leased.extend(found.filter(|webhook| webhook.disabled.is_none()).map(|webhook| Leased { delivery, webhook }));
    }
    Ok(leased)
}

/// Gives events back that this node has no place for.
pub async fn release(manage: &Manage, holder: &str, leased: &Leased) -> Result<(), Error> {
    Ok(webhook_deliveries::release(&manage.store, holder, leased.delivery.id).await?)
}

/// The event, signed at this instant.
pub fn message(manage: &Manage, leased: &Leased) -> Result<Message, String> {
    let Leased { delivery, webhook } = leased;
    let now = manage.clock.now();
    let timestamp = now.as_micros().div_euclid(1_000_000);
    let id = delivery.id.to_string();
    let place = SealedPlace::of_webhook(webhook.organization, webhook.id);
    let mut signatures = Vec::new();
    for sealed in webhook.signing(now) {
        let secret = manage.keyring.sealing().open(&place, sealed).map_err(|error| error.to_string())?;
        let signature = WebhookSecret::of_stored(secret).sign(&id, timestamp, &delivery.body);
        signatures.push(signature.map_err(|error| error.to_string())?);
    }
    Ok(Message {
        target: webhook.url.parse::<Target>().map_err(|error| error.to_string())?,
        id,
        timestamp: timestamp.to_string(),
        signature: signatures.join(" "),
        body: delivery.body.clone(),
    })
}

/// Notes how an attempt went that began at `at`.
pub async fn settle(
    manage: &Manage,
    holder: &str,
    leased: &Leased,
    at: Timestamp,
    outcome: Outcome,
) -> Result<Settled, Error> {
    let now = manage.clock.now();
    let (id, tries) = (leased.delivery.id, leased.delivery.tries + 1);
    let next = after(outcome.status, tries, outcome.retry_after, chance(manage));
    let attempt = attempt(at, outcome, next);
    match next {
        Next::Delivered => {
            webhook_deliveries::delivered(&manage.store, holder, id, now, &attempt).await?;
            Ok(Settled::Delivered)
        }
        Next::Again(pause) => {
            let next_at = now.saturating_add(pause);
            webhook_deliveries::postpone(&manage.store, holder, id, next_at, &attempt).await?;
            Ok(Settled::Again(next_at))
        }
        Next::GivenUp => end(manage, holder, leased, attempt, false).await.map(|()| Settled::GivenUp),
        Next::Gone => end(manage, holder, leased, attempt, true).await.map(|()| Settled::Gone),
    }
}

/// Ends an event that does not get to its receiver, with an entry in the audit log; and with it the webhook, if its receiver is gone.
async fn end(manage: &Manage, holder: &str, leased: &Leased, attempt: Attempt, is_gone: bool) -> Result<(), Error> {
    let now = manage.clock.now();
    let ctx = Ctx::system(RequestId::new(now, &*manage.random), now);
    let all = std::sync::Arc::new((ctx, holder.to_owned(), leased.clone(), attempt));
    let ended = manage.store.write(Scope::Organization(leased.delivery.organization), move |tx| {
        let all = all.clone();
        Box::pin(async move {
            let (ctx, holder, Leased { delivery, .. }, attempt) = &*all;
            if !webhook_deliveries::give_up(tx, holder, delivery.id, ctx.now, attempt).await? {
                return Ok(());
            }
            // As it is now: it may have been changed since the event was leased.
            let Some(webhook) = webhooks::get(tx, delivery.organization, delivery.webhook).await? else {
                return Ok(());
            };
            let after = json!({
                "event": delivery.id, "type": delivery.kind, "attempts": delivery.tries + 1,
                "status": attempt.status, "reason": attempt.reason,
            });
            note(tx, ctx, "webhook.give_up", &webhook, None, Some(after));
            if is_gone && webhook.disabled.is_none() {
                let disabled = Some(Disabled { at: ctx.now, by: ctx.actor.clone(), reason: Some(GONE.to_owned()) });
                save(tx, ctx, "webhook.disable", &webhook, Webhook { disabled, ..webhook.clone() }).await?;
            }
            Ok::<_, Error>(())
        })
    });
    match ended.await {
        // Its organization is gone, and the event with it before long.
        Err(error) if error.code() != crate::ErrorCode::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// How much waits.
pub async fn depth(manage: &Manage) -> Result<Depth, Error> {
    Ok(webhook_deliveries::depth(&mut *manage.store.read().await?).await?)
}

/// Deletes events that ended long ago, and secrets whose time is over.
pub async fn trim(manage: &Manage) -> Result<(), Error> {
    let now = manage.clock.now();
    webhook_deliveries::trim(&manage.store, now.saturating_sub(KEPT)).await?;
    webhooks::forget_old_secrets(&manage.store, now).await?;
    Ok(())
}

fn attempt(at: Timestamp, outcome: Outcome, next: Next) -> Attempt {
    let is_delivered = next == Next::Delivered;
    let why = match outcome.status {
        Some(300..=399) => Some("redirections are not followed".to_owned()),
        Some(status) if !is_delivered => Some(format!("the receiver answered {status}")),
        _ => None,
    };
    Attempt {
        at,
        milliseconds: i64::try_from(outcome.took.as_millis()).unwrap_or(i64::MAX),
        status: outcome.status,
        reason: outcome.reason.or(why),
        answer: outcome.answer.filter(|answer| !answer.is_empty()),
    }
}

/// From 0 to 1.
fn chance(manage: &Manage) -> f64 {
    let mut byte = [0];
    manage.random.fill(&mut byte);
    f64::from(byte[0]) / f64::from(u8::MAX)
}

/// How long the header `Retry-After` asks to wait at `now`: seconds or a date, at most [`RETRY_AFTER_MAX`]. Anything else says nothing.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let seconds = || value.trim().parse().ok().map(Duration::from_secs);
    let until = || {
        let at = httpdate::parse_http_date(value).ok()?.duration_since(UNIX_EPOCH).ok()?;
        let at = Timestamp::from_micros(i64::try_from(at.as_micros()).ok()?);
        Some(at.saturating_since(now))
    };
    seconds().or_else(until).map(|asked| asked.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_asks_to_wait_in_seconds_or_by_a_date() {
        let now: Timestamp = "2026-01-15T12:00:00Z".parse().expect("an instant");
        for (value, expected) in [
            ("120", Some(120)),
            (" 5 ", Some(5)),
            ("999999999", Some(24 * 3_600)),
            ("Thu, 15 Jan 2026 12:10:00 GMT", Some(600)),
            ("Thu, 15 Jan 2026 11:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
