//! Quotas, kept in the database for all nodes: blocks are taken from it and given back.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use claviger_domain::quota_block::Wanted;
use claviger_domain::{Clock, Timestamp};
use claviger_engine::{
    Asking, BlockAsked, Granted, LeaseId, QuotaAsked, QuotaKeeper, QuotaStanding, Unavailable, Unspent,
};
use claviger_manage::Nodes;
use claviger_manage::nodes::Standing;
use claviger_store::quotas::{self, Ask, Counter, GIVEN_BACK_MAX, Lease, Return, TAKEN_MAX, Taken, Usage};
use claviger_store::{Error, Store};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::counters::{Asked, Counters};
use crate::health::Health;

/// How long a block may be spent.
pub const LEASE_TIME: Duration = Duration::from_secs(2);
/// Where nothing is left but other nodes hold blocks: when to ask again.
const ASK_AGAIN: Duration = Duration::from_millis(250);
/// What a node that has just begun to spend of a quota may take for the beginning.
const FIRST: u64 = 16;
/// Transactions that take blocks at once, so that they leave connections to the rest: each takes those of all that wait.
const AT_ONCE: usize = 4;
/// Asks that run and wait at once; more are told that it cannot be asked.
const ASKS_MAX: usize = 1_024;
/// Blocks that wait to be given back; what is more is given up, and counts as spent.
pub const RETURNS_MAX: usize = 100_000;

/// Keeps quotas in the database.
#[derive(Clone)]
pub struct Keeper {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    nodes: Arc<Nodes>,
    counters: Arc<Counters>,
    /// This process, as its node's row names it.
    run: String,
    /// The number of the next lease.
    next: AtomicI64,
    room: Arc<Semaphore>,
    turns: Semaphore,
    /// Who waits for a block. Whoever has a turn takes those of many in one transaction: the more wait, the fewer a block costs.
    waiting: Mutex<VecDeque<Waiting>>,
    /// What is to be given back: what the engine has handed out, and blocks that came too late for whoever asked or of which
    /// nobody knows whether they were taken.
    returns: Mutex<VecDeque<Return>>,
    /// One gives back at a time.
    returning: tokio::sync::Mutex<()>,
}

/// Somebody who waits for a block.
struct Waiting {
    asked: BlockAsked,
    answer: oneshot::Sender<Result<Handed, Unavailable>>,
    _room: OwnedSemaphorePermit,
}

/// A block on its way to whoever asked. One that does not arrive goes back: also where the asker stopped waiting when it had been sent
/// and not been looked at.
struct Handed {
    granted: Granted,
    back: Option<(Arc<Inner>, Return)>,
}

// === impl Keeper ===

impl Keeper {
    /// Of the process that its node's row names by `run`.
    pub(crate) fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        health: Arc<Health>,
        nodes: Arc<Nodes>,
        run: String,
        counters: Arc<Counters>,
    ) -> Self {
        let inner = Inner {
            store,
            clock,
            health,
            nodes,
            counters,
            run,
            next: AtomicI64::new(1),
            room: Arc::new(Semaphore::new(ASKS_MAX)),
            turns: Semaphore::new(AT_ONCE),
            waiting: Mutex::default(),
            returns: Mutex::default(),
            returning: tokio::sync::Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Gives back all that waits for it.
    ///
    /// # Errors
    /// [`Unavailable`]: what could not be given back waits for the next time.
    pub async fn return_all(&self) -> Result<(), Unavailable> {
        let inner = &*self.inner;
        let _alone = inner.returning.lock().await;
        loop {
            let batch: Vec<Return> = inner.returns.lock().iter().take(GIVEN_BACK_MAX).cloned().collect();
            if batch.is_empty() {
                return Ok(());
            }
            // Given back once, however often this is tried.
            if let Err(error) = quotas::give_back(&inner.store, &batch).await {
                tracing::debug!("blocks of quotas cannot be given back: {error}");
                return Err(Unavailable);
            }
            let mut returns = inner.returns.lock();
            returns.drain(..batch.len());
            inner.counters.note_returns_waiting(returns.len());
        }
    }
}

impl QuotaKeeper for Keeper {
    fn lease_block(&self, asked: BlockAsked) -> Asking<'_, Granted> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let Ok(room) = Arc::clone(&inner.room).try_acquire_owned() else {
                inner.counters.note_asked(Asked::Unavailable);
                return Err(Unavailable);
            };
            let (answer, answered) = oneshot::channel();
            inner.counters.note_ask_begun();
            inner.waiting.lock().push_back(Waiting { asked, answer, _room: room });
            // A task of its own: whoever stops waiting does not stop half a transaction.
            tokio::spawn(async move {
                inner.answer_some().await;
                inner.counters.note_ask_ended();
            });
            answered.await.unwrap_or(Err(Unavailable)).map(Handed::arrived)
        })
    }

    fn give_back(&self, blocks: Vec<Unspent>) -> Asking<'_, ()> {
        for Unspent { counter, organization, lease, amount } in blocks {
            self.inner.counters.note_returned(amount);
            let counter = Counter { organization, id: counter };
            self.inner.put_back(Return { lease: self.inner.lease(lease.0 as i64), counter, unspent: amount });
        }
        Box::pin(self.return_all())
    }

    fn peek(&self, asked: Vec<QuotaAsked>) -> Asking<'_, Vec<QuotaStanding>> {
        Box::pin(async move {
            self.inner.look(&asked).await.map_err(|error| {
                tracing::debug!("quotas cannot be looked at: {error}");
                Unavailable
            })
        })
    }
}

// === impl Inner ===

