//! Limits by themselves, with keepers in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use claviger_domain::limit::{CounterId, Holder, Limit, LimitKind, Period, Quota, Rate, Scope, Tally, Zone};
use claviger_domain::testing::FixedClock;
use claviger_domain::verdict::Code;
use claviger_domain::{Clock, KeyId, OrganizationId};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::held::Demand;
use super::*;

const ORGANIZATION: OrganizationId = OrganizationId::from_raw(1);

/// Keeps quotas as the one who keeps the truth does.
struct MemoryKeeper {
    clock: Arc<FixedClock>,
    tallies: Mutex<BTreeMap<CounterId, Tally>>,
    held: Mutex<BTreeMap<LeaseId, u64>>,
    asked: AtomicUsize,
    is_down: AtomicBool,
}

impl MemoryKeeper {
    fn new(clock: &Arc<FixedClock>) -> Arc<Self> {
        Arc::new(Self {
            clock: Arc::clone(clock),
            tallies: Mutex::default(),
            held: Mutex::default(),
            asked: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
        })
    }

    fn spent(&self) -> u64 {
        self.tallies.lock().values().map(|tally| tally.spent).sum()
    }
}

impl QuotaKeeper for MemoryKeeper {
    fn lease_block(&self, asked: BlockAsked) -> Asking<'_, Granted> {
        Box::pin(async move {
            let lease = LeaseId(self.asked.fetch_add(1, Ordering::Relaxed) as u128);
            if self.is_down.load(Ordering::Relaxed) {
                return Err(Unavailable);
            }
            tokio::task::yield_now().await;
            let mut tallies = self.tallies.lock();
            let tally = tallies.entry(asked.counter).or_default();
            *tally = asked.quota.advance(*tally, self.clock.now(), &asked.zone);
            let left = asked.quota.left(tally);
            let amount = if left < asked.needed { 0 } else { asked.wanted.min(left / 2).max(asked.needed) };
            tally.spent += amount;
            let is_held = self.held.lock().values().any(|amount| *amount > 0);
            self.held.lock().insert(lease, amount);
            let ask_again = is_held.then_some(Duration::from_millis(100));
            let lease_time = Duration::from_secs(2);
            Ok(Granted { lease, amount, lease_time, period_left: None, rest: left - amount, ask_again })
        })
    }

    fn give_back(&self, blocks: Vec<Unspent>) -> Asking<'_, ()> {
        Box::pin(async move {
            for Unspent { counter, lease, amount, .. } in blocks {
                let held = self.held.lock().remove(&lease);
                assert!(held.is_some_and(|held| amount <= held), "more than was given");
                if let Some(tally) = self.tallies.lock().get_mut(&counter) {
                    tally.spent -= amount;
                }
            }
            Ok(())
        })
    }

    fn peek(&self, asked: Vec<QuotaAsked>) -> Asking<'_, Vec<QuotaStanding>> {
        let stands = |_| QuotaStanding { spent: self.spent(), held: 0, resets_at: None };
        Box::pin(async move { Ok(asked.into_iter().map(stands).collect()) })
    }
}

/// Counts rates for all: lets so many pass.
struct CountingKeeper {
    left: Mutex<i64>,
    given_back: AtomicUsize,
    late: bool,
}

impl RateKeeper for CountingKeeper {
    fn take(&self, rates: Vec<RateAsked>) -> Asking<'_, Vec<RateTaken>> {
        Box::pin(async move {
            if self.late {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
            let mut left = self.left.lock();
            *left -= 1;
            let passes = *left >= 0;
            let retry_in = (!passes).then_some(1);
            Ok(rates.iter().map(|_| RateTaken { passes, remaining: 0, full_in: 2_000_000_001, retry_in }).collect())
        })
    }

    fn give_back(&self, _: Vec<RateAsked>) -> Asking<'_, ()> {
        Box::pin(async move {
            self.given_back.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
    }
}

fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::new("2026-01-15T12:00:00Z".parse().expect("an instant")))
}

fn limits(config: LimitsConfig, clock: &Arc<FixedClock>) -> Arc<Limits> {
    Arc::new(Limits::new(config, Arc::clone(clock) as Arc<dyn Clock>))
}

fn rate(name: &str, limit: u64, burst: u64) -> HeldLimit {
    held(name, LimitKind::Rate(Rate { limit, window_seconds: 1, burst }))
}

fn quota(name: &str, limit: u64) -> HeldLimit {
    held(name, LimitKind::Quota(Quota { limit, period: Period::Day, refill: None }))
}

fn held(name: &str, kind: LimitKind) -> HeldLimit {
    let limit = Limit { name: name.parse().expect("a name"), kind, cost: 1, scope: Scope::Key };
    HeldLimit::all(&[limit], Holder::Key)[0].clone()
}

