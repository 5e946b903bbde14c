//! Asking the keepers, and waiting for what they say.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::limit::CounterId;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::Limits;
use super::applying::Demands;
use super::backend::{BlockAsked, RateAsked, RateTaken, Unavailable};
use super::check::rates;

/// A decision that has to wait: nothing is taken yet, nothing recorded. [`Wait::settle`] asks; then the decision is made again.
#[derive(Debug)]
pub struct Wait {
    limits: Arc<Limits>,
    ask: Ask,
    /// What was settled before, and until when.
    settled: Settled,
}

/// What is known when a decision is made again. A new one may wait.
#[derive(Debug, Default)]
pub struct Settled {
    /// Until when, of the monotonic clock in nanoseconds; `None`: nothing was waited for yet.
    until: Option<u64>,
    /// Nothing is waited for any more.
    is_over: bool,
    rates: Option<Result<Vec<(CounterId, RateTaken)>, Unavailable>>,
}

/// Who is asked for what.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Blocks of quotas; `true`: this request is the one that asks.
    Blocks(Vec<(BlockAsked, bool)>),
    /// Rates that are counted elsewhere.
    Rates(Vec<RateAsked>),
}

/// Somebody asks for a block: whatever becomes of it, the next one may ask then.
struct AskingOne {
    limits: Arc<Limits>,
    counter: CounterId,
    is_answered: bool,
}

/// For how long a keeper that could not be asked is left alone, in nanoseconds.
const DOWN_PERIOD: u64 = 100_000_000;

// === impl Settled ===

impl Settled {
    /// For a decision that must not wait.
    pub const fn now() -> Self {
        Self { until: None, is_over: true, rates: None }
    }

    /// Whether the time for waiting is over.
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    pub(crate) fn may_wait(&self) -> bool {
        !self.is_over
    }

    /// What the keeper said of a rate; `None`: it was not asked.
    pub(crate) fn rate(&self, counter: CounterId) -> Option<Result<RateTaken, Unavailable>> {
        match self.rates.as_ref()? {
            Err(Unavailable) => Some(Err(Unavailable)),
            Ok(taken) => {
                let found = taken.iter().find(|(known, _)| *known == counter);
                // One that came with a change meanwhile was not asked for; it is counted here.
                Some(found.map(|(_, taken)| *taken).ok_or(Unavailable))
            }
        }
    }
}

// === impl Wait ===

impl Wait {
    pub(crate) fn new(limits: &Arc<Limits>, ask: Ask, settled: Settled) -> Self {
        Self { limits: Arc::clone(limits), ask, settled }
    }

    /// Asks, and waits for the answers: for all of a request no longer than [`super::LimitsConfig::wait`].
    pub async fn settle(self) -> Settled {
        let Self { limits, ask, mut settled } = self;
        let now = limits.now();
        if settled.until.is_none() {
            limits.counts.note_waiting();
        }
        let nanos = u64::try_from(limits.config.wait.as_nanos()).unwrap_or(u64::MAX);
        let until = *settled.until.get_or_insert(now.saturating_add(nanos));
        let left = Duration::from_nanos(until.saturating_sub(now));
        let in_time = match ask {
            Ask::Blocks(asked) => timeout(left, limits.wait_for_blocks(asked)).await.is_ok(),
            Ask::Rates(asked) => {
                let answer = timeout(left, limits.take_rates(asked)).await;
                settled.rates = Some(answer.unwrap_or(Err(Unavailable)));
                matches!(settled.rates, Some(Ok(_)))
            }
        };
        if !in_time {
            limits.counts.note_unavailable();
        }
        settled.is_over |= !in_time || left.is_zero();
        settled
    }
}

// === impl Limits (asking) ===

impl Limits {
    async fn wait_for_blocks(self: &Arc<Self>, asked: Vec<(BlockAsked, bool)>) {
        let mut counters = Vec::with_capacity(asked.len());
        for (block, is_first) in asked {
            counters.push(block.counter);
            if is_first {
                self.ask_for_block(block);
            }
        }
        for counter in counters {
            let arrived = self.counters.arrivals(counter).notified();
            let mut arrived = std::pin::pin!(arrived);
            loop {
                // Told of what arrives from here on.
                arrived.as_mut().enable();
                if !self.counters.is_asking(counter) {
                    break;
                }
                arrived.as_mut().await;
                arrived.set(self.counters.arrivals(counter).notified());
            }
        }
    }

    /// Asks for a block in a task of its own: one that comes too late for a request is there for the next.
    pub(super) fn ask_for_block(self: &Arc<Self>, asked: BlockAsked) {
        let mut asking = AskingOne { limits: Arc::clone(self), counter: asked.counter, is_answered: false };
        let keeper = self.quotas.read().clone();
        let (Some(keeper), Ok(runtime)) = (keeper, Handle::try_current()) else { return };
        runtime.spawn(async move {
            // All of it: what is told at its end stands in it.
            let asking = &mut asking;
            let limits = Arc::clone(&asking.limits);
            let asked_at = limits.now();
            match keeper.lease_block(asked.clone()).await {
                Ok(granted) => {
                    let resets_at = asked.quota.resets_at(limits.clock.now(), &asked.zone);
                    limits.counters.install(&asked, &granted, asked_at, resets_at);
                    asking.is_answered = true;
                }
                Err(Unavailable) => limits.counts.note_unavailable(),
            }
        });
    }

    async fn take_rates(&self, asked: Vec<RateAsked>) -> Result<Vec<(CounterId, RateTaken)>, Unavailable> {
        let keeper = self.rates.read().clone().ok_or(Unavailable)?;
        let counters: Vec<_> = asked.iter().map(|asked| asked.counter).collect();
        let taken = keeper.take(asked).await?;
        if taken.len() == counters.len() { Ok(counters.into_iter().zip(taken).collect()) } else { Err(Unavailable) }
    }

    /// Gives back rates that were taken elsewhere for a request that is refused after all.
    pub(super) fn give_back_rates(&self, demands: &Demands<'_>, settled: &Settled) {
        let Some(Ok(taken)) = &settled.rates else { return };
        if taken.is_empty() || taken.iter().any(|(_, taken)| !taken.passes) {
            return;
        }
        if let (Some(keeper), Ok(runtime)) = (self.rates.read().clone(), Handle::try_current()) {
            let asked = rates(demands);
            // What is lost refills.
            runtime.spawn(async move {
                let _ = keeper.give_back(asked).await;
            });
        }
    }
}

impl Drop for AskingOne {
    fn drop(&mut self) {
        let down_until = (!self.is_answered).then(|| self.limits.now().saturating_add(DOWN_PERIOD));
        self.limits.counters.end_asking(self.counter, down_until);
    }
}
