//! Quotas: blocks taken by many, given back, lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use claviger_domain::limit::{CounterId, Holder, LIMIT_MAX, Period, Quota, Refill, RefillEvery, Zone};
use claviger_domain::quota_block::Wanted;
use claviger_domain::{KeyId, Timestamp};
use claviger_store::quotas::{self, Ask, Counter, Lease, Lost, Return, Taken, Usage};
use claviger_store::{Error, Store};

use crate::harness::START;
use crate::sample::organization_id;
use crate::stories;

const HOUR: Duration = Duration::from_hours(1);

fn counter(number: u128) -> Counter {
    let limit = CounterId::of_limit(Holder::Key, &"daily".parse().unwrap());
    Counter { organization: organization_id(1), id: limit.of_key(KeyId::from_raw(number)) }
}

fn quota(limit: u64, period: Period) -> Quota {
    Quota { limit, period, refill: None }
}

/// So many of 100 in total, for as many nodes.
fn ask(number: u128, least: u64, nodes: usize) -> Ask {
    let wanted = Wanted { least, most: u64::MAX };
    Ask { counter: counter(number), quota: quota(100, Period::Total), zone: utc(), now: START, wanted, nodes }
}

/// All that is left of 100 a day.
fn all_of_a_day(now: Timestamp) -> Ask {
    Ask { quota: quota(100, Period::Day), now, ..ask(1, 1, 0) }
}

fn utc() -> Zone {
    Zone::named("UTC")
}

fn lease(run: &str, number: i64) -> Lease {
    Lease { run: run.to_owned(), number }
}

fn back(lease: &Lease, number: u128, unspent: u64) -> Return {
    Return { lease: lease.clone(), counter: counter(number), unspent }
}

/// How it stands at START.
async fn usage(store: &Store, number: u128) -> (u64, u64, u64) {
    let mut snapshot = store.read().await.unwrap();
    let quota = quota(100, Period::Total);
    let Usage { spent, held, lost } =
        quotas::usage(&mut snapshot, &counter(number), &quota, &utc(), START).await.unwrap();
    (spent, held, lost)
}

/// Numbers that look random and are the same each time.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// Takes one block.
async fn take_one(store: &Store, lease: &Lease, ask: Ask) -> Taken {
    quotas::take(store, &[(lease.clone(), ask)]).await.unwrap()[0]
}

/// Spends until nothing is left: takes a block, spends a part, gives back the rest, and is refused at last.
async fn spend(store: Store, run: String, spent: Arc<AtomicU64>) {
    let mut state = run.bytes().fold(1, |state, byte| state * 31 + u64::from(byte));
    for number in 1..20_000 {
        let cost = 1 + next(&mut state) % 3;
        let lease = lease(&run, number);
        let Taken { units, rest, held, .. } = take_one(&store, &lease, ask(1, cost, 3)).await;
        if units == 0 && rest == 0 && held == 0 {
            return;
        }
        let part = next(&mut state) % (units + 1);
        let before = spent.fetch_add(part, Ordering::SeqCst);
        assert!(before + part <= 100, "{before} and {part} of 100");
        quotas::give_back(&store, &[back(&lease, 1, units - part)]).await.unwrap();
    }
    panic!("there is no end to it");
}

