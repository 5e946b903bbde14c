//! Blocks of quotas, taken and given back over a real database.

use std::sync::Arc;

use claviger_domain::keyring::Keyring;
use claviger_domain::limit::{CounterId, Holder, Period, Quota, Refill, RefillEvery, Zone};
use claviger_domain::testing::{FixedClock, FixedRandom};
use claviger_domain::{KeyId, NodeId, OrganizationId, Timestamp};
use claviger_engine::{BlockAsked, Engine, Granted, QuotaAsked, QuotaKeeper as _, QuotaStanding, Unavailable, Unspent};
use claviger_manage::Nodes;
use claviger_store::{Config, Database, DatabaseUrl, Store};

use super::keeper::LEASE_TIME;
use super::{Counters, Keeper, Sweep};
use crate::health::Health;

/// A node on a database of its own.
struct Node {
    store: Store,
    keeper: Keeper,
    sweep: Sweep,
    counters: Arc<Counters>,
    _folder: Arc<tempfile::TempDir>,
}

const NOON: Timestamp = Timestamp::from_micros(1_800_014_400_000_000);

async fn node(run: &str, folder: Arc<tempfile::TempDir>) -> Node {
    let (clock, random) = (Arc::new(FixedClock::new(NOON)), Arc::new(FixedRandom::new(7)));
    let keyring = Keyring::generate(&*random);
    let config = Config::new(DatabaseUrl::sqlite(&folder.path().join("c.db")));
    let database = Database::open(config, clock.clone(), random.clone()).await.expect("it opens");
    let store = database.into_store(keyring.audit().clone());
    let engine = Engine::new(claviger_engine::Config::default(), keyring.pepper().clone(), clock.clone(), random);
    let health = Arc::new(Health::new(Arc::new(engine)));
    let nodes = Arc::new(Nodes::new(store.clone(), clock.clone(), NodeId::from_raw(1)));
    let counters: Arc<Counters> = Arc::default();
    let keeper = Keeper::new(store.clone(), clock, health, Arc::clone(&nodes), run.to_owned(), Arc::clone(&counters));
    let sweep = Sweep::new(store.clone(), nodes, run.to_owned(), Arc::clone(&counters));
    Node { store, keeper, sweep, counters, _folder: folder }
}

fn folder() -> Arc<tempfile::TempDir> {
    Arc::new(tempfile::tempdir().expect("a folder"))
}

fn asked(period: Period, needed: u64) -> BlockAsked {
    let counter = CounterId::of_limit(Holder::Key, &"daily".parse().expect("a name")).of_key(KeyId::from_raw(1));
    let quota = Quota { limit: 100, period, refill: None };
    let organization = OrganizationId::from_raw(1);
    BlockAsked { counter, organization, quota, zone: Zone::named("UTC"), needed, wanted: u64::MAX }
}

fn unspent(granted: &Granted, amount: u64) -> Unspent {
    let BlockAsked { counter, organization, .. } = asked(Period::Day, 1);
    Unspent { counter, organization, lease: granted.lease, amount }
}

