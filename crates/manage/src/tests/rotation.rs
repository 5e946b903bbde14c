//! Rotation through the API; its rules on the record are tested beside `rotate`.

use std::time::Duration;

use serde_json::json;

use crate::testing::World;

#[tokio::test]
async fn both_secrets_work_during_an_overlap_and_one_after_it() {
    let (world, admin) = World::with_organization().await;
    let (id, first) = world.key(&admin, "k", &["claviger-keys-read"]).await;
    let rotated = world.post(&admin, &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 3600})).await;
    assert_eq!((rotated.status.as_u16(), rotated.header("cache-control")), (200, "no-store"), "{rotated:?}");
    let second = rotated.text("secret");
    let rotation = &rotated.body["key"]["rotation"];
    assert_eq!(rotation["old_valid_until"], "2026-01-15T13:00:00Z");
    assert_eq!(rotation["old_hint"], format!("clv_live_…{}", &first[43..]));
    assert_eq!(rotated.body["key"]["hint"], format!("clv_live_…{}", &second[43..]));
    for secret in [&first, &second] {
        assert_eq!(world.get(secret, "/me").await.status, 200);
    }
    for (secret, standing) in [(&first, "overlapping"), (&second, "current")] {
        let found = world.post(&admin, "/keys/lookup", json!({"credential": secret})).await;
        assert_eq!((found.text("standing").as_str(), found.body["key"]["id"].as_str()), (standing, Some(id.as_str())));
    }
    world.clock.advance(Duration::from_hours(1));
    world.get(&first, "/me").await.problem(401, "unauthenticated");
    assert_eq!(world.get(&second, "/me").await.status, 200);
    let found = world.post(&admin, "/keys/lookup", json!({"credential": first})).await;
    assert_eq!(found.text("standing"), "ended");
    assert!(world.get(&admin, &format!("/keys/{id}")).await.body["rotation"].is_null());
}

#[tokio::test]
async fn a_second_rotation_waits_unless_it_ends_the_old_secret() {
    let (world, admin) = World::with_organization().await;
    let (id, first) = world.key(&admin, "k", &["claviger-keys-read"]).await;
    let path = format!("/keys/{id}/rotate");
    let second = world.post(&admin, &path, json!({"overlap_seconds": 60})).await.text("secret");
    world.post(&admin, &path, json!({"overlap_seconds": 60})).await.problem(409, "conflict");
    let third = world.post(&admin, &path, json!({"overlap_seconds": 0})).await.text("secret");
    for (secret, status) in [(&first, 401), (&second, 401), (&third, 200)] {
        assert_eq!(world.get(secret, "/me").await.status, status);
    }
}

#[tokio::test]
async fn an_overlap_can_be_ended() {
    let (world, admin) = World::with_organization().await;
    let (id, first) = world.key(&admin, "k", &["claviger-keys-read"]).await;
    let path = format!("/keys/{id}/end-overlap");
    world.call("POST", &admin, &path, None).await.problem(409, "conflict");
    let rotated = world.post(&admin, &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 60})).await;
    let ended = world.call("POST", &admin, &path, None).await;
    assert!(ended.status == 200 && ended.body["rotation"].is_null(), "{ended:?}");
    world.get(&first, "/me").await.problem(401, "unauthenticated");
    assert_eq!(world.get(&rotated.text("secret"), "/me").await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_rotated_says_why() {
    let (world, admin) = World::with_organization().await;
    let (id, _) = world.key(&admin, "k", &[]).await;
    let path = format!("/keys/{id}/rotate");
    for body in [
        json!({}),
        json!({"overlap_seconds": -1}),
        json!({"overlap_seconds": 2_592_001}),
        json!({"overlap_seconds": "0"}),
    ] {
        assert_eq!(world.post(&admin, &path, body).await.problem(400, "invalid_request"), ["overlap_seconds"]);
    }
    world.post(&admin, &format!("/keys/{id}/disable"), json!({})).await;
    world.post(&admin, &path, json!({"overlap_seconds": 0})).await.problem(409, "conflict");
    let longest = world.key(&admin, "long", &[]).await.0;
    let longest = world.post(&admin, &format!("/keys/{longest}/rotate"), json!({"overlap_seconds": 2_592_000})).await;
    assert_eq!(longest.body["key"]["rotation"]["old_valid_until"], "2026-02-14T12:00:00Z");
}
