//! Waiting for other nodes, and what is said of them: the others are rows that a test writes.

use std::time::Duration;

use claviger_store::Feed;
use claviger_store::nodes::{Beat, OwnRow, Progress, beat, join};
use serde_json::{Value, json};

use crate::nodes::testing::row;
use crate::testing::{OPERATOR, OWN_NODE, World};

/// Another node, which has applied what its feed has read.
struct Other {
    row: OwnRow,
    feed: Feed,
}

// === impl Other ===

impl Other {
    /// One that has loaded everything.
    async fn joins(world: &World, number: u128) -> Self {
        let mut other = Self { row: row(number).own, feed: world.manage.store.feed() };
        join(&world.manage.store, &other.row, Progress::default()).await.expect("joined");
        other.feed.load(|_| {}, |_| {}).await.expect("loaded");
        other.beats(world).await;
        other
    }

    async fn beats(&self, world: &World) {
        let beat =
            beat(&world.manage.store, &self.row, Progress { applied: self.feed.mark(), ..Progress::default() }).await;
        assert_eq!(beat.expect("written"), Beat::Counted);
    }

    async fn catches_up(&mut self, world: &World) {
        self.feed.next().await.expect("a step");
        self.beats(world).await;
    }

    fn id(&self) -> String {
        self.row.id.to_string()
    }
}

fn nodes(body: &Value) -> [&Value; 3] {
    ["applied", "pending", "lost"].map(|list| &body[list])
}

#[tokio::test]
async fn statuses_say_whether_all_have_confirmed() {
    let (world, admin) = World::with_organization().await;
    let (key, _) = world.key(&admin, "k", &[]).await;
    let own = OWN_NODE.to_string();
    let path = |verb: &str, query: &str| format!("/keys/{key}{verb}{query}");
    let plain = world.post(&admin, &path("/disable", ""), json!({})).await;
    assert_eq!(nodes(&plain.body), [&Value::Null; 3], "nobody asked");
    let node = world.post(&admin, &path("/enable", "?wait=node"), json!({})).await;
    assert_eq!((node.status.as_u16(), nodes(&node.body)), (200, [&json!([own]), &json!([]), &Value::Null]));
    let alone = world.post(&admin, &path("/disable", "?wait=all"), json!({})).await;
    assert_eq!((alone.status.as_u16(), nodes(&alone.body)), (200, [&json!([own]), &json!([]), &json!([])]));

    let mut other = Other::joins(&world, 2).await;
    let pending = world.post(&admin, &path("/enable", "?wait=all&wait_ms=50"), json!({})).await;
    assert_eq!(
        (pending.status.as_u16(), nodes(&pending.body)),
        (202, [&json!([own]), &json!([other.id()]), &json!([])])
    );
    assert_eq!(
        (&pending.body["state"], pending.header("etag")),
        (&json!("active"), "\"5\""),
        "the record is there too"
    );
    assert!(!pending.header("x-claviger-change").is_empty());
    other.catches_up(&world).await;
    // Nothing is changed, and now both have what is there.
    let repeated = world.post(&admin, &path("/enable", "?wait=all"), json!({})).await;
    assert_eq!(
        (repeated.status.as_u16(), nodes(&repeated.body)),
        (200, [&json!([own, other.id()]), &json!([]), &json!([])])
    );
    assert_eq!(repeated.header("x-claviger-change"), "", "no change");

    let body = json!({"name": "made", "api_sets": []});
    let made = world.post(&admin, "/keys?wait=all&wait_ms=0", body).await;
    assert_eq!((made.status.as_u16(), &made.body["pending"]), (201, &json!([other.id()])), "a creation stays 201");
    let body = json!({"name": "made too", "api_sets": []});
    let made = world.post(&admin, "/keys", body).await;
    assert_eq!((made.status.as_u16(), &made.body["pending"]), (201, &json!([other.id()])), "without being asked");
    let rotated = world.post(&admin, &path("/rotate", "?wait_ms=0"), json!({"overlap_seconds": 0})).await;
    assert_eq!((rotated.status.as_u16(), &rotated.body["pending"]), (202, &json!([other.id()])));

    // Lost after 3 s by this node's own clock: named, and not waited for.
    world.clock.advance(Duration::from_secs(3));
    let deleted = world.call("DELETE", &admin, &path("", "?wait=all"), None).await;
    assert_eq!(
        (deleted.status.as_u16(), nodes(&deleted.body)),
        (202, [&json!([own]), &json!([]), &json!([other.id()])])
    );
    let (key, _) = world.key(&admin, "another", &[]).await;
    let plain = world.call("DELETE", &admin, &format!("/keys/{key}"), None).await;
    assert_eq!((plain.status.as_u16(), plain.body), (204, json!("")));
    other.catches_up(&world).await;
    let (key, _) = world.key(&admin, "a third", &[]).await;
    other.catches_up(&world).await;
    let deleted = world.call("DELETE", &admin, &format!("/keys/{key}?wait=node"), None).await;
    assert_eq!((deleted.status.as_u16(), nodes(&deleted.body)), (200, [&json!([own]), &json!([]), &Value::Null]));
}

