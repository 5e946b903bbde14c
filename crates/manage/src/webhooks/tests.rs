//! Where events go, who may say so, and that each goes once.

use std::time::Duration;

use claviger_domain::webhook::WebhookSecret;
use claviger_domain::{Clock as _, Secret};
use serde_json::{Value, json};

use super::deliver::{self, Leased, Outcome, Settled};
use super::{follow, remind};
use crate::testing::{Reply, World};

async fn webhook(world: &World, admin: &str, events: Value) -> Reply {
    let body = json!({"name": "Tickets", "url": "https://hooks.example.com/claviger", "events": events});
    let made = world.post(admin, "/webhooks", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made
}

fn id(made: &Reply) -> String {
    made.body["webhook"]["id"].as_str().expect("an id").to_owned()
}

async fn key(world: &World, admin: &str, name: &str, more: Value) -> String {
    let mut body = json!({"name": name, "api_sets": ["full-access"]});
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let made = world.post(admin, "/keys", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.body["key"]["id"].as_str().expect("an id").to_owned()
}

/// What waits now, as it would be sent; the second look finds nothing more.
async fn due(world: &World) -> Vec<Leased> {
    follow(&world.manage).await.expect("followed");
    remind(&world.manage).await.expect("reminded");
    assert_eq!(follow(&world.manage).await.expect("followed"), 0, "once");
    assert_eq!(remind(&world.manage).await.expect("reminded"), 0, "once");
    let mut leased = deliver::lease(&world.manage, "test", 100, &[]).await.expect("leased");
    leased.sort_by_key(|leased| leased.delivery.id);
    leased
}

fn body(leased: &Leased) -> Value {
    serde_json::from_str(&leased.delivery.body).expect("JSON")
}

fn outcome(status: u16) -> Outcome {
    let took = Duration::from_millis(7);
    Outcome { status: Some(status), took, reason: None, answer: Some("well".to_owned()), retry_after: None }
}

async fn settle(world: &World, leased: &Leased, status: u16) -> Settled {
    let at = world.clock.now();
    deliver::settle(&world.manage, "test", leased, at, outcome(status)).await.expect("settled")
}

async fn deliver_all(world: &World) -> Vec<Value> {
    let mut bodies = Vec::new();
    for leased in due(world).await {
        assert_eq!(settle(world, &leased, 204).await, Settled::Delivered);
        bodies.push(body(&leased));
    }
    bodies
}

#[tokio::test]
async fn a_webhook_is_made_changed_and_deleted_and_its_secret_shown_once() {
    let (world, admin) = World::with_organization().await;
    let made = webhook(&world, &admin, json!(["key.disabled", "key.created", "key.created"])).await;
    let secret = made.text("secret");
    assert!(secret.starts_with("whsec_"), "{secret}");
    let path = format!("/webhooks/{}", id(&made));
    let read = world.get(&admin, &path).await;
    assert_eq!((&read.body, read.header("etag")), (&made.body["webhook"], "\"1\""));
    assert_eq!(read.body["events"], json!(["key.created", "key.disabled"]));
    assert_eq!((&read.body["enabled"], &read.body["disabled"]), (&json!(true), &Value::Null));
    assert_eq!(world.get(&admin, "/webhooks").await.body, json!({"data": [read.body], "next_cursor": null}));

    let edit = json!({"name": " Alarm ", "url": "HTTPS://Hooks.Example.COM:443/x", "events": ["*", "key.created"]});
    let edited = world.patch(&admin, &path, edit.clone()).await;
    assert_eq!((edited.status.as_u16(), edited.header("etag")), (200, "\"2\""));
    assert_eq!((&edited.body["name"], &edited.body["url"]), (&json!("Alarm"), &json!("https://hooks.example.com/x")));
    assert_eq!(edited.body["events"], json!(["*"]));
    assert_eq!(world.patch(&admin, &path, edit).await.header("x-claviger-change"), "", "nothing changed");
    let entry = world.audited(&admin, "webhook.edit").await;
    assert_eq!(entry["after"]["url"], "https://hooks.example.com/x", "{entry}");

    for answer in [&read, &edited, &world.get(&admin, "/audit").await] {
        assert!(!answer.body.to_string().contains("whsec_"), "{answer:?}");
    }
    assert_eq!(world.call("DELETE", &admin, &path, None).await.status, 204);
    assert_eq!(world.get(&admin, &path).await.status, 404);
    world.audited(&admin, "webhook.delete").await;
}

#[tokio::test]
async fn what_is_wrong_with_a_webhook_is_said_by_its_field() {
    let (world, admin) = World::with_organization().await;
    webhook(&world, &admin, json!(["*"])).await;
    for (body, status, field) in [
        (json!({"name": "tickets", "url": "https://x.example"}), 409, "name"),
        (json!({"name": "", "url": "https://x.example"}), 400, "name"),
        (json!({"name": "a", "url": "x.example"}), 400, "url"),
        (json!({"name": "a", "url": "http://x.example"}), 400, "url"),
        (json!({"name": "a", "url": "https://10.0.0.1/"}), 400, "url"),
        (json!({"name": "a", "url": "https://0x7f000001/"}), 400, "url"),
        (json!({"name": "a", "url": "https://[::1]/"}), 400, "url"),
        (json!({"name": "a", "url": "https://u:p@x.example"}), 400, "url"),
        (json!({"name": "a", "url": "https://x.example", "events": []}), 400, "events"),
        (json!({"name": "a", "url": "https://x.example", "events": ["key.made"]}), 400, "events[0]"),
    ] {
        let refused = world.post(&admin, "/webhooks", body.clone()).await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["field"]), (status, &json!(field)), "{body}");
    }
    for number in 1..claviger_domain::webhook::WEBHOOKS_MAX {
        let body = json!({"name": format!("w{number}"), "url": "https://x.example"});
        assert_eq!(world.post(&admin, "/webhooks", body).await.status, 201);
    }
    let one_more = world.post(&admin, "/webhooks", json!({"name": "more", "url": "https://x.example"})).await;
    assert_eq!((one_more.status.as_u16(), &one_more.body["code"]), (409, &json!("limit_reached")));
}

