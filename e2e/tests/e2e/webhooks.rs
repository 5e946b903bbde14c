//! Webhooks with a real receiver: signed as the standard's own library wants it, tried again, each event once, whatever dies.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::process::Serving;
use crate::harness::raw_http::Request;
use crate::harness::receiver::{Manner, Received, Receiver};
use crate::harness::world::{World, run_with};
use crate::mail::set_up;

/// Checks what stands on standard input with the reference library.
const VERIFY: &str = "import json, sys\nfrom standardwebhooks import Webhook\nfor line in sys.stdin:\n    m = json.loads(line)\n    \
                      Webhook(m['secret']).verify(m['body'], m['headers'])\n    print(m['headers']['webhook-id'])\n";
/// How many keys are made where somebody dies meanwhile.
const KEYS: usize = 300;

fn with_loopback(config: &mut claviger_server::config::Config) {
    config.outgoing.allow_private = vec!["127.0.0.0/8".parse().expect("a range")];
}

async fn call(world: &World, method: &str, path: &str, body: Value) -> Value {
    let answer = world.api(method, path, Some(&body)).await;
    assert!(answer.status < 300, "{method} {path}: {}", answer.text());
    answer.json()
}

/// Makes a webhook; its path and its secret.
async fn webhook(world: &World, name: &str, url: &str, events: Value) -> (String, String) {
    let made = call(world, "POST", "/webhooks", json!({"name": name, "url": url, "events": events})).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (format!("/webhooks/{}", text(&made["webhook"]["id"])), text(&made["secret"]))
}

async fn arrived(receiver: &Receiver, count: usize) -> Vec<Received> {
    wait_until(async || receiver.received().len() >= count, || format!("{:?}", receiver.received())).await;
    receiver.received()
}

/// The newest event of a webhook, once so many attempts are noted.
async fn noted(world: &World, path: &str, attempts: usize) -> Value {
    let read = async || {
        world.api("GET", &format!("{path}/deliveries?limit=1"), None).await.expect(200).json()["data"][0].clone()
    };
    let count = |event: &Value| event["attempts"].as_array().map_or(0, Vec::len);
    wait_until(async || count(&read().await) >= attempts, || path.to_owned()).await;
    read().await
}

async fn signed_tried_again_and_sent_again(world: &World) {
    let receiver = Receiver::start().await;
    let (path, old) = webhook(world, "Tickets", &receiver.url(), json!(["key.created"])).await;
    receiver.answer(Manner::Status(500));
    world.create_key(json!({"name": "Import", "api_sets": ["full-access"]})).await;
    let first = arrived(&receiver, 1).await.remove(0);
    assert_eq!((first.path.as_str(), first.json()["type"].as_str()), ("/events?from=claviger", Some("key.created")));
    assert_eq!(first.header("host"), receiver.address.to_string());
    assert_eq!(first.json()["data"]["key"]["name"], "Import");
    let event = noted(world, &path, 1).await;
    assert_eq!((&event["state"], &event["attempts"][0]["status"]), (&json!("waiting"), &json!(500)));
    assert_eq!(
        (&event["attempts"][0]["answer"], event["id"].as_str()),
        (&json!("well"), Some(&*first.header("webhook-id")))
    );

    for query in ["sort=name", "limit=0", "limit=101", "cursor=x", "state=lost"] {
        let refused = world.api("GET", &format!("{path}/deliveries?{query}"), None).await;
        assert_eq!(refused.status, 400, "{query}: {}", refused.text());
    }

    // While a secret is rotated both sign.
    let new = call(world, "POST", &format!("{path}/rotate"), json!({"overlap_seconds": 3_600})).await;
    let new = new["secret"].as_str().expect("a secret").to_owned();
    receiver.answer(Manner::Status(200));
    world.advance(Duration::from_secs(6));
    let second = arrived(&receiver, 2).await.remove(1);
    assert_eq!((second.header("webhook-id"), &second.body), (first.header("webhook-id"), &first.body));
    assert_ne!(second.header("webhook-timestamp"), first.header("webhook-timestamp"));
    let signatures = second.header("webhook-signature");
    assert_eq!(signatures.split(' ').count(), 2, "{signatures}");
    for secret in [&new, &old] {
        let secret = claviger_domain::Secret::new(secret.clone());
        let secret = claviger_domain::webhook::WebhookSecret::of_stored(secret);
        let timestamp = second.header("webhook-timestamp").parse().expect("seconds");
        let expected = secret.sign(&second.header("webhook-id"), timestamp, &second.body).expect("signed");
        assert!(signatures.split(' ').any(|signature| signature == expected), "{signatures}");
    }
    assert_eq!(noted(world, &path, 2).await["state"], "delivered");

    world.advance(Duration::from_hours(2));
    let id = first.header("webhook-id");
    call(world, "POST", &format!("{path}/deliveries/{id}/replay"), json!({})).await;
    let third = arrived(&receiver, 3).await.remove(2);
    assert_eq!((third.header("webhook-id"), &third.body), (id, &first.body));
    assert_eq!(third.header("webhook-signature").split(' ').count(), 1, "the overlap is over");
    call(world, "POST", &format!("{path}/test"), json!({})).await;
    assert_eq!(arrived(&receiver, 4).await[3].json()["type"], "webhook.test");

    noted(world, &path, 1).await;
    receiver.answer(Manner::Status(410));
    world.create_key(json!({"name": "Last", "api_sets": []})).await;
    arrived(&receiver, 5).await;
    let is_off = async || world.api("GET", &path, None).await.expect(200).json()["enabled"] == false;
    wait_until(is_off, || "it is disabled".to_owned()).await;
}

