//! Rates of all nodes, counted in Redis or Valkey: one script, one round trip, all or none, by its clock.

use std::sync::Arc;
use std::time::Duration;

use claviger_domain::hex;
use claviger_domain::keyring::Keyring;
use claviger_domain::limit::Gcra;
use claviger_engine::{Asking, RateAsked, RateKeeper, RateTaken, Unavailable};
use redis::Script;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::circuit::Circuit;
use super::config::LimitsConfig;
use super::counters::{Call, Counters};

const TAKE: &str = include_str!("take.lua");
/// A tick of the script, in nanoseconds.
const TICK_NANOS: u64 = 125;
/// The most ticks that the script is told: far more than any burst, and exact beside its clock.
const TICKS_MAX: u64 = 1 << 50;
/// How often a Redis that did not answer is looked for.
const LOOK_PERIOD: Duration = Duration::from_millis(250);
/// How long a connection may take to be made; it is made in the background, and no request waits for it so long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The code of the script's own error.
const FOREIGN: &str = "FOREIGN";

/// Rates that are counted in Redis.
pub struct RedisRates {
    connection: ConnectionManager,
    script: Script,
    /// What keys begin with: this installation's, in one slot.
    prefix: String,
    deadline: Duration,
    circuit: Circuit,
    counters: Arc<Counters>,
}

/// A rate as the script is told of it, in ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    interval: u64,
    capacity: u64,
    charge: i64,
}

// === impl RedisRates ===

impl RedisRates {
    /// The one that is configured, if any. It is connected to in the background.
    ///
    /// # Errors
    /// A URL that no client can be made of.
    pub fn new(config: &LimitsConfig, keyring: &Keyring, counters: Arc<Counters>) -> redis::RedisResult<Option<Self>> {
        let Some(url) = &config.redis_url else { return Ok(None) };
        // The response's time-out is the deadline of the request, which may be dropped sooner.
        let settings = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(config.redis_timeout()))
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_millis(500));
        let connection = ConnectionManager::new_lazy_with_config(url.client()?, settings)?;
        counters.note_redis();
        Ok(Some(Self {
            connection,
            script: Script::new(TAKE),
            prefix: prefix(keyring),
            deadline: config.redis_timeout(),
            circuit: Circuit::default(),
            counters,
        }))
    }

    /// Looks for a Redis that does not answer, until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let look = async {
            // Before the first request needs it a connection is made, or it is known that there is none.
            while self.call(&[]).await.is_err() {
                tokio::time::sleep(LOOK_PERIOD).await;
            }
            loop {
                self.circuit.opened().await;
                tokio::time::sleep(LOOK_PERIOD).await;
                let _ = self.call(&[]).await;
            }
        };
        tokio::select! {
            () = look => {}
            () = stop.cancelled() => {}
        }
    }

    /// Takes these, all or none; whether so, and in how many ticks each bucket is full after that.
    async fn call(&self, rates: &[(String, Ticks)]) -> Result<(bool, Vec<u64>), Unavailable> {
        let mut invocation = self.script.prepare_invoke();
        for (key, ticks) in rates {
            invocation.key(key).arg(ticks.capacity).arg(ticks.charge);
        }
        let mut connection = self.connection.clone();
        let asked_at = Instant::now();
        let answer = invocation.invoke_async::<Vec<String>>(&mut connection);
        match tokio::time::timeout(self.deadline, answer).await {
            Ok(Ok(answer)) => match read(&answer, rates.len()) {
                Some(read) => {
                    self.note_answer(asked_at.elapsed());
                    Ok(read)
                }
                None => Err(self.failed(Call::Failed, "its answer is not the script's")),
            },
            Ok(Err(error)) if error.code() == Some(FOREIGN) => {
                // It is well; one counter is not.
                self.counters.note_call(Call::Foreign);
                tracing::debug!("Redis: {}", error.detail().unwrap_or_default());
                Err(Unavailable)
            }
            Ok(Err(error)) if error.is_timeout() => Err(self.failed(Call::Late, "it does not answer in time")),
            Ok(Err(error)) => Err(self.failed(Call::Failed, error.category())),
            Err(_) => Err(self.failed(Call::Late, "it does not answer in time")),
        }
    }

    fn note_answer(&self, took: Duration) {
        self.counters.note_call(Call::Answered);
        self.counters.note_redis_took(took);
        if self.circuit.note_answer() {
            self.counters.note_redis_away(false);
            tracing::info!("Redis answers again: rates are counted there");
        }
    }

    fn failed(&self, call: Call, why: &str) -> Unavailable {
        self.counters.note_call(call);
        if self.circuit.note_failure() {
            self.counters.note_redis_away(true);
            tracing::error!("Redis cannot be asked: {why}; rates go as limits.redis_unavailable says");
        }
        Unavailable
    }

    async fn ask(&self, rates: &[RateAsked], gives_back: bool) -> Result<Vec<RateTaken>, Unavailable> {
        if self.circuit.is_open() {
            self.counters.note_call(Call::Skipped);
            return Err(Unavailable);
        }
        let asked: Vec<_> = rates
            .iter()
            .map(|asked| (format!("{}{}", self.prefix, asked.counter), Ticks::of(&asked.rate, asked.cost, gives_back)))
            .collect();
        let (passed, full) = self.call(&asked).await?;
        Ok(rates
            .iter()
            .zip(&asked)
            .zip(full)
            .map(|((rate, (_, ticks)), full)| ticks.taken(rate, passed, full))
            .collect())
    }
}

