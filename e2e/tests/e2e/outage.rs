//! PostgreSQL hangs, refuses, restarts, takes no writes, has no connections or no room left; the network loses what it
//! carries. Each time: verdicts go on, changes are refused with 503 `busy`, all is well again by itself, and nothing that
//! was acknowledged is lost.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::harness::cluster::{Cluster, Stop};
use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::proxy::{MAKES_A_KEY, Proxy};
use crate::harness::raw_http::{Request, Response};
use crate::harness::storm::{Verdicts, degraded};
use crate::harness::world::World;

/// An answer that takes longer is none. A bound against hanging, not a figure: the machine may have much to do.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// A server on a PostgreSQL of its own, a key that is asked for all the time, and the keys that were acknowledged.
struct Patient {
    cluster: Cluster,
    world: World,
    verdicts: Verdicts,
    acknowledged: Vec<String>,
}

// === impl Patient ===

impl Patient {
    async fn on(cluster: Cluster) -> Self {
        let url = cluster.url();
        Self::at(cluster, url).await
    }

    async fn at(cluster: Cluster, url: String) -> Self {
        let world = World::start_on(&TestDatabase::at(url)).await;
        let key = world.create_key(json!({ "name": "asked all the time", "api_sets": ["full-access"] })).await;
        let verdicts = Verdicts::ask(vec![world.doors], &key.secret);
        Self { cluster, world, verdicts, acknowledged: vec![key.secret] }
    }

    /// One more key; its answer, whatever it is, comes in time.
    async fn create(&mut self) -> Response {
        let body = json!({ "name": format!("key {}", self.acknowledged.len()), "api_sets": ["full-access"] });
        let answer = tokio::time::timeout(ANSWER_MAX, self.world.api("POST", "/keys", Some(&body))).await;
        let answer = answer.expect("no call hangs");
        if answer.status == 201 {
            self.acknowledged.push(answer.json()["secret"].as_str().expect("a secret").to_owned());
        }
        answer
    }

    /// Until changes are refused, as they have to be.
    async fn is_refused(&mut self) {
        for _ in 0..2_000 {
            let answer = self.create().await;
            if answer.status != 201 {
                answer.is_busy();
                // Reads that need the database say the same, or answer.
                let list =
                    tokio::time::timeout(ANSWER_MAX, self.world.api("GET", "/keys", None)).await.expect("no hang");
                if list.status != 200 {
                    list.is_busy();
                }
                return;
            }
        }
        panic!("changes go on");
    }

    async fn is_degraded(&self) {
        let is_so = async || {
            let ready = Request::get("/readyz").send(self.world.telemetry).await.expect(200).json();
            ready["degraded"].as_array().is_some_and(|parts| parts.contains(&json!("database")))
        };
        wait_until(is_so, || "never degraded".to_owned()).await;
        let metrics = Request::get("/metrics").send(self.world.telemetry).await.expect(200).text();
        assert!(metrics.contains("claviger_degraded{part=\"database\"} 1"), "{metrics}");
    }

    /// All is well again, and nothing is lost.
    async fn recovers(mut self) {
        let mut last = String::new();
        for _ in 0..600 {
            let answer = self.create().await;
            if answer.status == 201 {
                break;
            }
            last = answer.text();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(self.create().await.status, 201, "never well again: {last}");
        let is_well = async || {
            let ready = Request::get("/readyz").send(self.world.telemetry).await;
            ready.status == 200 && degraded(&ready).is_empty()
        };
        wait_until(is_well, || "degraded for ever".to_owned()).await;
        for secret in &self.acknowledged {
            assert_eq!(self.world.verdict(secret, "default", "GET", "/x").await["code"], "VALID");
        }
        // In the database too: a second node has nothing else to go by.
        let names = self.names().await;
        assert_eq!(names.len(), self.acknowledged.len(), "none lost, none doubled: {names:?}");
        self.verdicts.all_were_valid().await;
        self.world.stop_serving().await;
    }

    /// The names of the keys that the test made, by the database.
    async fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.world.api("GET", &format!("/keys?limit=100{cursor}"), None).await.expect(200).json();
            let keys = page["data"].as_array().expect("a list");
            names.extend(
                keys.iter().filter_map(|key| key["name"].as_str()).filter(|name| *name != "setup").map(str::to_owned),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return names,
            }
        }
    }
}

// === impl Response ===

impl Response {
    /// Asserts 503 `busy` as problem+json.
    #[track_caller]
    fn is_busy(&self) {
        assert_eq!(self.status, 503, "{}", self.text());
        assert_eq!(self.header("content-type").as_deref(), Some("application/problem+json"));
        assert_eq!(self.header("retry-after").as_deref(), Some("1"));
        assert_eq!(self.json()["code"], "busy");
    }
}