#[test]
fn an_event_is_signed_tried_again_and_sent_again_on_sqlite() {
    run_with(Kind::Sqlite, with_loopback, signed_tried_again_and_sent_again);
}

#[test]
fn an_event_is_signed_tried_again_and_sent_again_on_postgres() {
    run_with(Kind::Postgres, with_loopback, signed_tried_again_and_sent_again);
}

async fn what_may_be_a_thief_is_sent(world: &World) {
    let receiver = Receiver::start().await;
    webhook(world, "Alarms", &receiver.url(), json!(["key.new_address", "key.old_secret_used", "key.disabled"])).await;
    call(world, "PATCH", "/policy", json!({"old_secret_use": "disable"})).await;
    let made = call(world, "POST", "/keys", json!({"name": "Import", "api_sets": ["full-access"]})).await;
    let (id, secret) = (made["key"]["id"].as_str().expect("an id"), made["secret"].as_str().expect("a secret"));
    for ip in ["203.0.113.7", "203.0.113.8"] {
        let question = json!({"credential": secret, "api": "default", "method": "GET", "path": "/x", "client_ip": ip});
        assert_eq!(Request::post("/v1/verify", &question).send(world.doors).await.json()["code"], "VALID");
    }
    let event = arrived(&receiver, 1).await.remove(0).json();
    assert_eq!((&event["type"], &event["data"]["key"]["id"]), (&json!("key.new_address"), &json!(id)));
    assert_eq!(event["data"]["seen"]["ip"], "203.0.113.8");
    call(world, "POST", &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 0})).await;
    world.verdict(secret, "default", "GET", "/x").await;
    let mut events: Vec<_> = arrived(&receiver, 3).await.iter().skip(1).map(Received::json).collect();
    events.sort_by_key(|event| event["type"].to_string());
    assert_eq!((&events[0]["type"], &events[1]["type"]), (&json!("key.disabled"), &json!("key.old_secret_used")));
    assert_eq!(events[0]["data"]["reason"], "an old secret was used after its rotation");
    assert_eq!(events[1]["data"]["seen"]["code"], "NOT_FOUND");
}

#[test]
fn what_may_be_a_thief_is_sent_on_sqlite() {
    run_with(Kind::Sqlite, with_loopback, what_may_be_a_thief_is_sent);
}

#[test]
fn what_may_be_a_thief_is_sent_on_postgres() {
    run_with(Kind::Postgres, with_loopback, what_may_be_a_thief_is_sent);
}

async fn who_hangs_or_leads_elsewhere(world: &World) {
    let (hanging, leading, hidden, good) =
        (Receiver::start().await, Receiver::start().await, Receiver::start().await, Receiver::start().await);
    hanging.answer(Manner::Hang);
    leading.answer(Manner::Redirect(hidden.url()));
    let (led, _) = webhook(world, "Leads elsewhere", &leading.url(), json!(["*"])).await;
    webhook(world, "Hangs", &hanging.url(), json!(["*"])).await;
    for number in 0..6 {
        world.create_key(json!({"name": format!("key {number}"), "api_sets": []})).await;
    }
    arrived(&hanging, 4).await;
    let (path, _) = webhook(world, "Good", &good.url(), json!(["*"])).await;
    world.create_key(json!({"name": "one more", "api_sets": []})).await;
    arrived(&good, 1).await;
    assert_eq!(noted(world, &path, 1).await["state"], "delivered", "who hangs holds up no other");
    let event = noted(world, &led, 1).await;
    let attempt = &event["attempts"][0];
    assert_eq!((&attempt["status"], &attempt["reason"]), (&json!(307), &json!("redirections are not followed")));
    assert!(hidden.received().is_empty());
    for url in [
        format!("http://{}/api/v1/keys", world.control),
        format!("http://{}/metrics", world.telemetry),
        format!("http://{}/v1/verify", world.doors),
        "http://10.0.0.1/".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
    ] {
        let refused = world.api("POST", "/webhooks", Some(&json!({"name": "x", "url": url}))).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["field"]), (400, &json!("url")), "{url}");
    }
}

