//! A node that restarts while PostgreSQL is away starts from its local snapshot.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::Timestamp;
use claviger_domain::testing::FixedClock;
use claviger_server::clock::OsRandom;
use claviger_server::config::Config;
use claviger_server::{Running, Server, StartError};
use serde_json::{Value, json};

use crate::harness::cluster::{Cluster, Stop};
use crate::harness::patience::wait_until;
use crate::harness::process::Serving;
use crate::harness::raw_http::{Request, Response};
use crate::harness::storm::degraded;
use crate::harness::telemetry::figure;

async fn call(node: &Serving, token: &str, method: &str, path: &str, body: &Value) -> Response {
    Request::new(method, &format!("/api/v1{path}")).bearer(token).json(body).send(node.control).await
}

async fn create(node: &Serving, token: &str, name: &str) -> (String, String) {
    let body = json!({ "name": name, "api_sets": ["full-access"] });
    let made = call(node, token, "POST", "/keys", &body).await.expect(201).json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&made["key"]["id"]), text(&made["secret"]))
}

async fn code(node: &Serving, secret: &str) -> Value {
    let body = json!({ "credential": secret, "api": "default", "method": "GET", "path": "/x" });
    Request::post("/v1/verify", &body).send(node.doors).await.expect(200).json()["code"].clone()
}

async fn set_up(node: &Serving, data: &Path) -> String {
    let token = std::fs::read_to_string(data.join("local-token")).expect("the local token");
    let body = json!({ "organization": "Acme", "email": "ada@example.com" });
    let made = Request::post("/api/v1/setup", &body).bearer(token.trim()).send(node.control).await.expect(201).json();
    made["token"].as_str().expect("a token").to_owned()
}

