//! Each try is counted before it is made: a hundred at once are a hundred.

use std::net::IpAddr;

use claviger_domain::Timestamp;
use claviger_domain::attempts::{Attempts, Turn, range_of};
use claviger_domain::sign_in_key::SessionDigest;
use claviger_store::sign_in_attempts::{self, Counter};
use claviger_store::{Committed, Conn, Scope, Tx};

use crate::Manage;
use crate::error::Error;

/// In the place of a range: codes of whoever knows the password, wherever they are.
const CODES: &str = "codes";

/// Where from somebody tries: each has its own counter for an account.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin<'a> {
    /// A range of addresses.
    Range(Option<IpAddr>),
    /// A browser that has signed in before, or a session: its 16 bytes.
    Known(&'a [u8]),
    /// Anywhere but in such a browser, by whoever has entered the right password: a code has six digits alone, and many
    /// networks would have many tries.
    Codes,
}

/// A try that was counted, at one counter or several.
#[derive(Debug, Clone)]
pub(crate) struct Tried(Vec<Count>);

#[derive(Debug, Clone)]
struct Count {
    counter: Counter,
    before: Attempts,
    after: Attempts,
}

/// The counter of tries at an account, which is a person's id, or what was entered where there is no such person.
pub(crate) fn counter(manage: &Manage, account: &[u8], from: Origin<'_>) -> Counter {
    let range = match from {
        Origin::Range(ip) => ip.map(range_of).map_or_else(String::new, |range| range.to_string()),
        Origin::Known(_) => String::new(),
        Origin::Codes => CODES.to_owned(),
    };
    let known = match from {
        Origin::Range(_) | Origin::Codes => &[],
        Origin::Known(bytes) => bytes,
    };
    Counter::new(manage.keyring.session_key().digest(SessionDigest::Attempt, &[account, range.as_bytes(), known]))
}

/// Counts a try that is about to be made; 429 where it has to wait at any of the counters, and then nothing is counted.
pub(crate) async fn begin(manage: &Manage, counters: &[&Counter], now: Timestamp) -> Result<Tried, Error> {
    let counters: Vec<Counter> = counters.iter().map(|counter| (*counter).clone()).collect();
    // A look first: a flood against a locked door writes nothing.
    look(&mut *manage.store.read().await?, &counters, now).await?;
    let committed: Committed<Tried> = manage
        .store
        .write(Scope::Installation, move |tx| {
            let counters = counters.clone();
            Box::pin(async move {
                let tried = Tried(look(tx, &counters, now).await?);
                for count in &tried.0 {
                    sign_in_attempts::put(tx, &count.counter, count.after).await?;
                }
                Ok::<_, Error>(tried)
            })
        })
        .await?;
    Ok(committed.value)
}

/// What another try would be counted as.
async fn look(conn: &mut Conn, counters: &[Counter], now: Timestamp) -> Result<Vec<Count>, Error> {
    let mut counts = Vec::with_capacity(counters.len());
    for counter in counters {
        let before = sign_in_attempts::get(conn, counter).await?;
        counts.push(Count { counter: counter.clone(), before, after: before.with_another(now) });
    }
    let longest = counts.iter().filter_map(|count| match count.before.turn(now) {
        Turn::Now => None,
        Turn::Wait(pause) => Some(pause),
    });
    longest.max().map_or(Ok(counts), |pause| Err(Error::too_many_attempts(pause)))
}

// === impl Tried ===

impl Tried {
    /// The tries at the counter that has most of them.
    pub(super) fn most(&self) -> Attempts {
        self.0.iter().map(|count| count.after).max_by_key(|after| after.count).unwrap_or_default()
    }

    /// Forgets all tries that are counted there: one has succeeded.
    pub(crate) async fn clear(&self, tx: &mut Tx) -> Result<(), Error> {
        for count in &self.0 {
            sign_in_attempts::clear(tx, &count.counter).await?;
        }
        Ok(())
    }

    /// Takes this try back: it was no failure, and those before it stay. Where others came between, it stays too.
    pub(super) async fn take_back(&self, tx: &mut Tx) -> Result<(), Error> {
        for Count { counter, before, after } in &self.0 {
            if sign_in_attempts::get(tx, counter).await? == *after {
                sign_in_attempts::put(tx, counter, *before).await?;
            }
        }
        Ok(())
    }
}