#[test]
fn who_hangs_or_leads_elsewhere_holds_nothing_up_on_sqlite() {
    run_with(Kind::Sqlite, with_loopback, who_hangs_or_leads_elsewhere);
}

#[test]
fn who_hangs_or_leads_elsewhere_holds_nothing_up_on_postgres() {
    run_with(Kind::Postgres, with_loopback, who_hangs_or_leads_elsewhere);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_nodes_one_delivers_each_event() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let world = World::start_with(&database, with_loopback).await;
    let second = world.second_node_with(&database, with_loopback).await;
    let receiver = Receiver::start().await;
    webhook(&world, "Tickets", &receiver.url(), json!(["key.created"])).await;
    for number in 0..40 {
        let node = if number % 2 == 0 { &world } else { &second };
        node.create_key(json!({"name": format!("key {number}"), "api_sets": []})).await;
    }
    arrived(&receiver, 40).await;
    let waiting = "SELECT COUNT(*) FROM webhook_deliveries WHERE state <> 'delivered'".to_owned();
    wait_until(async || database.number(waiting.clone()).await == 0, || "all are delivered".to_owned()).await;
    let events = receiver.received();
    let ids: BTreeSet<_> = events.iter().map(|event| event.header("webhook-id")).collect();
    assert_eq!((events.len(), ids.len()), (40, 40));
    second.stop_serving().await;
    world.stop_serving().await;
}

async fn start(data: &Path) -> Serving {
    Serving::start_with(data, &[("CLAVIGER_OUTGOING_ALLOW_PRIVATE", "127.0.0.0/8")]).await
}

/// Has the reference library check all that was received.
fn verify(secret: &str, events: &[Received]) {
    let wheels = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../wheels");
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", VERIFY]).env_clear().env("PYTHONPATH", wheels);
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python");
    let lines = events.iter().map(|event| {
        let headers: serde_json::Map<_, _> =
            event.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        format!("{}\n", json!({"secret": secret, "body": event.body, "headers": headers}))
    });
    let text: String = lines.collect();
    let mut stdin = child.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, text.as_bytes()));
    let output = child.wait_with_output().expect("ended");
    writer.join().expect("a thread").expect("written");
    assert!(output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), events.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_middle_of_delivering_loses_nothing_and_puts_nothing_in_twice() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("one");
    std::fs::create_dir_all(&data).expect("a data directory");
    let receiver = Receiver::start().await;
    let serving = start(&data).await;
    let admin = set_up(&data);
    let body = json!({"name": "Tickets", "url": receiver.url(), "events": ["key.imported"]});
    let made = Request::post("/api/v1/webhooks", &body).bearer(&admin).send(serving.control).await.expect(201).json();
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    let row = |number: usize| {
        let value = format!("a-value-of-another-system-{number}");
        json!({"name": format!("key {number}"), "api_sets": [], "import": {"value": value}})
    };
    let rows: Value = (0..KEYS).map(row).collect();
    Request::post("/api/v1/keys/import", &rows).bearer(&admin).send(serving.control).await.expect(200);
    arrived(&receiver, 1).await;
    serving.kill();
    let database = TestDatabase::at(format!("sqlite://{}", data.join("claviger.db").display()));
    let delivered = async || {
        let delivered = "SELECT COUNT(*) FROM webhook_deliveries WHERE state = 'delivered'";
        database.number(delivered.to_owned()).await
    };
    let before = delivered().await;
    assert!(before < KEYS as i64, "it was killed in the middle");
    // What it had leased is another's when the lease is over.
    database.execute("UPDATE webhook_deliveries SET leased_until = 0").await;
    let serving = start(&data).await;
    wait_until(async || delivered().await > before, || serving.log()).await;
    serving.kill();
    database.execute("UPDATE webhook_deliveries SET leased_until = 0").await;
    let serving = start(&data).await;
    wait_until(async || delivered().await == KEYS as i64, || serving.log()).await;
    serving.stop();
    assert_eq!(database.number("SELECT COUNT(*) FROM webhook_deliveries".to_owned()).await, KEYS as i64);
    let events = receiver.received();
    let ids: BTreeSet<_> = events.iter().map(|event| event.header("webhook-id")).collect();
    let keys: BTreeSet<_> = events.iter().map(|event| event.json()["data"]["key"]["id"].to_string()).collect();
    assert_eq!((ids.len(), keys.len()), (KEYS, KEYS));
    verify(&secret, &events);
}