stories! {
    async fn any_number_of_callers_and_nodes_spend_a_quota_exactly(place) {
        let mut stores = Vec::new();
        for _ in 0..3 {
            stores.push(place.store().await);
        }
        let spent = Arc::new(AtomicU64::new(0));
        let callers = (0..12).map(|caller| {
            let store = stores[caller % 3].clone();
            tokio::spawn(spend(store, format!("run-{caller}"), spent.clone()))
        });
        for caller in futures_util::future::join_all(callers.collect::<Vec<_>>()).await {
            caller.expect("no panic");
        }
        assert_eq!(spent.load(Ordering::SeqCst), 100);
        assert_eq!(usage(&stores[0], 1).await, (100, 0, 0));
    }

    async fn blocks_halve_and_come_back_once(place) {
        let store = place.store().await;
        let (one, two, three) = (lease("a", 1), lease("a", 2), lease("b", 1));
        let take = async |lease: &Lease, cost| {
            let taken = take_one(&store, lease, ask(1, cost, 2)).await;
            (taken.units, taken.rest, taken.held)
        };
        assert_eq!(take(&one, 1).await, (25, 75, 25));
        assert_eq!(take(&two, 1).await, (18, 57, 43));
        assert_eq!(take(&two, 1).await, (18, 57, 43), "the same once more");
        assert_eq!(take(&three, 58).await, (0, 57, 43));
        assert_eq!(take(&three, 57).await, (57, 0, 100));
        assert_eq!(usage(&store, 1).await, (0, 100, 0));
        let returns = [back(&one, 1, 20), back(&two, 1, 1_000), back(&lease("a", 3), 1, 9)];
        assert_eq!(quotas::give_back(&store, &returns).await, Ok(1), "one of them was never taken");
        assert_eq!(quotas::give_back(&store, &returns).await, Ok(3), "and none comes back twice");
        assert_eq!(usage(&store, 1).await, (5, 57, 0));
        assert_eq!(take(&two, 1).await, (9, 29, 66));
    }

    async fn blocks_of_many_counters_are_taken_at_once_in_the_order_of_the_asks(place) {
        let store = place.store().await;
        // The counters lie otherwise than they are asked for, and one is asked for twice.
        let asks: Vec<_> = [9, 2, 7, 2].into_iter().zip(1..).map(|(of, number)| (lease("a", number), ask(of, 1, 2))).collect();
        let taken = async || {
            let taken = quotas::take(&store, &asks).await.unwrap();
            taken.iter().map(|taken| (taken.units, taken.held)).collect::<Vec<_>>()
        };
        assert_eq!(taken().await, [(25, 25), (25, 25), (25, 25), (18, 43)]);
        assert_eq!(taken().await.iter().map(|(units, _)| units).collect::<Vec<_>>(), [&25, &25, &25, &18], "the same once more");
        assert_eq!(usage(&store, 2).await, (0, 43, 0));
        let many: Vec<_> = (0..=quotas::TAKEN_MAX as i64).map(|number| (lease("b", number), ask(1, 1, 2))).collect();
        assert!(quotas::take(&store, &many).await.is_err(), "too many at once");
    }

    async fn what_a_lost_process_held_counts_as_spent_and_is_told(place) {
        let store = place.store().await;
        for number in 0..150 {
            take_one(&store, &lease("gone", number), ask(number as u128 % 120, 10, 9)).await;
        }
        take_one(&store, &lease("here", 1), ask(0, 30, 1)).await;
        let mut runs = quotas::runs(&mut store.read().await.unwrap()).await.unwrap();
        runs.sort();
        assert_eq!(runs, ["gone", "here"]);
        let mut all = Lost::default();
        loop {
            let lost = quotas::lose(&store, "gone").await.unwrap();
            if lost == Lost::default() {
                break;
            }
            all = Lost { leases: all.leases + lost.leases, units: all.units + lost.units };
        }
        assert_eq!(all, Lost { leases: 150, units: 1_500 });
        assert_eq!(usage(&store, 0).await, (20, 40, 20));
        // Who was taken for lost gives nothing back.
        assert_eq!(quotas::give_back(&store, &[back(&lease("gone", 0), 0, 10)]).await, Ok(1));
        assert_eq!(usage(&store, 0).await.0, 20);
    }

    async fn a_period_begins_anew_and_what_is_held_of_the_last_one_comes_back_to_none(place) {
        let store = place.store().await;
        // START is in the morning of a day.
        let (evening, tomorrow) = (START.saturating_add(HOUR * 12), START.saturating_add(HOUR * 24));
        let first = take_one(&store, &lease("a", 1), all_of_a_day(evening)).await;
        let midnight = first.ends_at.expect("a day ends");
        assert!(evening < midnight && midnight < tomorrow);
        assert_eq!((first.units, first.rest), (50, 50));
        let second = take_one(&store, &lease("a", 2), all_of_a_day(tomorrow)).await;
        assert_eq!((second.units, second.rest), (25, 25), "50 of the day before are still held");
        // All of it was spent yesterday, or nothing: today has its hundred.
        quotas::give_back(&store, &[back(&lease("a", 1), 1, 7)]).await.unwrap();
        let third = take_one(&store, &lease("a", 3), all_of_a_day(tomorrow)).await;
        assert_eq!((third.units, third.rest), (37, 38));
        // A clock that stepped back, or is behind, begins no day again.
        let behind = take_one(&store, &lease("b", 1), all_of_a_day(evening)).await;
        assert_eq!((behind.units, behind.rest, behind.ends_at), (19, 19, third.ends_at));
    }

    async fn credits_come_back_beside_what_is_held(place) {
        let store = place.store().await;
        let quota = Quota { refill: Some(Refill { amount: 60, every: RefillEvery::Day }), ..quota(100, Period::Total) };
        let all = |now| Ask { quota, now, ..ask(1, 1, 0) };
        let one = take_one(&store, &lease("a", 1), all(START)).await;
        assert_eq!((one.units, one.rest, one.ends_at), (50, 50, None));
        quotas::give_back(&store, &[back(&lease("a", 1), 1, 10)]).await.unwrap();
        let two = take_one(&store, &lease("a", 2), all(START)).await;
        assert_eq!((two.units, two.rest), (30, 30));
        // 40 are spent and 30 held: the 40 come back, those that are held count on.
        let tomorrow = START.saturating_add(HOUR * 24);
        let three = take_one(&store, &lease("a", 3), all(tomorrow)).await;
        assert_eq!((three.units, three.rest), (35, 35));
        let usage = quotas::usage(&mut store.read().await.unwrap(), &counter(1), &quota, &utc(), tomorrow).await;
        assert_eq!(usage.unwrap(), Usage { spent: 0, held: 65, lost: 0 });
    }

    async fn a_lower_limit_takes_nothing_away_and_gives_nothing_more(place) {
        let store = place.store().await;
        take_one(&store, &lease("a", 1), ask(1, 60, 1)).await;
        let lower = Ask { quota: quota(10, Period::Total), ..ask(1, 1, 1) };
        let none = take_one(&store, &lease("a", 2), lower).await;
        assert_eq!((none.units, none.rest, none.held), (0, 0, 60));
        let never = Ask { quota: quota(0, Period::Total), ..ask(2, 1, 1) };
        assert_eq!(take_one(&store, &lease("a", 3), never).await.units, 0);
        // The largest, as a JSON number holds it.
        let largest = Ask { quota: quota(LIMIT_MAX, Period::Total), ..ask(3, LIMIT_MAX, 1) };
        assert_eq!(take_one(&store, &lease("a", 4), largest).await.units, LIMIT_MAX);
    }

    async fn counters_whose_period_is_long_over_are_trimmed(place) {
        let store = place.store().await;
        let day = take_one(&store, &lease("a", 1), all_of_a_day(START)).await;
        take_one(&store, &lease("a", 2), ask(2, 1, 1)).await;
        let end = day.ends_at.unwrap();
        assert_eq!(quotas::trim(&store, end).await, Ok(0));
        assert_eq!(quotas::trim(&store, end.saturating_add(HOUR)).await, Ok(1));
        assert_eq!((usage(&store, 1).await, usage(&store, 2).await.1), ((0, 0, 0), 50));
        // What was held of it is ended, and is nothing.
        assert_eq!(quotas::give_back(&store, &[back(&lease("a", 1), 1, 7)]).await, Ok(0));
        assert_eq!(usage(&store, 1).await, (0, 0, 0));
    }

    async fn too_many_at_once_are_refused(place) {
        let store = place.store().await;
        let many: Vec<_> = (0..=64).map(|number| back(&lease("a", number), 1, 1)).collect();
        assert!(matches!(quotas::give_back(&store, &many).await, Err(Error::Refused(_))));
    }
}