fn cluster() -> Cluster {
    Cluster::start().expect("PostgreSQL starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_go_on_while_postgres_hangs() {
    let mut patient = Patient::on(cluster()).await;
    patient.cluster.pause().expect("SIGSTOP");
    patient.is_refused().await;
    patient.is_degraded().await;
    patient.is_refused().await;
    patient.cluster.resume().expect("SIGCONT");
    patient.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_go_on_while_postgres_is_down_and_restarts() {
    let mut patient = Patient::on(cluster()).await;
    for how in [Stop::Immediate, Stop::Fast] {
        patient.cluster.stop(how).expect("it stops");
        patient.is_refused().await;
        patient.is_degraded().await;
        patient.cluster.launch().expect("it starts");
        let mut is_back = false;
        for _ in 0..600 {
            is_back = patient.create().await.status == 201;
            if is_back {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(is_back);
    }
    patient.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_go_on_while_postgres_is_read_only() {
    let mut patient = Patient::on(cluster()).await;
    patient.cluster.configure("default_transaction_read_only = on\n").expect("configured");
    patient.cluster.reload().expect("reloaded");
    patient.is_refused().await;
    patient.is_degraded().await;
    patient.cluster.configure("default_transaction_read_only = off\n").expect("configured");
    patient.cluster.reload().expect("reloaded");
    patient.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_go_on_while_postgres_has_no_connection_left() {
    let mut patient = Patient::on(Cluster::start_with("max_connections = 24\n").expect("PostgreSQL starts")).await;
    let url = format!("{}?application_name=hog", patient.cluster.url());
    let mut hogs = vec![PgConnection::connect(&url).await.expect("a place")];
    let mut others: i64 = 1;
    while others > 0 {
        while let Ok(hog) = PgConnection::connect(&url).await {
            hogs.push(hog);
        }
        let count = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE backend_type = 'client backend' AND application_name <> 'hog'";
        others = sqlx::query_scalar(count).fetch_one(&mut hogs[0]).await.expect("a superuser");
    }
    patient.is_refused().await;
    patient.is_degraded().await;
    drop(hogs);
    patient.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_go_on_while_the_disk_of_postgres_is_full() {
    const DISK: u64 = 32 << 20;
    let cluster = Cluster::start_on_small_disk(DISK).expect("PostgreSQL starts");
    let mut superuser = PgConnection::connect(&cluster.url()).await.expect("PostgreSQL answers");
    let space = format!("CREATE TABLESPACE small LOCATION '{}'", cluster.small_disk().display());
    superuser.execute(AssertSqlSafe(space)).await.expect("a table space");
    superuser.execute("CREATE DATABASE small TABLESPACE small").await.expect("a database");
    let url = cluster.url().replace("/postgres", "/small").replace("//small", "//postgres");
    let mut patient = Patient::at(cluster, url.clone()).await;

    let mut filler = PgConnection::connect(&url).await.expect("PostgreSQL answers");
    filler.execute("CREATE TABLE filler (filling TEXT)").await.expect("a table");
    filler.execute("ALTER TABLE filler ALTER COLUMN filling SET STORAGE PLAIN").await.expect("uncompressed");
    let fill = "INSERT INTO filler SELECT repeat('x', 7000) FROM generate_series(1, 64)";
    let refusal = loop {
        if let Err(error) = filler.execute(fill).await {
            break error;
        }
    };
    assert!(refusal.as_database_error().is_some_and(|error| error.code().as_deref() == Some("53100")), "{refusal}");
    // Smaller pieces, until there is no page left.
    while filler.execute("INSERT INTO filler SELECT repeat('x', 7000)").await.is_ok() {}
    patient.is_refused().await;
    assert!(patient.create().await.text().contains("no room"), "the reason is told");
    filler.execute("DROP TABLE filler").await.expect("room again");
    patient.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_arrive_though_no_notification_does() {
    let cluster = cluster();
    let proxy = Proxy::before(cluster.port(), MAKES_A_KEY).await;
    proxy.faults().swallow_notifications.store(true, Ordering::SeqCst);
    let database = TestDatabase::at(proxy.url());
    let one = World::start_on(&database).await;
    let two = one.second_node(&database).await;
    let key = one.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
    let becomes = async |code: &str| {
        let is_so = async || two.verdict(&key.secret, "default", "GET", "/x").await["code"] == code;
        wait_until(is_so, || format!("never {code} on the other node")).await;
    };
    becomes("VALID").await;
    one.api("POST", &format!("/keys/{}/disable", key.id), None).await.expect(200);
    becomes("DISABLED").await;
    two.stop_serving().await;
    one.stop_serving().await;
}

/// The answer to a change whose COMMIT is lost says that nobody knows, and what is there afterwards is whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_in_commit_is_told_honestly() {
    let cluster = cluster();
    let proxy = Proxy::before(cluster.port(), MAKES_A_KEY).await;
    let mut patient = Patient::at(cluster, proxy.url()).await;
    let key = |patient: &Patient| format!("key {}", patient.acknowledged.len());

    proxy.faults().lose_next_commit.store(true, Ordering::SeqCst);
    let lost = patient.create().await;
    lost.is_busy();
    assert!(lost.json()["detail"].as_str().is_some_and(|detail| detail.contains("may or may not")), "{}", lost.text());
    assert!(!patient.names().await.contains(&key(&patient)), "it was not committed");
    assert_eq!(patient.create().await.status, 201, "the name is free");

    proxy.faults().lose_next_commits_answer.store(true, Ordering::SeqCst);
    let unknown = patient.create().await;
    unknown.is_busy();
    assert!(
        unknown.json()["detail"].as_str().is_some_and(|detail| detail.contains("may or may not")),
        "{}",
        unknown.text()
    );
    let name = key(&patient);
    let names = patient.names().await;
    assert_eq!(names.iter().filter(|other| **other == name).count(), 1, "it was committed once: {names:?}");
    let again = patient.create().await;
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("name_taken")), "whoever tries again is told");
    // The audit log has one entry for each key that is there, and none for the one that is not.
    let created = |audit: &Value| {
        let entries = audit["data"].as_array().expect("a list").iter();
        entries.filter(|entry| entry["action"] == "key.create" && entry["object"]["name"] == json!(name)).count()
    };
    let audit = patient.world.api("GET", "/audit?limit=100", None).await.expect(200).json();
    assert_eq!(created(&audit), 1);
    patient.verdicts.all_were_valid().await;
    patient.world.stop_serving().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_staleness_ends_verdicts_until_the_database_is_back() {
    let cluster = cluster();
    let limit = |config: &mut claviger_server::config::Config| config.database.staleness_limit_seconds = Some(60);
    let world = World::start_with(&TestDatabase::at(cluster.url()), limit).await;
    let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
    cluster.stop(Stop::Immediate).expect("it stops");
    let is_degraded =
        async || degraded(&Request::get("/readyz").send(world.telemetry).await.expect(200)) == ["database"];
    wait_until(is_degraded, || "never degraded".to_owned()).await;
    world.clock.advance(Duration::from_secs(59));
    assert_eq!(world.verdict(&key.secret, "default", "GET", "/x").await["code"], "VALID");

    world.clock.advance(Duration::from_secs(2));
    let body = json!({ "credential": key.secret, "api": "default", "method": "GET", "path": "/x" });
    let stale = Request::post("/v1/verify", &body).send(world.doors).await;
    stale.is_busy();
    let nginx = Request::get("/v1/authorize/api/default/nginx").bearer(&key.secret);
    let nginx = nginx.header("X-Original-Method", "GET").header("X-Original-URI", "/x");
    let nginx =
        nginx.header("X-Original-Host", "h").header("X-Real-IP", "203.0.113.7").send(world.doors).await.expect(403);
    assert_eq!(nginx.header("x-auth-status").as_deref(), Some("503"));
    let ready = Request::get("/readyz").send(world.telemetry).await.expect(503);
    assert_eq!(
        (&ready.json()["ready"], degraded(&ready)),
        (&json!(false), vec!["database".to_owned(), "stale".to_owned()])
    );

    cluster.launch().expect("it starts");
    let is_well = async || Request::get("/readyz").send(world.telemetry).await.status == 200;
    wait_until(is_well, || "stale for ever".to_owned()).await;
    assert_eq!(world.verdict(&key.secret, "default", "GET", "/x").await["code"], "VALID");
    world.stop_serving().await;
}

/// A newer program upgraded the database so that this one would misread it: it judges no more, and says why.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_node_stops_judging_when_a_schema_comes_that_it_may_not_read() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let world = World::start_on(&database).await;
    let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
    let mut superuser = PgConnection::connect(&database.url).await.expect("PostgreSQL answers");
    superuser.execute("UPDATE schema_state SET version = 900, oldest_reader = 900").await.expect("a newer schema");
    let is_told = async || {
        let ready = Request::get("/readyz").send(world.telemetry).await;
        let parts = &ready.json()["degraded"];
        ready.status == 503 && parts.as_array().is_some_and(|parts| parts.contains(&json!("schema")))
    };
    wait_until(is_told, || "it goes on".to_owned()).await;
    let body = json!({ "credential": key.secret, "api": "default", "method": "GET", "path": "/x" });
    Request::post("/v1/verify", &body).send(world.doors).await.is_busy();
    let change = world.api("POST", &format!("/keys/{}/disable", key.id), None).await;
    change.is_busy();
    assert!(change.text().contains("upgraded"), "{}", change.text());

    // A schema that it may read, however new, is none of its business.
    superuser.execute("UPDATE schema_state SET oldest_reader = 1").await.expect("a readable schema");
    let is_well = async || Request::get("/readyz").send(world.telemetry).await.status == 200;
    wait_until(is_well, || "never again".to_owned()).await;
    assert_eq!(world.verdict(&key.secret, "default", "GET", "/x").await["code"], "VALID");
    world.api("POST", &format!("/keys/{}/disable", key.id), None).await.expect(200);
    world.stop_serving().await;
}
