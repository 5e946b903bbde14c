//! Two servers on one PostgreSQL see each other's changes.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// What a change may take to the other node at most.
const REVOCATION_SECONDS_MAX: u64 = 1;

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_postgres_see_each_others_changes() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let one = World::start_on(&database).await;
    let two = one.second_node(&database).await;

    let key = one.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
    becomes(&two, &key.secret, "VALID").await;
    // Each way: the second node disables, the first refuses.
    two.api("POST", &format!("/keys/{}/disable", key.id), None).await.expect(200);
    assert_eq!(two.verdict(&key.secret, "default", "GET", "/x").await["code"], "DISABLED", "at once on its own node");
    becomes(&one, &key.secret, "DISABLED").await;
    one.api("POST", &format!("/keys/{}/enable", key.id), None).await.expect(200);
    becomes(&two, &key.secret, "VALID").await;
    // A change of rights travels too.
    one.api("PATCH", &format!("/keys/{}", key.id), Some(&json!({ "api_sets": [] }))).await.expect(200);
    becomes(&two, &key.secret, "OPERATION_NOT_ALLOWED").await;
    two.stop_serving().await;
    one.stop_serving().await;
}

async fn becomes(world: &World, secret: &str, code: &str) {
    let begin = Instant::now();
    loop {
        let body = json!({ "credential": secret, "api": "default", "method": "GET", "path": "/x" });
        let verdict = Request::post("/v1/verify", &body).send(world.doors).await.expect(200).json();
        if verdict["code"] == code {
            return;
        }
        // A bound, not a figure: ten times the promise, because the machine is shared.
        assert!(begin.elapsed() < Duration::from_secs(10 * REVOCATION_SECONDS_MAX), "still {verdict}, not {code}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
