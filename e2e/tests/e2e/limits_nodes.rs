//! Limits over several real servers: what they pass together, when one is killed, and when Redis is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::fleet::{Fleet, Node};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::redis::Redis;
use crate::harness::telemetry::figure;
use crate::harness::world::World;

const LOST_UNITS: &str = "claviger_limit_lost_units_total";
const LIVE_NODES: &str = "claviger_limit_live_nodes";
/// Longer than a block lasts, and the time until it has gone back.
const BLOCKS_ARE_BACK: Duration = Duration::from_secs(4);

fn quota(limit: u64) -> Value {
    json!({ "name": "credits", "kind": "quota", "limit": limit, "period": "total" })
}

/// A rate that refills nothing while a test runs.
fn burst(burst: u64) -> Value {
    json!({ "name": "burst", "kind": "rate", "limit": 1, "window_seconds": 86_400, "burst": burst })
}

async fn create_key(node: &Node, name: &str, limit: Value) -> String {
    let body = json!({ "name": name, "api_sets": ["full-access"], "limits": [limit] });
    let made = node.api("POST", "/keys?wait=all&wait_ms=5000", Some(&body)).await;
    assert!(matches!(made.status, 201 | 202), "{}", made.text());
    made.json()["secret"].as_str().expect("a secret").to_owned()
}

/// How many of `calls` one after the other pass; all others are refused by this code.
async fn passed(node: &Node, secret: &str, calls: u64, otherwise: &str) -> u64 {
    let mut passed = 0;
    for _ in 0..calls {
        match node.code(secret).await.as_str() {
            "VALID" => passed += 1,
            code => assert_eq!(code, otherwise),
        }
    }
    passed
}

/// Spends at this node until nothing passes any more, also after all blocks have gone back.
async fn spend_all(node: &Node, secret: &str) -> u64 {
    let mut all = 0;
    loop {
        let now = passed(node, secret, 50, "QUOTA_EXCEEDED").await;
        all += now;
        if now == 0 {
            tokio::time::sleep(BLOCKS_ARE_BACK).await;
            let late = passed(node, secret, 50, "QUOTA_EXCEEDED").await;
            if late == 0 {
                return all;
            }
            all += late;
        }
    }
}