/// What is spent or in somebody's hand.
async fn peek(node: &Node) -> u64 {
    let BlockAsked { counter, organization, quota, zone, .. } = asked(Period::Day, 1);
    let stand = node.keeper.peek(vec![QuotaAsked { counter, organization, quota, zone }]).await.expect("it answers");
    let [QuotaStanding { spent, held, resets_at: Some(midnight) }] = *stand else { panic!("{stand:?}") };
    assert_eq!(midnight.to_string(), "2027-01-16T00:00:00Z");
    spent + held
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_taken_and_what_is_unspent_comes_back() {
    let node = node("aaaaaaaaaaaaaaaabbbb", folder()).await;
    let block = node.keeper.lease_block(asked(Period::Day, 1)).await.expect("granted");
    assert_eq!((block.amount, block.rest, block.lease_time, block.ask_again), (50, 50, LEASE_TIME, None));
    assert_eq!(block.lease.0 >> 64, 0xaaaa_aaaa_aaaa_aaaa);
    let left = block.period_left.expect("a day ends");
    assert!(left.as_secs() <= 86_400);
    assert_eq!(peek(&node).await, 50);
    let rest = node.keeper.lease_block(asked(Period::Day, 50)).await.expect("granted");
    assert_eq!((rest.amount, rest.rest), (50, 0));
    let refused = node.keeper.lease_block(asked(Period::Day, 1)).await.expect("answered");
    assert_eq!((refused.amount, refused.ask_again.is_some()), (0, true), "what others hold may come back");
    assert_ne!(block.lease, rest.lease);
    node.keeper.give_back(vec![unspent(&block, 20), unspent(&rest, 0)]).await.expect("given back");
    node.keeper.give_back(vec![unspent(&block, 20)]).await.expect("once");
    assert_eq!(peek(&node).await, 80);
    let last = node.keeper.lease_block(asked(Period::Day, 20)).await.expect("granted");
    node.keeper.give_back(vec![unspent(&last, 0)]).await.expect("ended");
    let refused = node.keeper.lease_block(asked(Period::Day, 1)).await.expect("answered");
    assert_eq!((refused.amount, refused.rest, refused.ask_again), (0, 0, None), "until the day is over");
    let reading = node.counters.read();
    assert_eq!(reading.blocks, [("granted", 3), ("none_left", 2), ("unavailable", 0)]);
    assert_eq!((reading.units_taken, reading.returns_waiting), (120, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_ask_at_once_are_all_answered() {
    let node = node("a", folder()).await;
    let asking = (1..=500).map(|key| {
        let counter = CounterId::of_limit(Holder::Key, &"daily".parse().expect("a name")).of_key(KeyId::from_raw(key));
        node.keeper.lease_block(BlockAsked { counter, ..asked(Period::Day, 1) })
    });
    let granted = futures_util::future::join_all(asking).await;
    let mut leases: Vec<_> = granted.iter().map(|granted| granted.as_ref().expect("granted").lease.0).collect();
    leases.sort_unstable();
    leases.dedup();
    assert_eq!(leases.len(), 500, "each has a block of its own");
    assert_eq!(node.counters.read().blocks, [("granted", 500), ("none_left", 0), ("unavailable", 0)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refill_is_told_as_the_time_to_ask_again() {
    let node = node("a", folder()).await;
    let refill = Some(Refill { amount: 1, every: RefillEvery::Day });
    let quota = Quota { limit: 0, period: Period::Total, refill };
    let refused = node.keeper.lease_block(BlockAsked { quota, ..asked(Period::Total, 1) }).await.expect("answered");
    assert!(
        refused.amount == 0
            && refused.period_left.is_none()
            && refused.ask_again.is_some_and(|at| at.as_secs() <= 86_400)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_nobody_waits_for_any_more_goes_back() {
    let node = node("a", folder()).await;
    for _ in 0..20 {
        let asking = node.keeper.lease_block(asked(Period::Day, 1));
        // Long enough for some of them to be taken.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(1), asking).await.map(|granted| {
            let granted = granted.expect("answered");
            tokio::spawn({
                let keeper = node.keeper.clone();
                async move { keeper.give_back(vec![unspent(&granted, granted.amount)]).await.expect("given back") }
            })
        });
    }
    for _ in 0..500 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        node.keeper.return_all().await.expect("given back");
        if peek(&node).await == 0 {
            return;
        }
    }
    panic!("{} are still held", peek(&node).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_it_says_so_and_gives_back_later() {
    let node = node("a", folder()).await;
    let block = node.keeper.lease_block(asked(Period::Day, 1)).await.expect("granted");
    node.store.close().await;
    assert_eq!(node.keeper.lease_block(asked(Period::Day, 1)).await, Err(Unavailable));
    assert_eq!(node.keeper.give_back(vec![unspent(&block, 7)]).await, Err(Unavailable));
    let reading = node.counters.read();
    assert_eq!((reading.returns_waiting, reading.blocks[2].1), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_held_that_is_gone_is_written_off_at_the_second_look() {
    let folder = folder();
    let gone = node("gone", Arc::clone(&folder)).await;
    gone.keeper.lease_block(asked(Period::Day, 1)).await.expect("granted");
    gone.store.close().await;
    let mut node = node("here", folder).await;
    node.keeper.lease_block(asked(Period::Day, 1)).await.expect("granted");
    node.sweep.look().await.expect("looked");
    assert_eq!(node.counters.read().lost_blocks, 0);
    node.sweep.look().await.expect("looked");
    let reading = node.counters.read();
    assert_eq!((reading.lost_blocks, reading.lost_units), (1, 50), "and nothing of its own");
    assert_eq!(peek(&node).await, 75, "it counts as spent");
}
