//! What whoever sends mails does with the outbox: lease what is due, and note what became of it.

use std::time::Duration;

use claviger_domain::audit::{Chain, Subject};
use claviger_domain::{RequestId, Timestamp};
use claviger_store::{Scope, outbox};
use serde_json::json;

use super::next_pause;
use crate::Manage;
use crate::ctx::Ctx;
use crate::error::Error;

/// For how long a node has a mail to itself: far longer than an attempt may take. What a node leased that died is another's
/// from then on.
pub const LEASE: Duration = Duration::from_mins(3);
/// For how long a mail that was sent is kept, without its link: so long its cause cannot send it twice.
const SENT_KEPT: Duration = Duration::from_hours(7 * 24);

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Trying again would not help.
    pub is_permanent: bool,
    /// For the log and the operator; never holds what the mail says.
    pub reason: String,
}

/// What became of a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It is tried again at this instant.
    Again(Timestamp),
    /// It is not tried any more.
    GivenUp,
}

/// Leases mails that are due for `holder`, at most `count`.
pub async fn lease(manage: &Manage, holder: &str, count: i64) -> Result<Vec<outbox::Waiting>, Error> {
    let now = manage.clock.now();
    Ok(outbox::lease(&manage.store, holder, now, now.saturating_add(LEASE), count).await?)
}

/// Notes that a leased mail was sent.
pub async fn note_sent(manage: &Manage, holder: &str, mail: &outbox::Waiting) -> Result<(), Error> {
    outbox::sent(&manage.store, holder, mail.id, manage.clock.now()).await?;
    Ok(())
}

/// Notes that an attempt failed: it is tried again later, or given up with an entry in the audit log of its tenant.
pub async fn note_failed(
    manage: &Manage,
    holder: &str,
    mail: &outbox::Waiting,
    failure: &Failure,
) -> Result<Settled, Error> {
    let now = manage.clock.now();
    let next_at = now.saturating_add(next_pause(mail.attempts + 1));
    if !failure.is_permanent && next_at < mail.give_up_at {
        outbox::postpone(&manage.store, holder, mail.id, next_at, &failure.reason).await?;
        return Ok(Settled::Again(next_at));
    }
    let ctx = Ctx::system(RequestId::new(now, &*manage.random), now);
    let (scope, chain) = match mail.organization {
        Some(organization) => (Scope::Organization(organization), Chain::Organization(organization)),
        None => (Scope::Installation, Chain::Installation),
    };
    let (mail, holder, reason) = (mail.clone(), holder.to_owned(), give_up_reason(mail, failure));
    let ended = manage.store.write(scope, move |tx| {
        let (ctx, mail, holder, reason) = (ctx.clone(), mail.clone(), holder.clone(), reason.clone());
        Box::pin(async move {
            if outbox::give_up(tx, &holder, mail.id, ctx.now, &reason).await? {
                let subject = Subject {
                    kind: "mail".to_owned(),
                    id: mail.id.to_string(),
                    name: Some(mail.recipient.to_string()),
                };
                let attempts = mail.attempts + 1;
                let after = json!({"attempts": attempts, "reason": reason});
                tx.audit(chain, ctx.entry("mail.fail", subject, None, Some(after)));
            }
            Ok::<_, Error>(())
        })
    });
    match ended.await {
        // Its organization is gone, and the mail with it before long.
        Err(error) if error.code() != crate::ErrorCode::NotFound => Err(error),
        _ => Ok(Settled::GivenUp),
    }
}

/// What stands in the outbox as the reason of the end.
pub fn give_up_reason(mail: &outbox::Waiting, failure: &Failure) -> String {
    if failure.is_permanent {
        failure.reason.clone()
    } else {
        format!("{} times in vain: {}", mail.attempts + 1, failure.reason)
    }
}

/// How full the outbox is.
pub async fn depth(manage: &Manage) -> Result<outbox::Depth, Error> {
    Ok(outbox::depth(&mut *manage.store.read().await?).await?)
}

/// Deletes mails that ended long ago.
pub async fn trim(manage: &Manage) -> Result<u64, Error> {
    let before = manage.clock.now().as_micros().saturating_sub(SENT_KEPT.as_micros() as i64);
    Ok(outbox::trim(&manage.store, Timestamp::from_micros(before)).await?)
}

// === impl Failure ===

impl Failure {
    /// One that another attempt may get over.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { is_permanent: false, reason: reason.into() }
    }

    /// One that no further attempt gets over.
    pub fn permanent(reason: impl Into<String>) -> Self {
        Self { is_permanent: true, reason: reason.into() }
    }
}
