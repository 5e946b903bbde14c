//! A node whose clock is wrong.

use claviger_domain::Clock as _;
use claviger_server::clock::SystemClock;
use serde_json::{Value, json};

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

async fn readiness(world: &World) -> Value {
    Request::get("/readyz").send(world.telemetry).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_a_wrong_clock_judges_by_it_and_says_so() {
    let database = TestDatabase::new(Kind::Postgres).await;
    // The world's clock stands in 2025, PostgreSQL's does not.
    let world = World::start_on(&database).await;
    let expired_elsewhere = json!({ "name": "k", "api_sets": ["full-access"], "expires_at": "2026-01-31" });
    let key = world.create_key(expired_elsewhere).await;
    wait_until(
        async || readiness(&world).await == json!({ "ready": true, "degraded": ["clock_skew"] }),
        || "the skew is not told".to_owned(),
    )
    .await;
    let metrics = Request::get("/metrics").send(world.telemetry).await.expect(200).text();
    let line = metrics.lines().find(|line| line.starts_with("claviger_clock_skew_seconds")).expect("the figure");
    assert!(line.contains(" -"), "behind: {line}");
    assert_eq!(world.verdict(&key.secret, "default", "GET", "/x").await["code"], "VALID");

    // Put right, it says so within some seconds; and the key has expired.
    let is_right = async || {
        world.advance_to(&SystemClock::new().now().to_string());
        readiness(&world).await == json!({ "ready": true, "degraded": [] })
    };
    wait_until(is_right, || "the skew is still told".to_owned()).await;
    assert_eq!(world.verdict(&key.secret, "default", "GET", "/x").await["code"], "EXPIRED");
    world.stop_serving().await;
}
