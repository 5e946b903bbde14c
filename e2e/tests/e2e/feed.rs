//! Two servers on one PostgreSQL see each other's changes.

use serde_json::json;

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::world::World;

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

/// Waits until the server says so of a key.
pub async fn becomes(world: &World, secret: &str, code: &str) {
    let is_so = async || world.verdict(secret, "default", "GET", "/x").await["code"] == code;
    wait_until(is_so, || format!("never {code} on the other node")).await;
}
