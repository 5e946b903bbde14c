//! Puts events in and sends them. Every node does so: what one has put in or leased no other touches.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::{Timestamp, WebhookId};
use claviger_manage::webhooks::deliver::{self, Leased, Outcome, Settled};
use claviger_manage::{Error, Manage, webhooks};
use http::{HeaderValue, header};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::Counters;
use crate::outgoing::{CALL_TIMEOUT, Connector, Reply};

/// How often it is looked for what was done, and for what is due.
const PERIOD: Duration = Duration::from_secs(1);
/// How often it is looked for what time brings: at the start, and then each time that so much has passed by the server's clock.
const REMINDED_EACH: Duration = Duration::from_mins(30);
/// How many events a node has on the way at once.
const AT_ONCE_MAX: usize = 32;
/// How many of them to one webhook: one that hangs holds up no other.
const AT_ONCE_TO_ONE_MAX: usize = 4;
/// How often it is looked how much waits, and what ended long ago is deleted: each so many looks.
const LOOKS_A_TRIM: u32 = 30;
/// How long events on the way have at a stop. One that is not through by then goes out again when its lease is over.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// A lease outlives every attempt, so that no two nodes send one event at a time.
const _: () = assert!(deliver::LEASE.as_secs() > 2 * CALL_TIMEOUT.as_secs());

/// What the tasks work with.
pub(crate) struct WebhooksTask {
    pub(crate) manage: Arc<Manage>,
    pub(crate) connector: Connector,
    pub(crate) counters: Arc<Counters>,
    /// This process: a lease is its alone.
    pub(crate) holder: String,
}

/// What is on the way.
#[derive(Default)]
struct OnTheWay {
    tasks: JoinSet<WebhookId>,
    to: HashMap<WebhookId, usize>,
}

// === impl WebhooksTask ===