async fn is_written(data: &Path) {
    wait_until(async || data.join("snapshot").exists(), || "no snapshot is written".to_owned()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_restarts_while_the_database_is_away_starts_from_its_snapshot() {
    let cluster = Cluster::start().expect("PostgreSQL starts");
    let folder = tempfile::Builder::new().prefix("claviger-snapshot-").tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let url = cluster.url();
    let start = || {
        let variables = [("CLAVIGER_DATABASE_URL", url.as_str()), ("CLAVIGER_DATABASE_CONNECT_TIMEOUT_SECONDS", "1")];
        let data = data.clone();
        async move { Serving::start_with(&data, &variables).await }
    };
    let node = start().await;
    let token = set_up(&node, &data).await;
    let (kept, kept_secret) = create(&node, &token, "kept").await;
    is_written(&data).await;
    // After the load that the snapshot begins with: what was made and what was ended since is in it too.
    let (_, new_secret) = create(&node, &token, "new").await;
    let (ended, ended_secret) = create(&node, &token, "ended").await;
    call(&node, &token, "POST", &format!("/keys/{ended}/disable"), &json!({})).await.expect(200);
    let codes = async |node: &Serving| {
        [code(node, &kept_secret).await, code(node, &new_secret).await, code(node, &ended_secret).await]
    };
    let expected = ["VALID", "VALID", "DISABLED"].map(Value::from);
    assert_eq!(codes(&node).await, expected);
    cluster.stop(Stop::Immediate).expect("it stops");
    node.stop();

    let file = data.join("snapshot");
    assert_eq!(std::fs::metadata(&file).expect("it is there").permissions().mode() & 0o777, 0o600);
    let bytes = std::fs::read(&file).expect("readable");
    for secret in [&kept_secret, &new_secret, &token] {
        let part = &secret.as_bytes()[secret.len() - 38..secret.len() - 6];
        assert!(!bytes.windows(part.len()).any(|window| window == part), "no secret is in it");
    }
    // Twice: a node that runs from its snapshot leaves it as it is.
    for _ in 0..2 {
        let node = start().await;
        assert_eq!(codes(&node).await, expected);
        let refused = call(&node, &token, "POST", &format!("/keys/{kept}/disable"), &json!({})).await.expect(503);
        assert_eq!(refused.json()["code"], "busy");
        let is_told = async || {
            let ready = Request::get("/readyz").send(node.telemetry).await.expect(200).json();
            ready["degraded"].as_array().is_some_and(|parts| parts.contains(&json!("database")))
        };
        wait_until(is_told, || "not degraded".to_owned()).await;
        assert!(node.log().contains("started from the local snapshot"), "{}", node.log());
        node.kill();
    }

    // The database comes back while the node runs: it goes on from where the snapshot ended, without a load.
    let node = start().await;
    let loads_before = node.log().matches("loaded ").count();
    cluster.launch().expect("it starts");
    let is_well = async || {
        let ready = Request::get("/readyz").send(node.telemetry).await;
        ready.status == 200 && degraded(&ready).is_empty()
    };
    wait_until(is_well, || format!("degraded for ever:\n{}", node.log())).await;
    call(&node, &token, "POST", &format!("/keys/{kept}/disable"), &json!({})).await.expect(200);
    assert_eq!(code(&node, &kept_secret).await, "DISABLED");
    assert_eq!(code(&node, &new_secret).await, "VALID");
    assert_eq!(node.log().matches("loaded ").count(), loads_before);
    node.stop();
}

fn telemetry_of(server: &Running) -> SocketAddr {
    server.telemetry_url().trim_start_matches("http://").parse().expect("an address")
}

/// How old the metrics say the snapshot is, and how long.
async fn age_and_bytes(server: &Running) -> [Option<f64>; 2] {
    let telemetry = telemetry_of(server);
    [figure(telemetry, "claviger_snapshot_age_seconds").await, figure(telemetry, "claviger_snapshot_bytes").await]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_say_how_old_and_how_long_the_snapshot_is() {
    let cluster = Cluster::start().expect("PostgreSQL starts");
    let folder = tempfile::Builder::new().prefix("claviger-snapshot-").tempdir().expect("a temporary folder");
    let (data, url) = (folder.path().join("data"), cluster.url());
    let clock = Arc::new(FixedClock::new(BEGIN));
    std::fs::create_dir_all(data.join("snapshot.new")).expect("a folder where the draft should be");
    let running = start(&data, &url, &clock, None).await.expect("it starts");
    assert_eq!(age_and_bytes(&running).await, [None, Some(0.0)], "it cannot be written");
    running.stop().await;
    std::fs::remove_dir(data.join("snapshot.new")).expect("removed");

    let running = start(&data, &url, &clock, None).await.expect("it starts");
    let is_told = async |server: &Running, expected: f64| {
        let is_so = async || {
            let length = std::fs::metadata(data.join("snapshot")).ok().map(|file| file.len() as f64);
            age_and_bytes(server).await == [length.map(|_| expected), Some(length.unwrap_or(0.0))] && length.is_some()
        };
        wait_until(is_so, || format!("the snapshot is never {expected} s old")).await;
    };
    is_told(&running, 0.0).await;
    // The looks at the feed find nothing new: it is as good as one of now.
    clock.advance(Duration::from_hours(1));
    is_told(&running, 0.0).await;
    cluster.stop(Stop::Immediate).expect("it stops");
    let is_noticed = async || figure(telemetry_of(&running), "claviger_database_up").await == Some(0.0);
    wait_until(is_noticed, || "nobody notices".to_owned()).await;
    clock.advance(Duration::from_secs(20));
    is_told(&running, 20.0).await;
    running.stop().await;

    // Started from it, the node leaves it as it is.
    clock.advance(Duration::from_mins(5));
    let running = start(&data, &url, &clock, None).await.expect("it starts");
    is_told(&running, 320.0).await;
    cluster.launch().expect("it starts");
    is_told(&running, 0.0).await;
    running.stop().await;
}

/// Where the clock of these servers begins.
const BEGIN: Timestamp = Timestamp::from_micros(1_767_225_599_000_000);

async fn start(data: &Path, url: &str, clock: &Arc<FixedClock>, limit: Option<u64>) -> Result<Running, StartError> {
    let mut config = Config::on_free_ports(data.to_owned());
    config.database.url = Some(url.parse().expect("a URL"));
    config.database.connect_timeout_seconds = 1;
    config.database.staleness_limit_seconds = limit;
    config.doors.settings.threads = 1;
    let clock = Arc::clone(clock);
    Server::start(config, clock, Arc::new(OsRandom)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_too_old_damaged_or_foreign_is_not_started_from() {
    let cluster = Cluster::start().expect("PostgreSQL starts");
    let folder = tempfile::Builder::new().prefix("claviger-snapshot-").tempdir().expect("a temporary folder");
    let (data, url) = (folder.path().join("data"), cluster.url());
    let clock = Arc::new(FixedClock::new(BEGIN));
    let running = start(&data, &url, &clock, None).await.expect("it starts");
    is_written(&data).await;
    cluster.stop(Stop::Immediate).expect("it stops");
    running.stop().await;

    // Too old; what is not too old counts for the rest of the time.
    clock.advance(Duration::from_secs(61));
    let error = start(&data, &url, &clock, Some(60)).await.expect_err("too old");
    assert_eq!(error.exit_code(), 3, "{error}");
    let running = start(&data, &url, &clock, Some(100)).await.expect("not too old");
    let address = telemetry_of(&running);
    Request::get("/readyz").send(address).await.expect(200);
    clock.advance(Duration::from_secs(40));
    let stale = Request::get("/readyz").send(address).await.expect(503).json();
    assert!(stale["degraded"].as_array().is_some_and(|parts| parts.contains(&json!("stale"))), "{stale}");
    running.stop().await;

    // Damaged, and another installation's.
    let whole = std::fs::read(data.join("snapshot")).expect("readable");
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for bytes in [&changed[..], &whole[..middle], b"CLVSNAP9"] {
        std::fs::write(data.join("snapshot"), bytes).expect("written");
        let error = start(&data, &url, &clock, None).await.expect_err("no snapshot to start from");
        assert_eq!(error.exit_code(), 3, "{error}");
    }
    std::fs::write(data.join("snapshot"), whole).expect("written");
    std::fs::write(data.join("master-secret"), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").expect("written");
    let error = start(&data, &url, &clock, None).await.expect_err("a foreign master secret");
    assert_eq!(error.exit_code(), 3, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_signed_off_gives_no_verdicts_before_the_others_know_of_it_again() {
    let cluster = Cluster::start().expect("PostgreSQL starts");
    let folder = tempfile::Builder::new().prefix("claviger-snapshot-").tempdir().expect("a temporary folder");
    let (data, url) = (folder.path().join("data"), cluster.url());
    let clock = Arc::new(FixedClock::new(BEGIN));
    let running = start(&data, &url, &clock, None).await.expect("it starts");
    is_written(&data).await;
    running.stop().await;
    cluster.stop(Stop::Immediate).expect("it stops");
    // `?wait=all` at another node that still reached the database would not have waited for it.
    let error = start(&data, &url, &clock, None).await.expect_err("no snapshot to start from");
    assert_eq!(error.exit_code(), 3, "{error}");
}