impl RateKeeper for RedisRates {
    fn take(&self, rates: Vec<RateAsked>) -> Asking<'_, Vec<RateTaken>> {
        Box::pin(async move { self.ask(&rates, false).await })
    }

    fn give_back(&self, rates: Vec<RateAsked>) -> Asking<'_, ()> {
        Box::pin(async move { self.ask(&rates, true).await.map(drop) })
    }
}

// === impl Ticks ===

impl Ticks {
    /// Rounded up, so that never more pass than the rate says: an error of less than a tick a request.
    fn of(rate: &Gcra, cost: u64, gives_back: bool) -> Self {
        let (interval_nanos, capacity_nanos) = rate.parts();
        let interval = interval_nanos.div_ceil(TICK_NANOS);
        let burst = capacity_nanos / interval_nanos.max(1);
        let capacity = interval.saturating_mul(burst).min(TICKS_MAX);
        // What never passes does not pass there either.
        let never = rate.take(0, 0, cost).is_err();
        let charge = if never { capacity + 1 } else { interval.saturating_mul(cost).min(TICKS_MAX) };
        let charge = i64::try_from(charge).unwrap_or(i64::MAX);
        Self { interval, capacity, charge: if gives_back { -charge } else { charge } }
    }

    /// What came of a rate whose bucket is full in `full` ticks; `passed`: this request is counted in.
    fn taken(self, asked: &RateAsked, passed: bool, full: u64) -> RateTaken {
        let over = full.saturating_add_signed(self.charge).saturating_sub(self.capacity);
        let has_room = passed || over == 0;
        let never = asked.rate.take(0, 0, asked.cost).is_err();
        RateTaken {
            passes: has_room,
            remaining: self.capacity.saturating_sub(full).checked_div(self.interval).unwrap_or(0),
            full_in: full.saturating_mul(TICK_NANOS),
            retry_in: (!has_room && !never).then(|| over.saturating_mul(TICK_NANOS)),
        }
    }
}

/// Of this installation alone, with all its keys in one slot of a cluster.
fn prefix(keyring: &Keyring) -> String {
    let mac = keyring.fingerprint().mac(&[b"redis keys"]);
    format!("{{claviger:{}}}:rate:", hex(&mac[..8]))
}

/// The script's answer: whether all passed, and for each the ticks until it is full.
fn read(answer: &[String], count: usize) -> Option<(bool, Vec<u64>)> {
    let (passed, full) = answer.split_first()?;
    let passed = match passed.as_str() {
        "1" => true,
        "0" => false,
        _ => return None,
    };
    let full: Option<Vec<u64>> = full.iter().map(|ticks| ticks.parse().ok()).collect();
    full.filter(|full| full.len() == count).map(|full| (passed, full))
}
