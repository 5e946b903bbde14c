//! Fail-over to a synchronous standby by PostgreSQL's own streaming replication, in the middle of a storm of rotations.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::json;
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::task::JoinSet;

use crate::harness::cluster::{Cluster, Stop};
use crate::harness::database::TestDatabase;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::Request;
use crate::harness::storm::{Verdicts, degraded};
use crate::harness::world::World;

/// Keys that are rotated at once, each by its own writer.
const WRITERS: usize = 6;
/// Rotations that are acknowledged before the primary dies, and after the standby took over.
const ROTATIONS: u64 = 40;

/// A key, and every secret of it that was acknowledged, oldest first.
struct Rotated {
    id: String,
    acknowledged: Vec<String>,
    /// Rotations of which nobody knows.
    unknown: u64,
}

/// Rotates one key at the nodes in turn until told to stop; the last rotation is an acknowledged one.
async fn rotate(
    nodes: Vec<SocketAddr>,
    token: String,
    mut key: Rotated,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
) -> Rotated {
    let path = format!("/api/v1/keys/{}/rotate", key.id);
    for node in nodes.iter().cycle() {
        let request = Request::post(&path, &json!({ "overlap_seconds": 0 })).bearer(&token);
        match request.try_send(*node).await {
            // 202: committed, and the other node has not confirmed it yet.
            Ok(answer) if [200, 202].contains(&answer.status) => {
                key.acknowledged.push(answer.json()["secret"].as_str().expect("a secret").to_owned());
                count.fetch_add(1, Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
            Ok(answer) => {
                assert_eq!(answer.status, 503, "{}", answer.text());
                assert_eq!(answer.json()["code"], "busy");
                key.unknown += 1;
            }
            Err(error) => panic!("a node does not answer: {error}"),
        }
    }
    key
}

async fn is_synchronous(primary: &Cluster) {
    let mut superuser = PgConnection::connect(&primary.url()).await.expect("PostgreSQL answers");
    let mut state = async || {
        let state = sqlx::query_scalar::<_, String>("SELECT sync_state FROM pg_stat_replication");
        state.fetch_optional(&mut superuser).await.expect("a superuser") == Some("sync".to_owned())
    };
    wait_until(&mut state, || "the standby never became synchronous".to_owned()).await;
}

async fn counts(count: &AtomicU64, target: u64) {
    let begin = count.load(Ordering::SeqCst);
    wait_until(async || count.load(Ordering::SeqCst) >= begin + target, || "no rotation is acknowledged".to_owned())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_rotation_is_lost_and_no_verdict_fails_when_the_standby_takes_over() {
    let primary = Cluster::start().expect("PostgreSQL starts");
    let standby = primary.add_synchronous_standby().expect("a standby");
    is_synchronous(&primary).await;
    let database = TestDatabase::at(format!("{},{}", primary.url(), standby.url()));
    let one = World::start_on(&database).await;
    let two = one.second_node(&database).await;

    let steady = one.create_key(json!({ "name": "steady", "api_sets": ["full-access"] })).await;
    let is_known = async || two.verdict(&steady.secret, "default", "GET", "/x").await["code"] == "VALID";
    wait_until(is_known, || "the other node does not follow".to_owned()).await;
    let verdicts = Verdicts::ask(vec![one.doors, two.doors], &steady.secret);
    let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let key = one.create_key(json!({ "name": format!("rotated {number}"), "api_sets": ["full-access"] })).await;
        let key = Rotated { id: key.id, acknowledged: vec![key.secret], unknown: 0 };
        let nodes = vec![one.control, two.control];
        writers.spawn(rotate(nodes, one.token.clone(), key, Arc::clone(&stop), Arc::clone(&count)));
    }

    counts(&count, ROTATIONS).await;
    primary.stop(Stop::Immediate).expect("it dies");
    standby.promote().expect("it takes over");
    counts(&count, ROTATIONS).await;
    stop.store(true, Ordering::SeqCst);
    let keys = writers.join_all().await;
    verdicts.all_were_valid().await;

    let mut superuser = PgConnection::connect(&standby.url()).await.expect("the new primary answers");
    for key in &keys {
        // Each acknowledged secret is, or was, this key's; and there is none that was not asked for.
        for secret in &key.acknowledged {
            let found = one.api("POST", "/keys/lookup", Some(&json!({ "credential": secret }))).await;
            assert_eq!(found.status, 200, "an acknowledged secret is lost: {}", found.text());
            assert_eq!(found.json()["key"]["id"], json!(key.id));
        }
        let known = "SELECT COUNT(*) FROM key_digests WHERE key_id = $1";
        let known: i64 = sqlx::query_scalar(known).bind(&key.id).fetch_one(&mut superuser).await.expect("a count");
        let acknowledged = key.acknowledged.len() as i64;
        assert!((acknowledged..=acknowledged + key.unknown as i64).contains(&known), "{known} of {acknowledged}");
        // The last one counts, at both nodes, and the one before does not.
        let [.., before, last] = &key.acknowledged[..] else { panic!("too few rotations") };
        for world in [&one, &two] {
            let is_last = async || world.verdict(last, "default", "GET", "/x").await["code"] == "VALID";
            wait_until(is_last, || "the last secret does not count".to_owned()).await;
            assert_eq!(world.verdict(before, "default", "GET", "/x").await["code"], "NOT_FOUND");
        }
    }
    for world in [&one, &two] {
        let is_well = async || {
            let ready = Request::get("/readyz").send(world.telemetry).await;
            ready.status == 200 && degraded(&ready).is_empty()
        };
        wait_until(is_well, || "degraded for ever".to_owned()).await;
    }

    // The old primary comes back, as a primary still. Whoever starts now, and whoever must look again, takes the newer one.
    primary.configure("synchronous_standby_names = ''\n").expect("configured");
    primary.launch().expect("it comes back");
    let three = one.second_node(&database).await;
    for world in [&one, &two, &three] {
        let key = keys.first().expect("a key");
        let last = key.acknowledged.last().expect("a secret");
        let is_last = async || world.verdict(last, "default", "GET", "/x").await["code"] == "VALID";
        wait_until(is_last, || "the old primary is followed".to_owned()).await;
    }
    for world in [three, two, one] {
        world.stop_serving().await;
    }
}

/// A node that has to go over to a server with another history notices it, and loads what is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_history_is_not_followed_silently() {
    let (here, there) = (Cluster::start().expect("PostgreSQL starts"), Cluster::start().expect("PostgreSQL starts"));
    let database = TestDatabase::at(format!("{},{}", here.url(), there.url()));
    let world = World::start_on(&database).await;
    let kept = world.create_key(json!({ "name": "kept", "api_sets": ["full-access"] })).await;
    // The other server is where this one stood a moment ago, as a standby that was not synchronous.
    copy(&here, &there).await;
    let lost = world.create_key(json!({ "name": "lost", "api_sets": ["full-access"] })).await;
    assert_eq!(world.verdict(&lost.secret, "default", "GET", "/x").await["code"], "VALID");
    here.stop(Stop::Immediate).expect("it dies");
    let is_noticed = async || world.verdict(&lost.secret, "default", "GET", "/x").await["code"] == "NOT_FOUND";
    wait_until(is_noticed, || "the other history is taken for the same".to_owned()).await;
    assert_eq!(world.verdict(&kept.secret, "default", "GET", "/x").await["code"], "VALID");
    world.stop_serving().await;
}

/// Puts a copy of the one's tables into the other.
async fn copy(from: &Cluster, to: &Cluster) {
    let dump = from.dump().expect("pg_dump");
    let mut superuser = PgConnection::connect(&to.url()).await.expect("PostgreSQL answers");
    superuser.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(dump))).await.expect("the copy");
}
