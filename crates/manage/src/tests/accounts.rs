//! One's account: who gets at one's sessions, and what a flood of tries costs.

use std::time::Duration;

use serde_json::json;

use crate::testing::World;
use crate::visitor::{SIGN_INS_MAX, WINDOW};

const PASSWORD: &str = "tulip brisk canal forty";

#[tokio::test]
async fn a_flood_of_sign_ins_from_one_address_computes_no_hash() {
    let (world, admin) = World::with_organization().await;
    world.give_password(&admin, PASSWORD).await;
    let sign_in = async |ip: &str, login: &str, password: &str| {
        let body = json!({ "login": login, "password": password }).to_string();
        let request = http::Request::post("/api/v1/sign-in").header("content-type", "application/json");
        world.send_from(ip, request.body(body.into()).expect("a request")).await
    };
    let before = world.manage.passwords.computed();
    for number in 0..3 * SIGN_INS_MAX {
        // Each name has counters of its own.
        let reply = sign_in("203.0.113.7", &format!("nobody{number}"), PASSWORD).await;
        match number {
            ..SIGN_INS_MAX => reply.problem(401, "unauthenticated"),
            _ => reply.problem(503, "busy"),
        };
    }
    assert_eq!(world.manage.passwords.computed() - before, u64::from(SIGN_INS_MAX));
    sign_in("203.0.113.7", "ann@example.com", PASSWORD).await.problem(503, "busy");
    assert_eq!(sign_in("203.0.113.8", "ann@example.com", PASSWORD).await.status, 200, "a neighbour");
    world.clock.advance(WINDOW);
    assert_eq!(sign_in("203.0.113.7", "ann@example.com", PASSWORD).await.status, 200, "the next minute");
}

#[tokio::test]
async fn a_key_that_was_made_for_something_else_is_no_way_to_its_persons_sessions() {
    let (world, admin) = World::with_organization().await;
    world.give_password(&admin, PASSWORD).await;
    assert_eq!(world.call_in_session(PASSWORD, "GET", "/session", None).await.status, 200);
    let ann = world.get(&admin, "/users/ann@example.com").await.text("id");
    for set in ["claviger-keys-read", "claviger-keys-write", "claviger-own-keys", "claviger-audit-read"] {
        let narrow = world.key_of_user(&admin, &ann, set, &[set]).await;
        assert_eq!(world.get(&narrow, "/me").await.body["user"]["id"], ann);
        world.get(&narrow, "/me/sessions").await.problem(403, "forbidden");
        world.call("DELETE", &narrow, "/me/sessions", None).await.problem(403, "forbidden");
        let id = world.call_in_session(PASSWORD, "GET", "/session", None).await.text("id");
        world.call("DELETE", &narrow, &format!("/me/sessions/{id}"), None).await.problem(403, "forbidden");
        world.clock.advance(Duration::from_secs(1));
    }
    let wide = world.key_of_user(&admin, &ann, "wide", &["claviger-users-write"]).await;
    let listed = world.get(&wide, "/me/sessions").await;
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(5), "{listed:?}");
    let id = listed.body["data"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(world.call("DELETE", &wide, &format!("/me/sessions/{id}"), None).await.status, 204);
    assert_eq!(world.call("DELETE", &wide, "/me/sessions", None).await.status, 204);
    assert_eq!(world.get(&wide, "/me/sessions").await.body["data"], json!([]));
    // Whoever holds no users.manage has the same way to their own.
    let (_, developer) = world.user_with_key(&admin, "dev", &["developer"], &["claviger-admin"]).await;
    assert_eq!(world.get(&developer, "/me/sessions").await.status, 200);
}

#[tokio::test]
async fn when_somebody_last_signed_in_is_seen_by_who_sees_them_in_that_organization_alone() {
    let (world, admin) = World::with_organization().await;
    world.give_password(&admin, PASSWORD).await;
    let other = world.another_organization("other", "ann@example.com").await;
    let tags = [&admin, &other]
        .map(|token| async { world.get(token, "/users/ann@example.com").await.header("etag").to_owned() });
    let [own, others] = tags;
    let tags = (own.await, others.await);
    let seen = async |token: &str| {
        let list = world.get(token, "/users").await;
        assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1), "{list:?}");
        let read = world.get(token, "/users/ann@example.com").await;
        assert_eq!(read.body["last_sign_in"], list.body["data"][0]["last_sign_in"]);
        let tag = if token == admin { &tags.0 } else { &tags.1 };
        assert_eq!(read.header("etag"), tag, "it is no change of the record");
        read.body["last_sign_in"].clone()
    };
    assert_eq!((seen(&admin).await, seen(&other).await), (json!(null), json!(null)));
    let wrong = json!({ "login": "ann@example.com", "password": "wrong" });
    world.post("", "/sign-in", wrong).await.problem(401, "unauthenticated");
    assert_eq!(seen(&admin).await, json!(null), "who only tried has not signed in");
    world.clock.advance(Duration::from_mins(1));
    let body = json!({ "organization": "other" });
    let switched = world.call_in_session(PASSWORD, "GET", "/session", None).await;
    assert_eq!(switched.status, 200, "{switched:?}");
    assert_eq!((seen(&admin).await, seen(&other).await), (json!("2026-01-15T12:01:00Z"), json!(null)));
    world.clock.advance(Duration::from_mins(1));
    let switched = world.call_in_session(PASSWORD, "PATCH", "/session", Some(body)).await;
    assert_eq!(switched.status, 200, "{switched:?}");
    let now = json!("2026-01-15T12:02:00Z");
    assert_eq!((seen(&admin).await, seen(&other).await), (now.clone(), now));
}