#[tokio::test]
async fn each_event_goes_once_to_those_who_want_it_and_holds_no_part_of_a_secret() {
    let (world, admin) = World::with_organization().await;
    key(&world, &admin, "before", json!({})).await;
    webhook(&world, &admin, json!(["key.created", "key.disabled", "key.rotated", "key.edited", "key.deleted"])).await;
    assert!(due(&world).await.is_empty(), "what happened before is told to none");
    let made = world.post(&admin, "/keys", json!({"name": "Import", "api_sets": ["full-access"]})).await;
    let (key, secret) = (made.body["key"]["id"].as_str().expect("an id").to_owned(), made.text("secret"));
    let change = async |method: &str, action: &str, body: Option<Value>| {
        world.clock.advance(Duration::from_millis(1));
        let changed = world.call(method, &admin, &format!("/keys/{key}{action}"), body).await;
        assert!(changed.status.is_success(), "{changed:?}");
    };
    change("PATCH", "", Some(json!({"description": "x", "tags": ["y"]}))).await;
    change("POST", "/rotate", Some(json!({"overlap_seconds": 0}))).await;
    change("POST", "/disable", Some(json!({"reason": "misused"}))).await;
    change("POST", "/enable", None).await;
    change("DELETE", "", None).await;
    let bodies = deliver_all(&world).await;
    let types: Vec<_> = bodies.iter().map(|body| body["type"].as_str().expect("a type")).collect();
    assert_eq!(types, ["key.created", "key.edited", "key.rotated", "key.disabled", "key.deleted"]);
    for body in &bodies {
        assert_eq!(body["data"]["key"]["id"], key);
        assert!(body["timestamp"].as_str().is_some_and(|at| at.starts_with("2026-01-15T12:00:00")), "{body}");
        assert_eq!(body["data"]["key"]["owner"]["type"], "organization");
        assert!(!body.to_string().contains(&secret[secret.len() - 4..]), "{body}");
    }
    let mut changed: Vec<_> = bodies[1]["data"]["changed"].as_array().expect("names").clone();
    changed.sort_by_key(ToString::to_string);
    assert_eq!(changed, [json!("description"), json!("tags")]);
    assert_eq!(bodies[3]["data"]["reason"], "misused");
    assert!(due(&world).await.is_empty());
}