async fn live_nodes_are(node: &Node, count: f64) {
    let telemetry = node.serving.telemetry;
    let is_so = async || figure(telemetry, LIVE_NODES).await == Some(count);
    wait_until(is_so, || format!("{} never saw {count} live nodes", node.id)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_over_three_nodes_pass_a_quota_exactly() {
    const LIMIT: u64 = 150;
    let fleet = Arc::new(Fleet::start(3).await);
    let secret = create_key(&fleet.nodes[0], "k", quota(LIMIT)).await;
    let all = Arc::new(AtomicU64::new(0));
    let callers = (0..9).map(|caller| {
        let (fleet, secret, all) = (Arc::clone(&fleet), secret.clone(), Arc::clone(&all));
        tokio::spawn(async move {
            for _ in 0..40 {
                let passed = passed(&fleet.nodes[caller % 3], &secret, 1, "QUOTA_EXCEEDED").await;
                let before = all.fetch_add(passed, Ordering::SeqCst);
                assert!(before + passed <= LIMIT, "{before} and one more");
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("no panic");
    }
    tokio::time::sleep(BLOCKS_ARE_BACK).await;
    let mut all = all.load(Ordering::SeqCst);
    for node in &fleet.nodes {
        all += spend_all(node, &secret).await;
    }
    assert_eq!(all, LIMIT);
    assert_eq!(figure(fleet.nodes[0].serving.telemetry, LOST_UNITS).await, Some(0.0));
}

on_both_databases! {
    async fn many_callers_of_one_node_pass_a_quota_exactly(world: &World) {
        let body = json!({ "name": "k", "api_sets": ["full-access"], "limits": [quota(60)] });
        let key = world.create_key(body).await;
        let call = async || {
            let verdict = world.verdict(&key.secret, "default", "GET", "/x").await;
            u64::from(verdict["code"] == "VALID")
        };
        let mut all = 0;
        for _ in 0..20 {
            let (a, b, c, d) = tokio::join!(call(), call(), call(), call());
            all += a + b + c + d;
        }
        assert!(all <= 60, "{all}");
        tokio::time::sleep(BLOCKS_ARE_BACK).await;
        for _ in 0..70 {
            all += call().await;
        }
        assert_eq!(all, 60);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_costs_at_most_its_blocks_and_the_metrics_say_so() {
    let mut fleet = Fleet::start(2).await;
    let secret = create_key(&fleet.nodes[0], "k", quota(100)).await;
    let mut all = passed(&fleet.nodes[1], &secret, 5, "QUOTA_EXCEEDED").await;
    assert_eq!(all, 5);
    fleet.nodes.remove(1).serving.kill();
    let node = &fleet.nodes[0];
    let telemetry = node.serving.telemetry;
    let is_told = async || figure(telemetry, LOST_UNITS).await.is_some_and(|lost| lost > 0.0);
    wait_until(is_told, || "nothing is told of the lost block".to_owned()).await;
    let lost = figure(telemetry, LOST_UNITS).await.expect("told") as u64;
    all += spend_all(node, &secret).await;
    assert!(all <= 100 && all + lost >= 100, "{all} passed, {lost} are lost");
    assert!(lost <= 50, "a half is never in one node's hand: {lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_in_order_gives_its_blocks_back() {
    let mut fleet = Fleet::start(2).await;
    let secret = create_key(&fleet.nodes[0], "k", quota(40)).await;
    let mut all = passed(&fleet.nodes[1], &secret, 3, "QUOTA_EXCEEDED").await;
    fleet.nodes.remove(1).serving.stop();
    all += spend_all(&fleet.nodes[0], &secret).await;
    assert_eq!(all, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_rate_is_divided_among_the_live_nodes() {
    let mut fleet = Fleet::start(2).await;
    for node in &fleet.nodes {
        live_nodes_are(node, 2.0).await;
    }
    let secret = create_key(&fleet.nodes[0], "two", burst(20)).await;
    for node in &fleet.nodes {
        assert_eq!(passed(node, &secret, 30, "RATE_LIMITED").await, 10);
    }
    fleet.nodes.remove(1).serving.kill();
    live_nodes_are(&fleet.nodes[0], 1.0).await;
    let secret = create_key(&fleet.nodes[0], "one", burst(20)).await;
    assert_eq!(passed(&fleet.nodes[0], &secret, 30, "RATE_LIMITED").await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn through_redis_a_rate_is_one_for_all_nodes() {
    let redis = Redis::start().await;
    let url = redis.url();
    // What is late is refused, so that nothing is counted anywhere else.
    let fleet = Fleet::start_with(2, &[("CLAVIGER_REDIS_URL", &url), ("CLAVIGER_REDIS_UNAVAILABLE", "closed")]).await;
    let secret = create_key(&fleet.nodes[0], "k", burst(30)).await;
    let [one, two] = fleet.nodes.as_slice() else { panic!("two nodes") };
    let mut all = 0;
    for _ in 0..30 {
        let (first, second) =
            tokio::join!(passed(one, &secret, 1, "RATE_LIMITED"), passed(two, &secret, 1, "RATE_LIMITED"));
        all += first + second;
    }
    let mut late = 0.0;
    for node in &fleet.nodes {
        late +=
            figure(node.serving.telemetry, "claviger_limit_redis_calls_total{result=\"late\"}").await.expect("told");
    }
    assert!(all <= 30 && all + late as u64 >= 30, "{all} passed, {late} answers were late");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_stopped_rates_go_as_configured_and_metrics_say_so() {
    for (otherwise, expected) in [("divide", 5), ("open", 20), ("closed", 0)] {
        let mut redis = Redis::start().await;
        let url = redis.url();
        let variables = [("CLAVIGER_REDIS_URL", url.as_str()), ("CLAVIGER_REDIS_UNAVAILABLE", otherwise)];
        let fleet = Fleet::start_with(1, &variables).await;
        let node = &fleet.nodes[0];
        let redis_is = async |up: f64| {
            let is_so = async || figure(node.serving.telemetry, "claviger_limit_redis_up").await == Some(up);
            wait_until(is_so, || format!("claviger_limit_redis_up is never {up}")).await;
        };
        let used = create_key(node, "used", burst(250)).await;
        let is_counted = async || {
            node.code(&used).await;
            let answered =
                figure(node.serving.telemetry, "claviger_limit_redis_calls_total{result=\"answered\"}").await;
            answered.is_some_and(|count| count > 1.0)
        };
        wait_until(is_counted, || "Redis is never asked".to_owned()).await;
        redis.stop();
        for _ in 0..5 {
            node.code(&used).await;
        }
        redis_is(0.0).await;
        let secret = create_key(node, "k", burst(5)).await;
        assert_eq!(passed(node, &secret, 20, "RATE_LIMITED").await, expected, "{otherwise}");
        redis.start_again().await;
        redis_is(1.0).await;
    }
}