#[tokio::test]
async fn a_node_that_stands_at_the_same_place_of_another_feed_confirms_nothing() {
    let (world, admin) = World::with_organization().await;
    let (key, _) = world.key(&admin, "k", &[]).await;
    let (elsewhere, token) = World::with_organization().await;
    for number in 0..9 {
        elsewhere.key(&token, &format!("k{number}"), &[]).await;
    }
    let mut other = Other::joins(&world, 2).await;
    // It has read more than there is here: a database from which the end was cut, before it notices.
    other.feed = elsewhere.manage.store.feed();
    other.feed.load(|_| {}, |_| {}).await.expect("loaded");
    other.beats(&world).await;
    let disabled = world.post(&admin, &format!("/keys/{key}/disable?wait=all&wait_ms=50"), json!({})).await;
    assert_eq!((disabled.status.as_u16(), &disabled.body["pending"]), (202, &json!([other.id()])));
}

#[tokio::test]
async fn the_list_shows_who_is_there_page_by_page() {
    let (world, admin) = World::with_organization().await;
    for number in 2..=4 {
        Other::joins(&world, number).await;
    }
    let first = world.get(&admin, "/nodes?limit=2").await;
    let rows = first.body["data"].as_array().expect("rows").clone();
    let expected = json!({
        "id": row(2).own.id, "state": "live", "answers": false, "applied": "1.1", "host": "host-2", "version": "0.1.0",
        "started_at": "1970-01-01T00:00:00Z", "staleness_limit_seconds": null,
    });
    assert_eq!((rows.len(), &rows[0]), (2, &expected));
    let second = world.get(&admin, &format!("/nodes?limit=2&cursor={}", first.text("next_cursor"))).await;
    assert_eq!(second.body["data"][0]["id"], row(4).own.id.to_string());
    assert_eq!(second.body["next_cursor"], Value::Null);
    world.clock.advance(Duration::from_secs(3));
    assert_eq!(world.get(OPERATOR, "/nodes").await.body["data"][0]["state"], "lost");
    // The machines are the business of whoever runs them.
    let other = json!({"slug": "second", "name": "Second", "email": "bob@example.com"});
    assert_eq!(world.post(OPERATOR, "/organizations", other).await.status, 201);
    assert_eq!(world.get(&admin, "/nodes").await.body["data"][0]["host"], Value::Null);
    assert_eq!(world.get(OPERATOR, "/nodes").await.body["data"][0]["host"], "host-2");
}

#[tokio::test]
async fn only_the_operator_forgets_and_only_who_is_silent() {
    let (world, admin) = World::with_organization().await;
    let other = Other::joins(&world, 2).await;
    let path = format!("/nodes/{}", other.id());
    world.call("DELETE", OPERATOR, &path, None).await.problem(409, "conflict");
    world.clock.advance(Duration::from_secs(3));
    world.call("DELETE", &admin, &path, None).await.problem(403, "forbidden");
    let forgotten = world.call("DELETE", OPERATOR, &path, None).await;
    assert_eq!(
        (forgotten.status.as_u16(), forgotten.header("x-claviger-change")),
        (204, "1.2"),
        "it is in the audit log"
    );
    world.call("DELETE", OPERATOR, &path, None).await.problem(404, "not_found");
    world.call("DELETE", OPERATOR, "/nodes/nobody", None).await.problem(404, "not_found");
    let log = world.get(OPERATOR, "/audit?chain=installation&action=node.forget").await;
    assert_eq!(log.body["data"][0]["object"]["id"], other.id(), "{log:?}");
    // Its next sign of life tells it.
    let beat = beat(&world.manage.store, &other.row, Progress::default()).await;
    assert_eq!(beat.expect("asked"), Beat::Missing);
}