#[tokio::test]
async fn a_key_that_waits_and_what_became_of_it_are_told_of() {
    let (world, admin) = World::with_organization().await;
    let (_, eves) = world.user_with_key(&admin, "eve", &["admin"], &["claviger-admin"]).await;
    let events = json!(["key.created", "key.pending", "key.approved", "key.denied"]);
    webhook(&world, &admin, events).await;
    world.patch(&admin, "/policy", json!({"approval": ["full-access"]})).await;
    for (name, decision) in [("Good", "approve"), ("Bad", "deny")] {
        let made = world.post(&admin, "/keys", json!({"name": name, "api_sets": ["full-access"]})).await;
        let path = format!("/keys/{}/{decision}", made.body["key"]["id"].as_str().expect("an id"));
        assert_eq!(world.post(&eves, &path, json!({"reason": "r"})).await.status, 200);
    }
    let told = deliver_all(&world).await;
    let of = |name: &str| {
        let told = told.iter().filter(|event| event["data"]["key"]["name"] == name);
        let mut types: Vec<_> = told.map(|event| event["type"].as_str().expect("a type").to_owned()).collect();
        types.sort();
        types
    };
    assert_eq!(of("Good"), ["key.approved", "key.created", "key.pending"]);
    assert_eq!(of("Bad"), ["key.created", "key.denied", "key.pending"]);
    let denied = told.iter().find(|event| event["type"] == "key.denied").expect("told");
    assert_eq!((&denied["data"]["reason"], &denied["data"]["actor"]["name"]), (&json!("denied: r"), &json!("eve")));
}

#[tokio::test]
async fn an_end_and_idleness_that_are_near_are_told_of_each_threshold_once() {
    let (world, admin) = World::with_organization().await;
    webhook(&world, &admin, json!(["key.expiring", "key.idle"])).await;
    key(&world, &admin, "Ends", json!({"expires_at": "2026-06-30", "idle_exempt": true})).await;
    let told = async |day: &str| {
        let to: claviger_domain::Timestamp = day.parse().expect("an instant");
        world.clock.advance(to.saturating_since(world.clock.now()));
        let bodies = deliver_all(&world).await.into_iter();
        bodies.map(|body| (body["type"].clone(), body["data"]["days"].clone())).collect::<Vec<_>>()
    };
    let expiring = |days: i64| (json!("key.expiring"), json!(days));
    assert_eq!(told("2026-05-30T12:00:00Z").await, []);
    for (day, days) in [("2026-05-31", 30), ("2026-06-23", 7), ("2026-06-29", 1), ("2026-06-30", 0)] {
        assert_eq!(told(&format!("{day}T00:30:00Z")).await, [expiring(days)], "{day}");
    }
    // 90 days.
    world.clock.advance(Duration::from_hours(1));
    key(&world, &admin, "Unused", json!({})).await;
    let idle = |days: i64| (json!("key.idle"), json!(days));
    for (day, days) in [("2026-09-14", 14), ("2026-09-21", 7), ("2026-09-27", 1)] {
        assert_eq!(told(&format!("{day}T02:00:00Z")).await, [idle(days)], "{day}");
    }
    world.clock.advance(Duration::from_hours(48));
    world.patch(&admin, "/policy", json!({"idle_days": 91})).await;
    assert_eq!(told("2026-09-30T12:00:00Z").await, [idle(0)], "it is disabled for it");
}

