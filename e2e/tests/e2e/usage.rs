//! What is counted: every request once, whatever becomes of the connection, the process and the other nodes.

use std::path::Path;
use std::sync::atomic::Ordering;

use serde_json::json;

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::fleet::Fleet;
use crate::harness::line::Line;
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command, run, text};
use crate::harness::proxy::{Proxy, WRITES_USES};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// How many requests of a key were accepted, by the database.
async fn counted(database: &TestDatabase, key: &str) -> i64 {
    let statement = format!(
        "SELECT COALESCE(CAST(SUM(count) AS BIGINT), 0) FROM usage_counts WHERE key_id = '{key}' AND code = 'VALID'"
    );
    database.number(statement).await
}

async fn ask(doors: std::net::SocketAddr, secret: &str, times: usize) {
    let body = json!({ "credential": secret, "api": "default", "method": "GET", "path": "/x" });
    for _ in 0..times {
        let verdict = Request::post("/v1/verify", &body).send(doors).await.expect(200).json();
        assert_eq!(verdict["code"], "VALID");
    }
}

async fn becomes(database: &TestDatabase, key: &str, count: i64) {
    let is_there = async || counted(database, key).await == count;
    wait_until(is_there, || format!("{count} requests are never counted")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_that_stop_in_order_have_counted_every_request() {
    let fleet = Fleet::start(3).await;
    let made = fleet.create_key("k").await;
    let (id, secret) = (made["key"]["id"].as_str().expect("an id"), made["secret"].as_str().expect("a secret"));
    for (node, times) in fleet.nodes.iter().zip([31, 57, 93]) {
        let is_known = async || node.code(secret).await == "VALID";
        wait_until(is_known, || "the key never came".to_owned()).await;
        ask(node.serving.doors, secret, times).await;
    }
    // Whoever waited for the key asked once for it where it was there at once.
    let counted_by_doors = 3 + 31 + 57 + 93;
    for node in fleet.nodes {
        node.serving.stop();
    }
    assert_eq!(counted(&fleet.database, id).await, counted_by_doors);
}

/// A server on this database, and a key.
async fn serve(folder: &Path, database: &TestDatabase) -> (Serving, String, String) {
    let data = folder.join("data");
    let serving = Serving::start(&data, Some(&database.url)).await;
    let setup = command(&data, &["setup", "--organization", "Acme", "--email", "ada@example.com", "--json"]);
    assert!(run(setup, "").status.success());
    let create = command(&data, &["key", "create", "--name", "k", "--api-set", "full-access", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&text(&run(create, "").stdout)).expect("a key");
    let of = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    (serving, of(&made["key"]["id"]), of(&made["secret"]))
}

async fn kill_loses_one_flush_at_most(kind: Kind) {
    let database = TestDatabase::new(kind).await;
    let folder = tempfile::tempdir().expect("a folder");
    let (serving, id, secret) = serve(folder.path(), &database).await;
    ask(serving.doors, &secret, 40).await;
    becomes(&database, &id, 40).await;
    ask(serving.doors, &secret, 25).await;
    serving.kill();
    let before = counted(&database, &id).await;
    assert!((40..=65).contains(&before), "what was written stays: {before}");

    // Another process begins at its own number: what it counts is neither taken for the other's nor counted twice.
    let serving = Serving::start(&folder.path().join("data"), Some(&database.url)).await;
    ask(serving.doors, &secret, 10).await;
    becomes(&database, &id, before + 10).await;
    ask(serving.doors, &secret, 7).await;
    serving.stop();
    assert_eq!(counted(&database, &id).await, before + 17);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_one_flush_of_usage_at_most_sqlite() {
    kill_loses_one_flush_at_most(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_one_flush_of_usage_at_most_postgres() {
    kill_loses_one_flush_at_most(Kind::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_commit_was_lost_on_the_way_counts_once() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let proxy = Proxy::before_database(&database.url, WRITES_USES).await;
    let world = World::start_on(&TestDatabase::at(proxy.url())).await;
    let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
    ask(world.doors, &key.secret, 10).await;
    becomes(&database, &key.id, 10).await;

    // The commit never arrives: nothing of the batch is there, and it is written again.
    let faults = proxy.faults();
    faults.lose_next_commit.store(true, Ordering::SeqCst);
    ask(world.doors, &key.secret, 11).await;
    becomes(&database, &key.id, 21).await;
    assert!(!faults.lose_next_commit.load(Ordering::SeqCst), "it was lost");

    // The commit arrives and its answer does not: the batch is there, and is given again.
    faults.lose_next_commits_answer.store(true, Ordering::SeqCst);
    ask(world.doors, &key.secret, 12).await;
    let is_lost = async || !faults.lose_next_commits_answer.load(Ordering::SeqCst);
    wait_until(is_lost, || "no commit of uses".to_owned()).await;
    ask(world.doors, &key.secret, 13).await;
    becomes(&database, &key.id, 46).await;
    world.stop_serving().await;
    assert_eq!(counted(&database, &key.id).await, 46, "what was given again is not counted again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_used_at_one_node_alone_is_not_idle_at_another_that_is_cut_off() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let one = World::start_on(&database).await;
    let line = Line::to(&database.url).await;
    let two = one.second_node(&TestDatabase::at(line.url())).await;
    one.api("PATCH", "/policy", Some(&json!({ "idle_days": 1 }))).await.expect(200);
    one.advance_to("2026-01-10T00:00:00Z");
    let key = one.create_key(json!({ "name": "used", "api_sets": ["full-access"] })).await;
    let rests = one.create_key(json!({ "name": "rests", "api_sets": ["full-access"] })).await;
    let code = async |world: &World, secret: &str| world.verdict(secret, "default", "GET", "/x").await["code"].clone();
    ask(one.doors, &key.secret, 1).await;
    ask(one.doors, &rests.secret, 1).await;
    let used = format!(
        "SELECT COUNT(*) FROM key_usage WHERE last_used_at IS NOT NULL AND key_id IN ('{}', '{}')",
        key.id, rests.id
    );
    let told = async || database.number(used.clone()).await == 2;
    wait_until(told, || "the uses are never written".to_owned()).await;
    let marker = one.create_key(json!({ "name": "marker", "api_sets": ["full-access"] })).await;
    wait_until(async || code(&two, &marker.secret).await == "VALID", || "the feed stands still".to_owned()).await;

    line.cut();
    one.advance_to("2026-01-10T20:00:00Z");
    ask(one.doors, &key.secret, 1).await;
    one.advance_to("2026-01-11T10:00:00Z");
    assert_eq!(code(&two, &key.secret).await, "VALID", "by what it knows the key rests for 34 hours");

    // With the database it knows again, and what nobody used is idle at both.
    line.mend();
    let explained = async |world: &World, id: &str| {
        let body = json!({ "api": "default", "method": "GET", "path": "/x" });
        world.api("POST", &format!("/keys/{id}/check"), Some(&body)).await.expect(200).json()["code"].clone()
    };
    for world in [&one, &two] {
        let is_idle = async || explained(world, &rests.id).await == "DISABLED";
        wait_until(is_idle, || "never idle".to_owned()).await;
        assert_eq!(code(world, &rests.secret).await, "DISABLED");
        assert_eq!(code(world, &key.secret).await, "VALID");
    }
    two.stop_serving().await;
    one.stop_serving().await;
}
