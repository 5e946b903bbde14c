//! Webhooks: what waits, what was delivered, what failed.

use claviger_domain::Timestamp;

use crate::webhooks::Reading;

use super::page::Page;

pub(super) fn write(page: &mut Page, webhooks: &Reading, now: Timestamp) {
    page.gauge("claviger_webhook_events_waiting", "Events that wait for their webhook.", webhooks.waiting as f64);
    let age = webhooks.oldest.map_or(0, |oldest| now.as_micros().saturating_sub(oldest.as_micros()).max(0));
    let help = "For how long the oldest event has been waiting for its webhook.";
    page.gauge("claviger_webhook_oldest_waiting_seconds", help, age as f64 / 1e6);
    let help = "Events that webhooks took from this node.";
    page.counter("claviger_webhook_delivered_total", help, webhooks.delivered);
    let help = "Attempts of this node to deliver an event that failed.";
    page.counter("claviger_webhook_failures_total", help, webhooks.failed);
    let help = "Events that this node gave up: their webhook does not get them.";
    page.counter("claviger_webhook_given_up_total", help, webhooks.given_up);
}