#[tokio::test]
async fn what_fails_is_tried_again_and_given_up_after_ten_times() {
    let (world, admin) = World::with_organization().await;
    let made = webhook(&world, &admin, json!(["key.created"])).await;
    let path = format!("/webhooks/{}", id(&made));
    key(&world, &admin, "a", json!({})).await;
    let mut ids = Vec::new();
    for tries in 1..=10 {
        let leased = due(&world).await;
        assert_eq!(leased.len(), 1, "try {tries}");
        ids.push(leased[0].delivery.id);
        match settle(&world, &leased[0], 500).await {
            Settled::Again(next_at) => {
                assert!(due(&world).await.is_empty());
                world.clock.advance(next_at.saturating_since(world.clock.now()));
            }
            settled => assert_eq!((settled, tries), (Settled::GivenUp, 10)),
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "under one id");
    let listed = world.get(&admin, &format!("{path}/deliveries?state=failed")).await;
    let delivery = &listed.body["data"][0];
    assert_eq!((&delivery["state"], delivery["attempts"].as_array().map(Vec::len)), (&json!("failed"), Some(10)));
    let last = &delivery["attempts"][9];
    assert_eq!((&last["status"], &last["milliseconds"], &last["answer"]), (&json!(500), &json!(7), &json!("well")));
    assert_eq!(last["reason"], "the receiver answered 500");
    let entry = world.audited(&admin, "webhook.give_up").await;
    assert_eq!((&entry["after"]["attempts"], &entry["actor"]["type"]), (&json!(10), &json!("system")), "{entry}");

    let replayed = world.post(&admin, &format!("{path}/deliveries/{}/replay", ids[0]), json!({})).await;
    assert_eq!((replayed.status.as_u16(), &replayed.body["state"]), (200, &json!("waiting")), "{replayed:?}");
    world.audited(&admin, "webhook.replay").await;
    let leased = due(&world).await;
    assert_eq!((leased.len(), leased[0].delivery.id), (1, ids[0]));
    assert_eq!(settle(&world, &leased[0], 200).await, Settled::Delivered);
    let one = world.get(&admin, &format!("{path}/deliveries/{}", ids[0])).await;
    assert_eq!((&one.body["state"], one.body["attempts"].as_array().map(Vec::len)), (&json!("delivered"), Some(11)));
}

#[tokio::test]
async fn who_answers_410_is_told_nothing_any_more_until_somebody_enables_it() {
    let (world, admin) = World::with_organization().await;
    let made = webhook(&world, &admin, json!(["key.created"])).await;
    let path = format!("/webhooks/{}", id(&made));
    key(&world, &admin, "a", json!({})).await;
    key(&world, &admin, "b", json!({})).await;
    let leased = due(&world).await;
    assert_eq!(settle(&world, &leased[0], 410).await, Settled::Gone);
    let read = world.get(&admin, &path).await.body;
    assert_eq!((&read["enabled"], &read["disabled"]["by"]["type"]), (&json!(false), &json!("system")));
    assert_eq!(read["disabled"]["reason"], "the receiver answered 410 Gone");
    assert_eq!(world.audited(&admin, "webhook.disable").await["actor"]["type"], "system");
    key(&world, &admin, "c", json!({})).await;
    world.clock.advance(Duration::from_hours(1));
    assert!(due(&world).await.is_empty());
    let failed = world.get(&admin, &format!("{path}/deliveries?state=failed")).await;
    assert_eq!(failed.body["data"].as_array().map(Vec::len), Some(2), "what waited has come to its end");
    let replay = format!("{path}/deliveries/{}/replay", leased[1].delivery.id);
    for path in [&replay, &format!("{path}/test")] {
        assert_eq!(world.post(&admin, path, json!({})).await.status, 409, "{path}");
    }
    assert_eq!(world.post(&admin, &format!("{path}/enable"), json!({})).await.body["enabled"], true);
    key(&world, &admin, "d", json!({})).await;
    let leased = due(&world).await;
    assert_eq!(leased.len(), 1, "what happened meanwhile is told to none");
    assert_eq!(body(&leased[0])["data"]["key"]["name"], "d");
}

#[tokio::test]
async fn while_a_secret_is_rotated_both_sign_until_the_end_of_the_overlap() {
    let (world, admin) = World::with_organization().await;
    let made = webhook(&world, &admin, json!(["*"])).await;
    let path = format!("/webhooks/{}", id(&made));
    let old = WebhookSecret::of_stored(Secret::new(made.text("secret")));
    let rotated = world.post(&admin, &format!("{path}/rotate"), json!({"overlap_seconds": 3_600})).await;
    assert_eq!(rotated.status, 200, "{rotated:?}");
    let new = WebhookSecret::of_stored(Secret::new(rotated.text("secret")));
    assert_eq!(rotated.body["webhook"]["old_secret_valid_until"], "2026-01-15T13:00:00Z");
    assert_eq!(world.post(&admin, &format!("{path}/rotate"), json!({})).await.status, 409);
    assert_eq!(world.post(&admin, &format!("{path}/rotate"), json!({"overlap_seconds": 604_801})).await.status, 400);
    assert_eq!(world.post(&admin, &format!("{path}/test"), json!({})).await.body["type"], "webhook.test");
    let leased = due(&world).await;
    let signed = |leased: &Leased| {
        let message = deliver::message(&world.manage, leased).expect("signed");
        let timestamp = message.timestamp.parse().expect("seconds");
        let by = |secret: &WebhookSecret| secret.sign(&message.id, timestamp, &message.body).expect("signed");
        (message.signature.clone(), by(&new), by(&old))
    };
    let (signature, by_new, by_old) = signed(&leased[0]);
    assert_eq!(signature, format!("{by_new} {by_old}"));
    world.clock.advance(Duration::from_hours(1));
    let (signature, by_new, _) = signed(&leased[0]);
    assert_eq!(signature, by_new);
    deliver::trim(&world.manage).await.expect("trimmed");
    assert_eq!(world.get(&admin, &path).await.body["old_secret_valid_until"], Value::Null);
    let rotated = world.post(&admin, &format!("{path}/rotate"), json!({"overlap_seconds": 0})).await;
    assert_eq!(rotated.body["webhook"]["old_secret_valid_until"], Value::Null);
}

#[tokio::test]
async fn a_node_that_died_gives_its_events_back_when_its_lease_is_over_and_not_before() {
    let (world, admin) = World::with_organization().await;
    webhook(&world, &admin, json!(["key.created"])).await;
    key(&world, &admin, "a", json!({})).await;
    let first = due(&world).await;
    assert_eq!(first.len(), 1);
    assert!(deliver::lease(&world.manage, "other", 10, &[]).await.expect("leased").is_empty());
    world.clock.advance(deliver::LEASE);
    let busy = [first[0].webhook.id];
    assert!(deliver::lease(&world.manage, "other", 10, &busy).await.expect("leased").is_empty());
    let again = deliver::lease(&world.manage, "other", 10, &[]).await.expect("leased");
    assert_eq!(again[0].delivery.id, first[0].delivery.id);
    settle(&world, &first[0], 200).await;
    let at = world.clock.now();
    let settled = deliver::settle(&world.manage, "other", &again[0], at, outcome(200)).await.expect("settled");
    assert_eq!(settled, Settled::Delivered);
    let listed = world.get(&admin, &format!("/webhooks/{}/deliveries", first[0].webhook.id)).await;
    let attempts = listed.body["data"][0]["attempts"].as_array().map(Vec::len);
    assert_eq!(attempts, Some(1), "who lost the lease notes nothing");
    world.clock.advance(deliver::KEPT + Duration::from_secs(1));
    deliver::trim(&world.manage).await.expect("trimmed");
    let listed = world.get(&admin, &format!("/webhooks/{}/deliveries", first[0].webhook.id)).await;
    assert_eq!(listed.body["data"], json!([]));
}

#[tokio::test]
async fn events_are_listed_in_pages_the_newest_first() {
    let (world, admin) = World::with_organization().await;
    let made = webhook(&world, &admin, json!(["key.created"])).await;
    for name in ["a", "b", "c"] {
        key(&world, &admin, name, json!({})).await;
        deliver_all(&world).await;
        world.clock.advance(Duration::from_secs(1));
    }
    let path = format!("/webhooks/{}/deliveries", id(&made));
    let first = world.get(&admin, &format!("{path}?limit=2")).await;
    let cursor = first.text("next_cursor");
    let second = world.get(&admin, &format!("{path}?limit=2&cursor={cursor}")).await;
    let names = |reply: &Reply| {
        let rows = reply.body["data"].as_array().expect("rows").clone();
        let name = |row: &Value| {
            serde_json::from_str::<Value>(row["body"].as_str()?).ok()?["data"]["key"]["name"]
                .as_str()
                .map(str::to_owned)
        };
        rows.iter().filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!((names(&first), names(&second)), (vec!["c".to_owned(), "b".to_owned()], vec!["a".to_owned()]));
    assert_eq!(second.body["next_cursor"], Value::Null);
    assert_eq!(world.get(&admin, &format!("{path}?state=gone")).await.status, 400);
    assert_eq!(world.get(&admin, &format!("{path}?cursor=x")).await.status, 400);
}

#[tokio::test]
async fn a_further_webhook_is_told_nothing_of_what_happened_before_it_was_there() {
    let (world, admin) = World::with_organization().await;
    let first = id(&webhook(&world, &admin, json!(["key.created"])).await);
    key(&world, &admin, "a", json!({})).await;
    let body = json!({"name": "Further", "url": "https://hooks.example.com/further"});
    let further = id(&world.post(&admin, "/webhooks", body).await);
    world.clock.advance(Duration::from_millis(1));
    key(&world, &admin, "b", json!({})).await;
    let mut told: Vec<_> =
        due(&world).await.iter().map(|leased| (leased.webhook.id.to_string(), body_name(leased))).collect();
    told.sort();
    let mut expected = [(&first, "a"), (&first, "b"), (&further, "b")].map(|(id, name)| (id.clone(), name.to_owned()));
    expected.sort();
    assert_eq!(told, expected);
}

fn body_name(leased: &Leased) -> String {
    body(leased)["data"]["key"]["name"].as_str().expect("a name").to_owned()
}

#[tokio::test]
async fn the_audit_log_goes_to_those_who_ask_for_it_by_name_with_before_and_after() {
    let (world, admin) = World::with_organization().await;
    let id_of_key = key(&world, &admin, "Import", json!({})).await;
    webhook(&world, &admin, json!(["audit.entry"])).await;
    let all = json!({"name": "All", "url": "https://all.example.com/", "events": ["*"]});
    assert_eq!(world.post(&admin, "/webhooks", all).await.status, 201);
    let edit = world.patch(&admin, &format!("/keys/{id_of_key}"), json!({"description": "x"})).await;
    assert_eq!(edit.status, 200);
    let bodies = deliver_all(&world).await;
    let types: Vec<_> = bodies.iter().map(|body| body["type"].as_str().expect("a type")).collect();
    // Those of both webhooks' making, too; and the edit as an event of its own to the other.
    assert_eq!(types.iter().filter(|name| **name == "audit.entry").count(), 3, "{types:?}");
    assert_eq!(types.iter().filter(|name| **name == "key.edited").count(), 1, "{types:?}");
    let last = bodies.iter().find(|body| body["data"]["entry"]["action"] == "key.edit").expect("the edit");
    let listed = world.get(&admin, "/audit?action=key.edit").await.body["data"][0].clone();
    assert_eq!(last["data"]["entry"], listed, "as lists and exports have it");
    assert_eq!((&listed["before"], &listed["after"]), (&json!({"description": ""}), &json!({"description": "x"})));
    assert_eq!(last["data"]["cut"], json!([]));
    assert!(due(&world).await.is_empty(), "that it was delivered is no entry");
}

#[tokio::test]
async fn an_entry_that_is_too_long_goes_without_what_makes_it_so() {
    let (world, admin) = World::with_organization().await;
    let id_of_key = key(&world, &admin, "Import", json!({})).await;
    webhook(&world, &admin, json!(["audit.entry"])).await;
    let ranges: Vec<_> = (0..250).map(|number| format!("10.{}.{}.0/24", number / 200, number % 200)).collect();
    let edit = world.patch(&admin, &format!("/keys/{id_of_key}"), json!({"allowed_ips": ranges})).await;
    assert_eq!(edit.status, 200, "{edit:?}");
    let bodies = deliver_all(&world).await;
    let body = bodies.last().expect("the edit");
    assert!(body.to_string().len() < 20_000);
    let data = &body["data"];
    assert_eq!((&data["cut"], &data["entry"]["after"]), (&json!(["after"]), &Value::Null));
    assert_eq!(data["entry"]["before"], json!({"allowed_ips": []}), "what is short goes");
    assert!(data["entry"]["hash"].as_str().is_some_and(|hash| hash.len() == 64));
}

#[tokio::test]
async fn that_an_event_was_given_up_is_told_to_nobody() {
    let (world, admin) = World::with_organization().await;
    webhook(&world, &admin, json!(["audit.entry"])).await;
    for tries in 1..=10 {
        let leased = due(&world).await;
        assert_eq!(leased.len(), 1, "try {tries}");
        match settle(&world, &leased[0], 500).await {
            Settled::Again(next_at) => world.clock.advance(next_at.saturating_since(world.clock.now())),
            Settled::GivenUp => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(world.audited(&admin, "webhook.give_up").await["action"], "webhook.give_up");
    assert!(due(&world).await.is_empty(), "or it would never end");
}

#[tokio::test]
async fn the_audit_log_is_sent_by_those_alone_who_may_read_it() {
    let (world, admin) = World::with_organization().await;
    let role = json!({"name": "Policy", "authorities": ["policy.manage"]});
    assert_eq!(world.post(&admin, "/roles", role).await.status, 201);
    let (_, clerk) = world.user_with_key(&admin, "cleo", &["policy"], &["claviger-admin"]).await;
    let with = |name: &str, events: Value| json!({"name": name, "url": "https://x.example/", "events": events});
    let refused = world.post(&clerk, "/webhooks", with("a", json!(["audit.entry"]))).await;
    assert_eq!((refused.status.as_u16(), &refused.body["code"]), (403, &json!("forbidden")));
    let own = world.post(&clerk, "/webhooks", with("a", json!(["*"]))).await;
    assert_eq!(own.status, 201, "{own:?}");
    let path = format!("/webhooks/{}", id(&own));
    assert_eq!(world.patch(&clerk, &path, json!({"events": ["*", "audit.entry"]})).await.status, 403);
    // Nor may they have it sent elsewhere where another has asked for it.
    let asked = world.patch(&admin, &path, json!({"events": ["audit.entry", "*", "key.created"]})).await;
    assert_eq!(asked.body["events"], json!(["*", "audit.entry"]));
    assert_eq!(world.patch(&clerk, &path, json!({"url": "https://other.example/"})).await.status, 403);
}
