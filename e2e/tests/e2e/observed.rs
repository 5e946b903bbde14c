//! What is seen of a key afterwards: last use, last refusal, the diagnostic log, and what operators see.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::on_both_databases;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

async fn a_stop_writes_what_keys_did(kind: Kind) {
    let database = TestDatabase::new(kind).await;
    let world = World::start_on(&database).await;
    let body = json!({ "name": "k", "api_sets": ["full-access"], "allowed_ips": ["203.0.113.0/24"] });
    let key = world.create_key(body).await;
    let unused = world.create_key(json!({ "name": "unused", "api_sets": [] })).await;
    let ask = |ip: &str| {
        Request::get("/v1/authorize/api/default/nginx")
            .bearer(&key.secret)
            .header("User-Agent", "order-sync/1.2")
            .header("X-Original-Method", "GET")
            .header("X-Original-URI", "/a?secret=1")
            .header("X-Original-Host", "api.example.com")
            .header("X-Real-IP", ip)
            .send(world.doors)
    };
    ask("203.0.113.7").await.expect(200);
    world.clock.advance(Duration::from_mins(1));
    ask("198.51.100.1").await.expect(403);
    world.stop_serving().await;

    let again = world.second_node(&database).await;
    let record = again.get_key(&key.id).await;
    assert_eq!(record["last_used"]["ip"], "203.0.113.7");
    assert_eq!(record["last_used"]["door"], "nginx");
    assert_eq!(record["last_used"]["agent"], "order-sync/1.2");
    assert_eq!(record["last_refused"]["ip"], "198.51.100.1");
    assert!(record["last_used"]["at"].as_str() < record["last_refused"]["at"].as_str(), "{record}");
    let log = again.api("GET", &format!("/keys/{}/requests", key.id), None).await.expect(200).json();
    let line = &log["data"][0];
    assert_eq!((&line["code"], &line["ip"]), (&json!("IP_NOT_ALLOWED"), &json!("198.51.100.1")));
    assert_eq!(line["path"], "/a", "never the query");
    assert_eq!(again.get_key(&unused.id).await["last_used"], Value::Null);
    again.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_writes_what_keys_did_on_sqlite() {
    a_stop_writes_what_keys_did(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_writes_what_keys_did_on_postgres() {
    a_stop_writes_what_keys_did(Kind::Postgres).await;
}

on_both_databases! {
    async fn health_and_metrics_answer_operators(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        assert_eq!(world.verdict(&key.secret, "default", "GET", "/x").await["code"], "VALID");
        Request::get("/healthz").send(world.telemetry).await.expect(200);
        let ready = Request::get("/readyz").send(world.telemetry).await.expect(200).json();
        let degraded = ready["degraded"].as_array().expect("a list");
        // The clock of these worlds stands in another year than PostgreSQL's.
        assert!(ready["ready"] == true && degraded.iter().all(|part| part == "clock_skew"), "{ready}");
        let metrics = Request::get("/metrics").send(world.telemetry).await.expect(200).text();
        let verdicts = metrics.lines().find(|line| line.starts_with("claviger_verdicts_total") && line.contains("\"VALID\""));
        assert!(verdicts.is_some_and(|line| line.contains("verify") && !line.ends_with(" 0")), "{metrics}");
        assert!(metrics.lines().any(|line| line.starts_with("claviger_keys")), "{metrics}");
        assert!(!metrics.contains(&key.id), "never a key id as a label");
    }

    async fn whoami_answers_the_key_itself_and_is_no_use(world: &World) {
        let key = world.create_key(json!({ "name": "Mine", "api_sets": ["full-access"], "expires_at": "2026-12-31" })).await;
        for request in [
            Request::get("/v1/whoami").bearer(&key.secret),
            Request::get("/v1/whoami").basic("any", &key.secret),
            Request::get("/v1/whoami").header("X-Api-Key", &key.secret),
        ] {
            let answer = request.send(world.doors).await.expect(200);
            assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
            let answer = answer.json().to_string();
            assert!(answer.contains(&key.id) && answer.contains("full-access"), "{answer}");
            assert!(!answer.contains(&key.secret), "{answer}");
        }
        Request::get("/v1/whoami").send(world.doors).await.expect(401);
        assert_eq!(world.get_key(&key.id).await["last_used"], Value::Null);
    }

    async fn an_expiry_date_means_the_end_of_that_day(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"], "expires_at": "2026-01-02" })).await;
        assert_eq!(key.record["expires_at"], "2026-01-03T00:00:00Z", "the first instant of the following day");
        world.advance_to("2026-01-02T23:59:59.999999Z");
        assert_eq!(world.verdict(&key.secret, "default", "GET", "/x").await["code"], "VALID");
        world.advance_to("2026-01-03T00:00:00Z");
        assert_eq!(world.verdict(&key.secret, "default", "GET", "/x").await["code"], "EXPIRED");
        assert_eq!(world.get_key(&key.id).await["state"], "expired");
    }

    async fn a_rotation_overlaps_and_ends(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        let rotate = |seconds: u32| {
            let path = format!("/keys/{}/rotate", key.id);
            async move { world.api("POST", &path, Some(&json!({ "overlap_seconds": seconds }))).await }
        };
        let code = async |secret: &str| world.verdict(secret, "default", "GET", "/x").await["code"].clone();
        let rotated = rotate(3_600).await.expect(200).json();
        let new = rotated["secret"].as_str().expect("a secret").to_owned();
        assert_eq!((code(&key.secret).await, code(&new).await), (json!("VALID"), json!("VALID")));
        assert_eq!(rotate(60).await.expect(409).json()["code"], "conflict");
        assert_eq!(rotate(2_592_001).await.status, 400);
        world.clock.advance(Duration::from_hours(1));
        assert_eq!((code(&key.secret).await, code(&new).await), (json!("NOT_FOUND"), json!("VALID")));
        // During an overlap, 0 replaces the new secret and ends the old one at once.
        let second = rotate(3_600).await.expect(200).json()["secret"].as_str().expect("a secret").to_owned();
        let third = rotate(0).await.expect(200).json()["secret"].as_str().expect("a secret").to_owned();
        let codes = [code(&new).await, code(&second).await, code(&third).await];
        assert_eq!(codes, [json!("NOT_FOUND"), json!("NOT_FOUND"), json!("VALID")]);
        assert_eq!(world.get_key(&key.id).await["id"], key.id, "the same record");
    }

    async fn check_explains_and_uses_nothing(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "operations": ["github:repos/get"], "allowed_ips": ["203.0.113.0/24"] })).await;
        let check = async |method: &str, ip: &str| {
            let body = json!({ "api": "github", "method": method, "path": "/repos/o/r", "client_ip": ip });
            world.api("POST", &format!("/keys/{}/check", key.id), Some(&body)).await.expect(200).json()
        };
        assert_eq!(check("GET", "203.0.113.7").await["code"], "VALID");
        assert_eq!(check("DELETE", "203.0.113.7").await["code"], "OPERATION_NOT_ALLOWED");
        let refused = check("DELETE", "198.51.100.1").await;
        assert_eq!(refused["code"], "IP_NOT_ALLOWED");
        assert!(refused["checks"].as_array().is_some_and(|checks| checks.len() >= 4), "{refused}");
        assert_eq!(world.get_key(&key.id).await["last_used"], Value::Null);
    }

    async fn a_reimport_reaches_existing_keys_at_once(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "operations": ["github:issues/*"] })).await;
        assert_eq!(world.verdict(&key.secret, "github", "GET", "/issue-tags").await["code"], "OPERATION_NOT_ALLOWED");
        let document = json!({ "openapi": "3.1.0", "info": { "title": "G", "version": "2" }, "paths": {
            "/issue-tags": { "get": { "operationId": "issues/list-tags", "responses": {} } } } });
        let import = Request::post("/api/v1/apis/import?slug=github", &document).bearer(&world.token);
        let imported = import.send(world.control).await;
        assert!(imported.status < 300, "{}", imported.text());
        assert_eq!(imported.json()["operations"], json!({ "added": 1, "changed": 0, "removed": 1_223 }));
        assert_eq!(world.verdict(&key.secret, "github", "GET", "/issue-tags").await["code"], "VALID");
        let gone = world.verdict(&key.secret, "github", "GET", "/repos/o/r/issues").await;
        assert_eq!(gone["code"], "OPERATION_NOT_ALLOWED");
    }
}
