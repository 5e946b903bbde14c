//! `Idempotency-Key`: nothing is made twice, whatever happened to the first answer.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::permissions::{body, fill, operations};
use crate::testing::{OPERATOR, Reply, World};

/// What answers hold once.
const SECRETS: [&str; 5] = ["secret", "token", "password", "identifier", "link"];

async fn post(world: &World, token: &str, path: &str, keys: &[&str], body: &Value) -> Reply {
    let mut request = Request::post(format!("/api/v1{path}")).header("authorization", format!("Bearer {token}"));
    for key in keys {
        request = request.header("idempotency-key", *key);
    }
    let request = request.header("content-type", "application/json").body(Body::from(body.to_string()));
    world.send(request.expect("a request")).await
}

fn is_replay(reply: &Reply) -> bool {
    reply.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

fn without_secrets(body: &Value) -> Value {
    let mut body = body.clone();
    // Which nodes had applied it is no part of what was made.
    for name in ["applied", "pending", "lost"] {
        body.as_object_mut().expect("an object").remove(name);
    }
    for name in SECRETS {
        if let Some(secret) = body.get_mut(name) {
            *secret = Value::Null;
        }
    }
    if let Some(link) = body.get_mut("invitation").and_then(|invitation| invitation.get_mut("link")) {
        *link = Value::Null;
    }
    body
}

async fn names(world: &World, admin: &str) -> Vec<String> {
    let list = world.get(admin, "/keys?sort=name").await;
    let rows = list.body["data"].as_array().expect("rows").iter();
    rows.map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn every_creating_post_honours_idempotency_key() {
    let mut seen = 0;
    for (number, operation) in operations().into_iter().filter(|operation| operation.creates).enumerate() {
        assert_eq!(operation.method, "POST", "{}", operation.id);
        let (world, admin) = match operation.id.as_str() {
            "setup" => (World::empty().await, String::new()),
            "applications/mails/create" => World::new(true).await.set_up().await,
            _ => World::with_organization().await,
        };
        let is_operators = matches!(operation.id.as_str(), "setup" | "organizations/create" | "organizations/invite");
        let person = match operation.id.as_str() {
            "me/keys/create" => world.user_with_key(&admin, "person", &["admin"], &["claviger-admin"]).await.1,
            "users/keys/create" => {
                let allowed = world.patch(&admin, "/policy", json!({"delegated_creation": true})).await;
                assert_eq!(allowed.status, 200, "{allowed:?}");
                admin.clone()
            }
            _ => admin.clone(),
        };
        let token = if is_operators { OPERATOR } else { person.as_str() };
        let path = fill(&world, &admin, &operation.path, number).await;
        let body = body(&operation.id).unwrap_or(Value::Null);
        let first = post(&world, token, &path, &["once"], &body).await;
        assert_eq!(first.status, 201, "{}: {first:?}", operation.id);
        assert!(!is_replay(&first), "{}", operation.id);
        let position = world.manage.engine.position();
        let again = post(&world, token, &path, &["\"once\""], &body).await;
        assert_eq!(again.status, 201, "{}: {again:?}", operation.id);
        assert!(is_replay(&again), "{}: it went by `Manage::write` and not by `Manage::create`", operation.id);
        assert_eq!(again.body, without_secrets(&first.body), "{}", operation.id);
        for header in ["location", "etag", "cache-control"] {
            assert_eq!(again.headers.get(header), first.headers.get(header), "{} {header}", operation.id);
        }
        assert_eq!(world.manage.engine.position(), position, "{} changed something again", operation.id);
        let mut other = body.clone();
        other["name"] = json!("Another");
        let mismatch = post(&world, token, &path, &["once"], &other).await;
        mismatch.problem(422, "idempotency_mismatch");
        let other_query = post(&world, token, &format!("{path}?wait=node"), &["once"], &body).await;
        other_query.problem(422, "idempotency_mismatch");
        let records = [&first.body, &first.body["invitation"]];
        let secrets = records.into_iter().flat_map(|record| SECRETS.map(|name| record[name].as_str()));
        // Of a link the token alone is one.
        let secrets: Vec<&str> = secrets.flatten().map(|text| text.rsplit('#').next().unwrap_or_default()).collect();
        for file in world.files() {
            let bytes = std::fs::read(&file).expect("a file of the database");
            let holds = |secret: &&str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!secrets.iter().any(holds), "{}: a secret stands in {}", operation.id, file.display());
        }
        seen += 1;
    }
    assert!(seen >= 6, "only {seen} operations answer 201");
}

#[tokio::test]
async fn a_key_is_its_callers_own_and_expires_after_a_day() {
    let (world, admin) = World::with_organization().await;
    let (_, other) = world.key(&admin, "other", &["claviger-admin"]).await;
    let body = json!({"name": "made", "api_sets": []});
    assert_eq!(post(&world, &admin, "/keys", &["k"], &body).await.status, 201);
    let foreign = post(&world, &other, "/keys", &["k"], &body).await;
    foreign.problem(409, "name_taken");
    world.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert!(is_replay(&post(&world, &admin, "/keys", &["k"], &body).await));
    world.clock.advance(Duration::from_secs(1));
    post(&world, &admin, "/keys", &["k"], &body).await.problem(409, "name_taken");
    let next = post(&world, &admin, "/keys", &["k"], &json!({"name": "next", "api_sets": []})).await;
    assert!(next.status == 201 && !is_replay(&next), "{next:?}");
    let swept = claviger_store::idempotency::sweep(&world.manage.store, world.manage.clock.now()).await;
    assert_eq!(swept, Ok(0), "the new answer took the place of the expired one");
    world.clock.advance(Duration::from_hours(25));
    let swept = claviger_store::idempotency::sweep(&world.manage.store, world.manage.clock.now()).await;
    assert_eq!(swept, Ok(1));
}

#[tokio::test]
async fn a_refused_call_keeps_nothing_and_who_may_no_more_learns_nothing() {
    let (world, admin) = World::with_organization().await;
    let refused = json!({"name": "made", "api_sets": ["nothing-of-that-name"]});
    post(&world, &admin, "/keys", &["k"], &refused).await.problem(404, "not_found");
    let body = json!({"name": "made", "api_sets": []});
    assert!(!is_replay(&post(&world, &admin, "/keys", &["k"], &body).await), "a refusal is no answer to keep");
    let (id, writer) = world.key(&admin, "writer", &["claviger-keys-write"]).await;
    let by_writer = json!({"name": "by writer", "api_sets": []});
    assert_eq!(post(&world, &writer, "/keys", &["w"], &by_writer).await.status, 201);
    let less = world.patch(&admin, &format!("/keys/{id}"), json!({"api_sets": ["claviger-keys-read"]})).await;
    assert_eq!(less.status, 200, "{less:?}");
    post(&world, &writer, "/keys", &["w"], &by_writer).await.problem(403, "forbidden");
}

#[tokio::test]
async fn absurd_keys_are_refused_by_name_and_other_calls_take_no_notice() {
    let (world, admin) = World::with_organization().await;
    let body = json!({"name": "made", "api_sets": []});
    let long = "k".repeat(256);
    for keys in [&[""][..], &["\"\""], &["a b"], &[long.as_str()], &["a", "b"], &["a", "a"], &["ключ"]] {
        let refused = post(&world, &admin, "/keys", keys, &body).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["Idempotency-Key"], "{keys:?}");
    }
    let longest = "k".repeat(255);
    assert_eq!(post(&world, &admin, "/keys", &[&longest], &body).await.status, 201);
    let id = world.key(&admin, "target", &[]).await.0;
    for _ in 0..2 {
        let disabled = post(&world, &admin, &format!("/keys/{id}/disable"), &[&longest], &json!({})).await;
        assert!(disabled.status == 200 && !is_replay(&disabled), "{disabled:?}");
    }
}

