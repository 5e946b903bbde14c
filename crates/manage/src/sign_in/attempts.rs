//! Each try is counted before it is made: a hundred at once are a hundred.

use std::net::IpAddr;

use claviger_domain::Timestamp;
use claviger_domain::attempts::{Attempts, Turn, range_of};
use claviger_domain::sign_in_key::SessionDigest;
use claviger_store::sign_in_attempts::{self, Counter};
use claviger_store::{Committed, Scope};

use crate::Manage;
use crate::error::Error;

/// Where from somebody tries: each has its own counter for an account.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin<'a> {
    /// A range of addresses.
    Range(Option<IpAddr>),
    /// A browser that has signed in before, or a session: its 16 bytes.
    Known(&'a [u8]),
}

/// The counter of tries at an account, which is a person's id, or what was entered where there is no such person.
pub(super) fn counter(manage: &Manage, account: &[u8], from: Origin<'_>) -> Counter {
    let range = match from {
        Origin::Range(ip) => ip.map(range_of).map_or_else(String::new, |range| range.to_string()),
        Origin::Known(_) => String::new(),
    };
    let known = match from {
        Origin::Range(_) => &[],
        Origin::Known(bytes) => bytes,
    };
    Counter::new(manage.keyring.session_key().digest(SessionDigest::Attempt, &[account, range.as_bytes(), known]))
}

/// Counts a try that is about to be made; 429 where it has to wait, and then nothing is counted.
pub(super) async fn begin(manage: &Manage, counter: &Counter, now: Timestamp) -> Result<Attempts, Error> {
    let snapshot = sign_in_attempts::get(&mut *manage.store.read().await?, counter).await?;
    // A look first: a flood against a locked door writes nothing.
    check(&snapshot, now)?;
    let counter = counter.clone();
    let committed: Committed<Attempts> = manage
        .store
        .write(Scope::Installation, move |tx| {
            let counter = counter.clone();
            Box::pin(async move {
                let attempts = sign_in_attempts::get(tx, &counter).await?;
                check(&attempts, now)?;
                let attempts = attempts.with_another(now);
                sign_in_attempts::put(tx, &counter, attempts).await?;
                Ok::<_, Error>(attempts)
            })
        })
        .await?;
    Ok(committed.value)
}

fn check(attempts: &Attempts, now: Timestamp) -> Result<(), Error> {
    match attempts.turn(now) {
        Turn::Now => Ok(()),
        Turn::Wait(pause) => Err(Error::too_many_attempts(pause)),
    }
}