/// What keys ask of these limits.
fn demands<'l>(all: &[(&'l HeldLimit, u128, u64)]) -> Demands<'l> {
    let mut demands = Demands::default();
    for (held, key, cost) in all.iter().copied() {
        let counter = held.counter.of_key(KeyId::from_raw(key));
        demands.push(Demand { held, counter, organization: ORGANIZATION, cost, source: Source::Key(0) });
    }
    demands
}

fn asker(clock: &FixedClock) -> Asker<'static> {
    Asker { zone: &|_| Zone::named("UTC"), now: clock.now() }
}

/// One request, as the engine makes it of turns.
async fn ask(limits: &Arc<Limits>, clock: &FixedClock, all: &[(&HeldLimit, u128, u64)]) -> (Option<Code>, Option<u32>) {
    let mut settled = Settled::default();
    loop {
        let mut states = LimitStates::default();
        let demands = demands(all);
        match limits.check(&demands, &asker(clock), Mode::Take(&settled), &mut states) {
            Checked::Passes => return (None, None),
            Checked::Refused { code, retry_after, .. } => return (Some(code), retry_after),
            Checked::Waits(ask) => settled = Wait::new(limits, ask, settled).settle().await,
        }
    }
}

/// The same without waiting.
fn ask_now(limits: &Arc<Limits>, clock: &FixedClock, all: &[(&HeldLimit, u128, u64)]) -> (Option<Code>, Option<u32>) {
    let mut states = LimitStates::default();
    match limits.check(&demands(all), &asker(clock), Mode::Take(&Settled::now()), &mut states) {
        Checked::Passes => (None, None),
        Checked::Refused { code, retry_after, .. } => (Some(code), retry_after),
        Checked::Waits(ask) => panic!("nothing is waited for: {ask:?}"),
    }
}

proptest! {
    /// Whatever several rates are asked together, a request takes all of them or none: as buckets of whole numbers would.
    #[test]
    fn all_are_taken_or_none(
        sizes in proptest::collection::vec(1u64..6, 1..8),
        requests in proptest::collection::vec((proptest::collection::btree_set(0usize..8, 1..6), 0u64..3), 1..60),
    ) {
        let clock = clock();
        let limits = limits(LimitsConfig::default(), &clock);
        let held: Vec<_> = sizes.iter().enumerate().map(|(at, size)| rate(&format!("l{at}"), 1, *size)).collect();
        let mut left = sizes.clone();
        for (chosen, cost) in requests {
            let chosen: BTreeSet<_> = chosen.into_iter().filter(|at| *at < held.len()).collect();
            let all: Vec<_> = chosen.iter().map(|at| (&held[*at], *at as u128, cost)).collect();
            let expected = chosen.iter().all(|at| left[*at] >= cost);
            if expected {
                for at in &chosen {
                    left[*at] -= cost;
                }
            }
            let (code, _) = ask_now(&limits, &clock, &all);
            prop_assert_eq!(code.is_none(), expected);
            for (at, held) in held.iter().enumerate() {
                let counter = held.counter.of_key(KeyId::from_raw(at as u128));
                let bucket = limits.counters.lock([counter].into_iter()).bucket(counter);
                prop_assert_eq!(held.rate.expect("a rate").remaining(bucket, limits.now()), left[at]);
            }
        }
    }
}

#[test]
fn what_was_refused_passes_when_it_was_told() {
    let clock = clock();
    let limits = limits(LimitsConfig::default(), &clock);
    let slow = held("slow", LimitKind::Rate(Rate { limit: 1, window_seconds: 90, burst: 1 }));
    let all = [(&slow, 1, 1)];
    assert_eq!(ask_now(&limits, &clock, &all), (None, None));
    clock.advance(Duration::from_millis(500));
    assert_eq!(ask_now(&limits, &clock, &all), (Some(Code::RateLimited), Some(90)), "rounded up");
    clock.advance(Duration::from_millis(89_499));
    assert_eq!(ask_now(&limits, &clock, &all), (Some(Code::RateLimited), Some(1)));
    clock.advance(Duration::from_millis(1));
    assert_eq!(ask_now(&limits, &clock, &all), (None, None));
    assert_eq!(ask_now(&limits, &clock, &[(&slow, 2, 2)]), (Some(Code::RateLimited), None), "never: more than a burst");
}

#[test]
fn nodes_share_a_rate() {
    let clock = clock();
    let limits = limits(LimitsConfig::default(), &clock);
    limits.note_live_nodes(3);
    let held = rate("l", 30, 30);
    let passed = (0..30).filter(|_| ask_now(&limits, &clock, &[(&held, 1, 1)]).0.is_none()).count();
    assert_eq!(passed, 10);
    limits.note_live_nodes(0);
    clock.advance(Duration::from_secs(9));
    let passed = (0..90).filter(|_| ask_now(&limits, &clock, &[(&held, 1, 1)]).0.is_none()).count();
    assert_eq!(passed, 30, "one node at least");
}