#[tokio::test]
async fn a_second_call_while_the_first_runs_is_a_conflict() {
    let (world, admin) = World::with_organization().await;
    let body = json!({"name": "made", "api_sets": []});
    let (first, second) =
        tokio::join!(post(&world, &admin, "/keys", &["k"], &body), post(&world, &admin, "/keys", &["k"], &body));
    assert_eq!(first.status, 201, "{first:?}");
    second.problem(409, "conflict");
    assert!(is_replay(&post(&world, &admin, "/keys", &["k"], &body).await));
    assert_eq!(names(&world, &admin).await, ["made", "setup"]);
}

#[tokio::test]
async fn a_caller_that_never_got_its_answer_gets_one_key_by_asking_again() {
    let (world, admin) = World::with_organization().await;
    // Committed, and then this node does not get to know of it: the call would answer 503 after ten seconds.
    world.stop_following();
    let body = json!({"name": "made", "api_sets": []});
    let committed = async {
        while !names(&world, &admin).await.contains(&"made".to_owned()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = post(&world, &admin, "/keys", &["k"], &body) => panic!("nobody told the engine: {answer:?}"),
        () = committed => {}
    }
    let again = loop {
        let again = post(&world, &admin, "/keys", &["k"], &body).await;
        // The write goes on without its caller, and may not have noticed yet that it is done.
        if again.status != 409 {
            break again;
        }
        // Such an answer waits for nothing, so the write would never get its turn on this one thread.
        tokio::task::yield_now().await;
    };
    assert!(again.status == 201 && is_replay(&again), "{again:?}");
    assert_eq!(again.body["secret"], Value::Null);
    assert_eq!(again.body["key"]["name"], "made");
    assert_eq!(names(&world, &admin).await, ["made", "setup"]);
}