impl WebhooksTask {
    /// Runs until `stop`. What is on the way then is waited for, for [`STOP_PATIENCE`], and nothing is leased any more.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let task = Arc::new(self);
        tokio::join!(task.tell(&stop), Arc::clone(&task).send(&stop));
    }

    /// Puts events in. What is half done at the stop is not done, and found again.
    async fn tell(&self, stop: &CancellationToken) {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reminded_at = None;
        loop {
            tokio::select! {
                _ = period.tick() => {}
                () = stop.cancelled() => return,
            }
            tokio::select! {
                () = self.look(&mut reminded_at) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    async fn look(&self, reminded_at: &mut Option<Timestamp>) {
        report(webhooks::follow(&self.manage).await);
        let now = self.manage.clock.now();
        // A clock that was put back would otherwise be waited for.
        let is_due = |at: Timestamp| now < at || now.saturating_since(at) >= REMINDED_EACH;
        if reminded_at.is_none_or(is_due) {
            *reminded_at = Some(now);
            report(webhooks::remind(&self.manage).await);
        }
    }

    /// Sends what is due.
    async fn send(self: Arc<Self>, stop: &CancellationToken) {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut looks, mut on_the_way) = (0u32, OnTheWay::default());
        loop {
            tokio::select! {
                _ = period.tick() => {
                    if looks.is_multiple_of(LOOKS_A_TRIM) {
                        self.look_after().await;
                    }
                    looks = looks.wrapping_add(1);
                }
                Some(done) = on_the_way.tasks.join_next() => on_the_way.note_done(done.ok()),
                () = stop.cancelled() => break,
            }
            if let Err(error) = self.send_due(&mut on_the_way).await {
                tracing::debug!("events cannot be read or written now: {error:?}");
            }
        }
        let all = async { while on_the_way.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_PATIENCE, all).await.is_err() {
            tracing::warn!("stopped with events on the way: they go out again when their lease is over");
        }
    }

    /// Starts as many of those that are due as there is room for.
    async fn send_due(self: &Arc<Self>, on_the_way: &mut OnTheWay) -> Result<(), Error> {
        loop {
            let room = AT_ONCE_MAX.saturating_sub(on_the_way.tasks.len());
            if room == 0 {
                return Ok(());
            }
            let leased = deliver::lease(&self.manage, &self.holder, room as i64, &on_the_way.busy()).await?;
            if leased.is_empty() {
                return Ok(());
            }
            for leased in leased {
                if on_the_way.has_room(leased.webhook.id) {
                    let task = Arc::clone(self);
                    on_the_way.start(leased.webhook.id, async move { task.send_one(&leased).await });
                } else {
                    deliver::release(&self.manage, &self.holder, &leased).await?;
                }
            }
        }
    }

    async fn send_one(&self, leased: &Leased) {
        let (at, began) = (self.manage.clock.now(), Instant::now());
        let called = match deliver::message(&self.manage, leased) {
            Ok(message) => self.call(message).await,
            Err(reason) => Err(reason),
        };
        let took = began.elapsed();
        let outcome = match called {
            Ok(Reply { status, retry_after, body }) => {
                let retry_after = retry_after.and_then(|value| deliver::retry_after(&value, self.manage.clock.now()));
                let answer = Some(String::from_utf8_lossy(&body).into_owned());
                Outcome { status: Some(status), took, reason: None, answer, retry_after }
            }
            Err(reason) => Outcome { status: None, took, reason: Some(reason), answer: None, retry_after: None },
        };
        let (event, webhook) = (leased.delivery.id, leased.webhook.id);
        match deliver::settle(&self.manage, &self.holder, leased, at, outcome).await {
            Ok(Settled::Delivered) => self.counters.note_delivered(),
            Ok(Settled::Again(next_at)) => {
                self.counters.note_failed();
                tracing::debug!(%event, %webhook, "event not delivered, tried again at {next_at}");
            }
            Ok(Settled::GivenUp | Settled::Gone) => {
                self.counters.note_failed();
                self.counters.note_given_up();
                tracing::warn!(%event, %webhook, "event given up: its webhook does not get it");
            }
            // The lease runs out, and the event is sent again under the same id.
            Err(error) => tracing::warn!(%event, "what became of an event could not be noted: {error:?}"),
        }
    }

    async fn call(&self, message: deliver::Message) -> Result<Reply, String> {
        let value = |text: &str| HeaderValue::from_str(text).map_err(|error| error.to_string());
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (http::HeaderName::from_static("webhook-id"), value(&message.id)?),
            (http::HeaderName::from_static("webhook-timestamp"), value(&message.timestamp)?),
            (http::HeaderName::from_static("webhook-signature"), value(&message.signature)?),
        ];
        let called = self.connector.post(&message.target, headers, message.body.into()).await;
        called.map_err(|error| error.to_string())
    }

    async fn look_after(&self) {
        if let Ok(depth) = deliver::depth(&self.manage).await {
            self.counters.note_depth(depth);
        }
        if let Err(error) = deliver::trim(&self.manage).await {
            tracing::debug!("events that ended long ago could not be deleted: {error:?}");
        }
    }
}

fn report(told: Result<usize, Error>) {
    match told {
        Ok(0) => {}
        Ok(told) => tracing::debug!(told, "events wait for their webhooks"),
        // Nothing is lost: it is looked for again.
        Err(error) => tracing::debug!("webhooks could not be told now: {error:?}"),
    }
}

// === impl OnTheWay ===

impl OnTheWay {
    fn start(&mut self, to: WebhookId, sending: impl Future<Output = ()> + Send + 'static) {
        *self.to.entry(to).or_default() += 1;
        self.tasks.spawn(async move {
            sending.await;
            to
        });
    }

    /// `None`: it broke off, and nobody knows which it was.
    fn note_done(&mut self, done: Option<WebhookId>) {
        match done {
            Some(to) => {
                if let Some(count) = self.to.get_mut(&to) {
                    *count = count.saturating_sub(1);
                }
                self.to.retain(|_, count| *count > 0);
            }
            None if self.tasks.is_empty() => self.to.clear(),
            None => {}
        }
    }

    fn has_room(&self, to: WebhookId) -> bool {
        self.to.get(&to).is_none_or(|count| *count < AT_ONCE_TO_ONE_MAX)
    }

    fn busy(&self) -> Vec<WebhookId> {
        self.to.keys().copied().filter(|to| !self.has_room(*to)).collect()
    }
}