#[test]
fn memory_is_bounded_and_only_full_counters_make_room() {
    let clock = clock();
    clock.advance(Duration::from_secs(1));
    let limits = limits(LimitsConfig { counters_max: 160, ..LimitsConfig::default() }, &clock);
    let held = rate("l", 1, 1);
    let passed = |keys: std::ops::Range<u128>| {
        keys.filter(|key| ask_now(&limits, &clock, &[(&held, *key, 1)]).0.is_none()).count()
    };
    let first = passed(0..10_000);
    assert!(first <= 160 && limits.metrics().counters <= 160, "{first}");
    assert_eq!(passed(0..160), 0, "nobody's counter was forgotten");
    assert!(limits.metrics().without_room > 0);
    clock.advance(Duration::from_secs(3));
    assert!(passed(20_000..20_100) > 50, "they are full again and made room");
    assert!(limits.metrics().counters <= 160);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_quota_is_never_exceeded_and_spent_to_the_last() {
    let clock = clock();
    let keeper = MemoryKeeper::new(&clock);
    let quota = Arc::new(quota("q", 1_000));
    let nodes: Vec<_> = (0..3)
        .map(|_| {
            let limits = limits(LimitsConfig { wait: Duration::from_secs(5), ..LimitsConfig::default() }, &clock);
            limits.keep_quotas(Arc::clone(&keeper) as Arc<dyn QuotaKeeper>);
            limits
        })
        .collect();
    let passed = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for number in 0..24 {
        let (limits, clock, quota, passed) =
            (Arc::clone(&nodes[number % 3]), Arc::clone(&clock), Arc::clone(&quota), Arc::clone(&passed));
        tasks.push(tokio::spawn(async move {
            for _ in 0..100 {
                if ask(&limits, &clock, &[(&quota, 1, 1)]).await.0.is_none() {
                    passed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    let first = passed.load(Ordering::Relaxed);
    assert!(first <= 1_000, "{first}");
    // Blocks end and come back; what is left is spent by whoever asks, to the last.
    for _ in 0..20 {
        clock.advance(Duration::from_secs(3));
        for limits in &nodes {
            keeper.give_back(limits.blocks_to_give_back(false)).await.expect("in memory");
        }
        for limits in &nodes {
            while ask(limits, &clock, &[(&quota, 1, 1)]).await.0.is_none() {
                passed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    assert_eq!((passed.load(Ordering::Relaxed), keeper.spent()), (1_000, 1_000));
    let (code, retry) = ask(&nodes[0], &clock, &[(&quota, 1, 1)]).await;
    assert_eq!(code, Some(Code::QuotaExceeded));
    assert!(retry.is_some_and(|retry| retry > 40_000 && retry <= 43_200), "at midnight: {retry:?}");
    assert!(keeper.asked.load(Ordering::Relaxed) < 700, "in blocks");
}

#[tokio::test]
async fn what_is_left_passes_after_what_was_too_much_and_a_raised_quota_counts_at_once() {
    let clock = clock();
    let limits = limits(LimitsConfig::default(), &clock);
    limits.keep_quotas(MemoryKeeper::new(&clock) as Arc<dyn QuotaKeeper>);
    let few = quota("credits", 5);
    assert_eq!(ask(&limits, &clock, &[(&few, 1, 10)]).await.0, Some(Code::QuotaExceeded), "more than there is");
    for _ in 0..5 {
        assert_eq!(ask(&limits, &clock, &[(&few, 1, 1)]).await.0, None, "what is left");
    }
    assert_eq!(ask(&limits, &clock, &[(&few, 1, 1)]).await.0, Some(Code::QuotaExceeded));
    let more = quota("credits", 7);
    for _ in 0..2 {
        assert_eq!(ask(&limits, &clock, &[(&more, 1, 1)]).await.0, None, "it was raised by two");
    }
    assert_eq!(ask(&limits, &clock, &[(&more, 1, 1)]).await.0, Some(Code::QuotaExceeded));
}

#[tokio::test]
async fn a_quota_and_a_rate_are_taken_together_or_not_at_all() {
    let clock = clock();
    let (keeper, limits) = (MemoryKeeper::new(&clock), limits(LimitsConfig::default(), &clock));
    limits.keep_quotas(Arc::clone(&keeper) as Arc<dyn QuotaKeeper>);
    let (few, many) = (rate("few", 1, 3), quota("many", 100));
    let all = [(&few, 1, 1), (&many, 1, 1)];
    for _ in 0..3 {
        assert_eq!(ask(&limits, &clock, &all).await.0, None);
    }
    for _ in 0..50 {
        assert_eq!(ask(&limits, &clock, &all).await.0, Some(Code::RateLimited));
    }
    keeper.give_back(limits.blocks_to_give_back(true)).await.expect("in memory");
    assert_eq!(keeper.spent(), 3, "a refused request spends no quota");
}

#[tokio::test]
async fn without_its_keeper_a_limit_goes_as_it_is_configured() {
    let clock = clock();
    for (otherwise, code) in [(Otherwise::Closed, Some(Code::QuotaExceeded)), (Otherwise::Open, None)] {
        let limits = limits(LimitsConfig { quotas_otherwise: otherwise, ..LimitsConfig::default() }, &clock);
        let quota = quota("q", 5);
        assert_eq!(ask(&limits, &clock, &[(&quota, 1, 1)]).await.0, code, "no keeper");
        let keeper = MemoryKeeper::new(&clock);
        keeper.is_down.store(true, Ordering::Relaxed);
        limits.keep_quotas(Arc::clone(&keeper) as Arc<dyn QuotaKeeper>);
        assert_eq!(ask(&limits, &clock, &[(&quota, 1, 1)]).await.0, code, "one that is down");
        assert_eq!(ask(&limits, &clock, &[(&quota, 1, 1)]).await.0, code, "and is left alone");
        assert_eq!(keeper.asked.load(Ordering::Relaxed), 1);
        assert!(limits.metrics().unavailable > 0);
        let told = limits.metrics().otherwise.into_iter().filter(|(.., count)| *count > 0).collect::<Vec<_>>();
        let word = if otherwise == Otherwise::Open { "open" } else { "closed" };
        assert_eq!(told, [("quota", word, 3)]);
        let refused: u64 = limits.metrics().refused.iter().map(|(.., count)| count).sum();
        assert_eq!(refused, if code.is_some() { 3 } else { 0 });
        keeper.is_down.store(false, Ordering::Relaxed);
        clock.advance(Duration::from_millis(100));
        assert_eq!(ask(&limits, &clock, &[(&quota, 1, 1)]).await.0, None, "and is back");
    }
}

#[tokio::test]
async fn rates_that_are_counted_elsewhere_are_asked_there_in_one_turn() {
    let clock = clock();
    let limits = limits(LimitsConfig::default(), &clock);
    let keeper = Arc::new(CountingKeeper { left: Mutex::new(2), given_back: AtomicUsize::new(0), late: false });
    limits.keep_rates(Some(Arc::clone(&keeper) as Arc<dyn RateKeeper>));
    let (one, other, never) = (rate("a", 1_000, 1_000), rate("b", 1_000, 1_000), quota("q", 0));
    for _ in 0..2 {
        assert_eq!(ask(&limits, &clock, &[(&one, 1, 1), (&other, 1, 1)]).await.0, None);
    }
    let refused = ask(&limits, &clock, &[(&one, 1, 1), (&other, 1, 1)]).await;
    assert_eq!(refused, (Some(Code::RateLimited), Some(1)));
    *keeper.left.lock() = 5;
    assert_eq!(ask(&limits, &clock, &[(&one, 1, 1), (&never, 1, 1)]).await.0, Some(Code::QuotaExceeded));
    assert_eq!(*keeper.left.lock(), 5, "where another limit refuses, they are not asked");
}

#[tokio::test]
async fn a_keeper_of_rates_that_is_late_is_not_waited_for() {
    for (otherwise, passed) in [(Otherwise::Closed, 0), (Otherwise::Open, 9), (Otherwise::Divided, 2)] {
        let clock = clock();
        let limits = limits(
            LimitsConfig { rates_otherwise: otherwise, wait: Duration::from_millis(5), ..LimitsConfig::default() },
            &clock,
        );
        limits.note_live_nodes(2);
        let keeper = CountingKeeper { left: Mutex::new(100), given_back: AtomicUsize::new(0), late: true };
        limits.keep_rates(Some(Arc::new(keeper)));
        let held = rate("a", 4, 4);
        let mut count = 0;
        for _ in 0..9 {
            count += usize::from(ask(&limits, &clock, &[(&held, 1, 1)]).await.0.is_none());
        }
        assert_eq!(count, passed, "{otherwise:?}");
    }
}

#[test]
fn an_explanation_takes_nothing() {
    let clock = clock();
    let limits = limits(LimitsConfig::default(), &clock);
    let held = rate("a", 1, 2);
    for _ in 0..5 {
        let mut states = LimitStates::default();
        let checked = limits.check(&demands(&[(&held, 1, 1)]), &asker(&clock), Mode::Look, &mut states);
        assert!(matches!(checked, Checked::Passes));
        assert_eq!(states.iter().next().map(|state| state.remaining), Some(2));
    }
}
