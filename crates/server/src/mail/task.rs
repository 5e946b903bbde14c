//! Sends what waits in the outbox. Every node does so: what one has leased no other touches.

use std::sync::Arc;
use std::time::Duration;

use claviger_manage::mail::{self, Failure, Settled};
use claviger_manage::{Error, Manage};
use claviger_store::outbox::Waiting;
use futures_util::future::join_all;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::smtp::ATTEMPT_TIMEOUT;
use super::{Counters, Smtp};

/// How often the outbox is looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// How many mails a node has on the way at once.
const AT_ONCE_MAX: i64 = 4;
/// How often it is looked how full the outbox is, and what ended long ago is deleted: each so many looks.
const LOOKS_A_TRIM: u32 = 30;

/// How long mails on the way have at a stop. One that is not through by then goes out again when its lease is over.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// A lease outlives every attempt, so that no two nodes send one mail at a time.
const _: () = assert!(mail::LEASE.as_secs() > 2 * ATTEMPT_TIMEOUT.as_secs());

/// What the task works with.
pub(crate) struct MailTask {
    pub(crate) manage: Arc<Manage>,
    pub(crate) smtp: Smtp,
    pub(crate) counters: Arc<Counters>,
    /// This process: a lease is its alone.
    pub(crate) holder: String,
}

// === impl MailTask ===

impl MailTask {
    /// Runs until `stop`. What is on the way then is waited for, for [`STOP_PATIENCE`], and nothing is leased any more.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut period = tokio::time::interval(PERIOD);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looks = 0u32;
        loop {
            tokio::select! {
                _ = period.tick() => {}
                () = stop.cancelled() => return,
            }
            if let Err(error) = self.send_due(&stop).await {
                tracing::debug!("the outbox cannot be read or written now: {error:?}");
            }
            if stop.is_cancelled() {
                return;
            }
            if looks.is_multiple_of(LOOKS_A_TRIM) {
                self.look_after().await;
            }
            looks = looks.wrapping_add(1);
        }
    }

    /// Sends all that is due, until `stop`.
    async fn send_due(&self, stop: &CancellationToken) -> Result<(), Error> {
        while !stop.is_cancelled() {
            let leased = mail::lease(&self.manage, &self.holder, AT_ONCE_MAX).await?;
            if leased.is_empty() {
                return Ok(());
            }
            let patience = async {
                stop.cancelled().await;
                tokio::time::sleep(STOP_PATIENCE).await;
            };
            tokio::select! {
                _ = join_all(leased.iter().map(|mail| self.send(mail))) => self.note_depth().await,
                () = patience => tracing::warn!("stopped with mails on the way: they go out again when their lease is over"),
            }
        }
        Ok(())
    }

    async fn send(&self, waiting: &Waiting) {
        let sent = match mail::open(&self.manage, waiting) {
            Ok(ready) => self.smtp.send(&ready).await,
            Err(failure) => Err(failure),
        };
        let noted = match sent {
            Ok(()) => {
                self.counters.note_sent();
                tracing::info!(mail = %waiting.id, "mail sent");
                mail::note_sent(&self.manage, &self.holder, waiting).await
            }
            Err(failure) => self.note_failed(waiting, &failure).await,
        };
        if let Err(error) = noted {
            // The lease runs out, and the mail is sent again under the same Message-ID.
            tracing::warn!(mail = %waiting.id, "what became of a mail could not be noted: {error:?}");
        }
    }

    async fn note_failed(&self, waiting: &Waiting, failure: &Failure) -> Result<(), Error> {
        self.counters.note_failed();
        match mail::note_failed(&self.manage, &self.holder, waiting, failure).await? {
            Settled::Again(at) => {
                tracing::warn!(mail = %waiting.id, "mail not sent, tried again at {at}: {}", failure.reason);
            }
            Settled::GivenUp => {
                self.counters.note_given_up();
                tracing::error!(mail = %waiting.id, "mail given up: {}", failure.reason);
            }
        }
        Ok(())
    }

    async fn note_depth(&self) {
        if let Ok(depth) = mail::depth(&self.manage).await {
            self.counters.note_depth(depth);
        }
    }

    async fn look_after(&self) {
        self.note_depth().await;
        if let Err(error) = mail::trim(&self.manage).await {
            tracing::debug!("mails that ended long ago could not be deleted: {error:?}");
        }
    }
}