impl Inner {
    /// Takes blocks for those that wait by the time that it has a turn, and tells each. There may be nobody left: each that asks
    /// brings a turn, and one turn serves many.
    async fn answer_some(self: &Arc<Self>) {
        let Ok(_turn) = self.turns.acquire().await else { return };
        let waiting = self.next_waiting();
        if waiting.is_empty() {
            return;
        }
        let asks: Vec<(Lease, Ask)> = waiting.iter().map(|one| (self.next_lease(), self.ask(&one.asked))).collect();
        match quotas::take(&self.store, &asks).await {
            Ok(taken) => {
                for ((one, (lease, ask)), taken) in waiting.into_iter().zip(asks).zip(taken) {
                    self.hand_out(one, lease, &ask, taken);
                }
            }
            Err(error) => {
                tracing::debug!("blocks of quotas cannot be taken: {error}");
                for (one, (lease, ask)) in waiting.into_iter().zip(asks) {
                    self.counters.note_asked(Asked::Unavailable);
                    if error == Error::Unknown {
                        self.put_back(Return { lease, counter: ask.counter, unspent: u64::MAX });
                    }
                    // Whoever does not wait any more knows already.
                    let _ = one.answer.send(Err(Unavailable));
                }
            }
        }
    }

    /// Those that have waited longest, and wait still.
    fn next_waiting(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock();
        let mut next = Vec::new();
        while next.len() < TAKEN_MAX
            && let Some(one) = waiting.pop_front()
        {
            if !one.answer.is_closed() {
                next.push(one);
            }
        }
        next
    }

    /// Tells somebody of a block.
    fn hand_out(self: &Arc<Self>, to: Waiting, lease: Lease, ask: &Ask, taken: Taken) {
        self.note_taken(&taken);
        let granted = granted(self.lease_id(lease.number), &taken, &to.asked, ask.now);
        let back = Return { lease, counter: ask.counter, unspent: taken.units };
        let back = (taken.units > 0).then(|| (Arc::clone(self), back));
        // What cannot be sent is dropped, and goes back by that.
        let _ = to.answer.send(Ok(Handed { granted, back }));
    }

    fn next_lease(&self) -> Lease {
        self.lease(self.next.fetch_add(1, Ordering::Relaxed))
    }

    fn ask(&self, asked: &BlockAsked) -> Ask {
        Ask {
            counter: Counter { organization: asked.organization, id: asked.counter },
            quota: asked.quota,
            zone: asked.zone.clone(),
            now: self.now(),
            wanted: Wanted { least: asked.needed, most: asked.wanted.max(FIRST) },
            nodes: live_nodes(&self.nodes),
        }
    }

    fn note_taken(&self, taken: &Taken) {
        self.counters.note_asked(if taken.units > 0 { Asked::Granted } else { Asked::NoneLeft });
        self.counters.note_taken(taken.units);
    }

    fn put_back(&self, back: Return) {
        let mut returns = self.returns.lock();
        if returns.len() >= RETURNS_MAX {
            tracing::error!("too many blocks of quotas wait to be given back: one is given up and counts as spent");
            return;
        }
        returns.push_back(back);
        self.counters.note_returns_waiting(returns.len());
    }

    fn lease(&self, number: i64) -> Lease {
        Lease { run: self.run.clone(), number }
    }

    /// The process before, the number behind: like no other's.
    fn lease_id(&self, number: i64) -> LeaseId {
        let run = self.run.get(..16).and_then(|half| u64::from_str_radix(half, 16).ok()).unwrap_or_default();
        LeaseId(u128::from(run) << 64 | number as u128)
    }

    /// How quotas stand, all at one instant.
    async fn look(&self, asked: &[QuotaAsked]) -> Result<Vec<QuotaStanding>, Error> {
        let (mut snapshot, now) = (self.store.read().await?, self.now());
        let mut stand = Vec::with_capacity(asked.len());
        for QuotaAsked { counter, organization, quota, zone } in asked {
            let counter = Counter { organization: *organization, id: *counter };
            let Usage { spent, held, .. } = quotas::usage(&mut snapshot, &counter, quota, zone, now).await?;
            stand.push(QuotaStanding { spent, held, resets_at: quota.resets_at(now, zone) });
        }
        Ok(stand)
    }

    /// What time it is by the database's clock, as far as this node knows that.
    fn now(&self) -> Timestamp {
        let (now, ahead) = (self.clock.now(), self.health.clock_ahead_micros().unwrap_or_default());
        Timestamp::from_micros(now.as_micros().saturating_sub(ahead))
    }
}

// === impl Handed ===

impl Handed {
    fn arrived(mut self) -> Granted {
        self.back = None;
        self.granted
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        if let Some((inner, back)) = self.back.take() {
            inner.put_back(back);
        }
    }
}

/// How many nodes are live, this one included.
pub(crate) fn live_nodes(nodes: &Nodes) -> usize {
    let live = |seen: Arc<claviger_manage::nodes::Seen>| {
        let others = nodes.others(&seen).filter(|node| node.standing == Standing::Live);
        others.count() + 1
    };
    nodes.last_seen().map_or(1, live)
}

fn granted(lease: LeaseId, taken: &Taken, asked: &BlockAsked, now: Timestamp) -> Granted {
    let refilled_in = || asked.quota.resets_at(now, &asked.zone).map(|at| at.saturating_since(now));
    let ask_again = match taken {
        Taken { units: 1.., .. } => None,
        Taken { held: 1.., .. } => Some(ASK_AGAIN),
        _ if asked.quota.begins_anew() => None,
        _ => refilled_in(),
    };
    Granted {
        lease,
        amount: taken.units,
        lease_time: LEASE_TIME,
        period_left: taken.ends_at.map(|at| at.saturating_since(now)),
        rest: taken.rest,
        ask_again,
    }
}
