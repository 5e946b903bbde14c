//! Limits while what they ask is away, strange, or behind TLS.

use std::path::Path;
use std::time::Duration;

use claviger_server::limits::WhenUnavailable;
use serde_json::{Value, json};

use crate::harness::cluster::{Cluster, Stop};
use crate::harness::database::TestDatabase;
use crate::harness::fleet::{Fleet, Node};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command, run, text};
use crate::harness::redis::Redis;
use crate::harness::telemetry::figure;
use crate::harness::tls::{Authority, Files};
use crate::harness::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_stopped_quotas_go_as_configured_and_are_exact_again_behind_it() {
    const LIMIT: u64 = 20;
    for (when_unavailable, otherwise) in [(WhenUnavailable::Closed, "QUOTA_EXCEEDED"), (WhenUnavailable::Open, "VALID")]
    {
        let cluster = Cluster::start().expect("PostgreSQL starts");
        let database = TestDatabase::at(cluster.url());
        let world = World::start_with(&database, |config| config.limits.when_unavailable = when_unavailable).await;
        let credits = json!({ "name": "credits", "kind": "quota", "limit": LIMIT, "period": "total" });
        let key = json!({ "name": "k", "api_sets": ["full-access"], "limits": [credits] });
        let (key, free) = (world.create_key(key).await, json!({ "name": "free", "api_sets": ["full-access"] }));
        let free = world.create_key(free).await;
        let ask = async |secret: &str| world.verdict(secret, "default", "GET", "/x").await;
        let told = async || {
            let answer = world.api("GET", &format!("/keys/{}/limits", key.id), None).await;
            if answer.status == 200 { answer.json()["data"][0].clone() } else { Value::Null }
        };
        let passes = async || {
            world.advance(Duration::from_secs(1));
            ask(&key.secret).await["code"] == "VALID"
        };
        wait_until(passes, || "it never passes".to_owned()).await;
        world.advance(Duration::from_secs(3));
        wait_until(async || told().await["held"] == 0, || "the block never goes back".to_owned()).await;

        cluster.stop(Stop::Immediate).expect("it stops");
        for _ in 0..5 {
            let verdict = ask(&key.secret).await;
            assert_eq!(verdict["code"], otherwise, "{verdict}");
            let retry = if otherwise == "VALID" { Value::Null } else { json!(1) };
            assert_eq!(verdict["retry_after_seconds"], retry, "{verdict}");
            assert_eq!(ask(&free.secret).await["code"], "VALID", "what has no quota asks nobody");
        }
        let result = if otherwise == "VALID" { "open" } else { "closed" };
        let series = format!("claviger_limit_otherwise_total{{kind=\"quota\",result=\"{result}\"}}");
        assert!(figure(world.telemetry, &series).await.is_some_and(|count| count >= 5.0));

        cluster.launch().expect("it starts");
        let is_spent = async || {
            world.advance(Duration::from_secs(1));
            ask(&key.secret).await;
            told().await["used"].as_u64().is_some_and(|used| used >= LIMIT)
        };
        wait_until(is_spent, || "it is never counted again".to_owned()).await;
        assert_eq!(ask(&key.secret).await["code"], "QUOTA_EXCEEDED");
        let told = told().await;
        assert_eq!((&told["used"], &told["held"], &told["remaining"]), (&json!(LIMIT), &json!(0), &json!(0)));
        world.stop_serving().await;
    }
}

/// A key with a burst of so many, and how many of twenty requests pass.
async fn passed(node: &Node, name: &str, burst: u64) -> u64 {
    let burst = json!({ "name": "burst", "kind": "rate", "limit": 1, "window_seconds": 86_400, "burst": burst });
    let key = json!({ "name": name, "api_sets": ["full-access"], "limits": [burst] });
    let key = node.api("POST", "/keys", Some(&key)).await.expect(201).json();
    let mut passed = 0;
    for _ in 0..20 {
        passed += u64::from(node.code(key["secret"].as_str().expect("a secret")).await == "VALID");
    }
    passed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_speaks_tls_counts_for_those_alone_who_trust_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (authority, files) = (Authority::new(folder.path()), Files::in_folder(folder.path()));
    authority.write(&files, 2_100);
    let redis = Redis::start_tls(&files).await;
    let tls = redis.url().replace("redis://127.0.0.1", "rediss://localhost");
    let of_others = folder.path().join("others");
    std::fs::create_dir(&of_others).expect("a folder");
    let stranger = Authority::new(&of_others);
    let calls = async |node: &Node, result: &str| {
        let series = format!("claviger_limit_redis_calls_total{{result=\"{result}\"}}");
        figure(node.serving.telemetry, &series).await.expect("Redis is configured")
    };
    let start = async |url: &str, trusted: &Path| {
        let trusted = trusted.to_str().expect("a plain path").to_owned();
        // Closed, so that nothing is counted anywhere else.
        let variables =
            [("CLAVIGER_REDIS_URL", url), ("SSL_CERT_FILE", &trusted), ("CLAVIGER_REDIS_UNAVAILABLE", "closed")];
        Fleet::start_with(1, &variables).await
    };

    let fleet = start(&tls, &authority.file).await;
    let is_counted = async || calls(&fleet.nodes[0], "answered").await > 0.0;
    wait_until(is_counted, || "there is no handshake".to_owned()).await;
    let late = calls(&fleet.nodes[0], "late").await;
    let passed_there = passed(&fleet.nodes[0], "k", 5).await;
    let late = calls(&fleet.nodes[0], "late").await - late;
    assert!(passed_there <= 5 && passed_there as f64 + late >= 5.0, "{passed_there} passed, {late} answers were late");
    drop(fleet);

    for (url, trusted) in [(tls.as_str(), &stranger.file), (&redis.url(), &authority.file)] {
        let fleet = start(url, trusted).await;
        let node = &fleet.nodes[0];
        assert_eq!(passed(node, "k", 5).await, 0, "{url}");
        let is_away = async || figure(node.serving.telemetry, "claviger_limit_redis_up").await == Some(0.0);
        wait_until(is_away, || format!("{url} is never away")).await;
        assert!(calls(node, "answered").await < 1.0, "{url}");
    }
}

on_both_databases! {
    async fn numbers_that_no_limit_can_have_are_refused_by_their_field(world: &World) {
        const EXPECTED: &str = "expected a whole number from 0 to 9007199254740992";
        let set = json!({ "name": "Orders", "limits": [] });
        world.api("POST", "/api-sets", Some(&set)).await.expect(201);
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        for path in [format!("/keys/{}", key.id), "/api-sets/orders".to_owned()] {
            for number in [json!(-1), json!(1u64 << 63), json!(i64::MIN), json!(9_007_199_254_740_993_u64), json!(1.5), json!("7"), Value::Null] {
                for kind in [json!({ "kind": "rate", "window_seconds": 60 }), json!({ "kind": "quota", "period": "day" })] {
                    let mut limit = kind;
                    (limit["name"], limit["limit"]) = (json!("l"), number.clone());
                    let refused = world.api("PATCH", &path, Some(&json!({ "limits": [limit] }))).await.expect(400).json();
                    assert_eq!(refused["errors"], json!([{ "field": "limits[0].limit", "message": EXPECTED }]), "{number}");
                }
            }
            let never = json!({ "name": "never", "kind": "quota", "limit": 0, "period": "day" });
            let most = json!({ "name": "most", "kind": "rate", "limit": 1u64 << 53, "window_seconds": 1, "burst": 1u64 << 53 });
            let kept = world.api("PATCH", &path, Some(&json!({ "limits": [never, most] }))).await.expect(200).json();
            assert_eq!((&kept["limits"][0]["limit"], &kept["limits"][1]["limit"]), (&json!(0), &json!(1u64 << 53)));
        }
        let never = world.verdict(&key.secret, "default", "GET", "/x").await;
        assert_eq!((&never["code"], never.get("retry_after_seconds")), (&json!("QUOTA_EXCEEDED"), None), "{never}");
    }
}

#[tokio::test]
async fn the_command_line_says_which_number_of_a_limit_is_wrong_and_what_is_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let serving = Serving::start(&data, None).await;
    let claviger = |arguments: &[&str]| {
        let output = run(command(&data, arguments), "");
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    assert!(claviger(&["setup", "--organization", "Acme", "--email", "ada@example.com"]).0);
    for (limit, expected) in [
        ("day=-1/day", "expected a whole number from 0 to 9007199254740992 in place of `-1`"),
        ("day=18446744073709551616/day", "in place of `18446744073709551616`"),
        ("day=9223372036854775808/day", "limits[0].limit: expected a whole number from 0 to 9007199254740992"),
        ("m=1/1m,burst=-1", "in place of `-1`"),
        ("m=1/0s", "limits[0].window_seconds: expected 1 to 2678400 seconds"),
        ("m=1/1m,cost=0", "limits[0].cost: expected a whole number from 1 to 9007199254740992"),
    ] {
        let (done, _, said) = claviger(&["api-set", "create", "--name", "Orders", "--limit", limit]);
        assert!(!done && said.contains(expected), "{limit}: {said}");
    }
    let limits = ["--limit", "never=0/day", "--limit", "m=5/1m,burst=9"];
    let create = ["api-set", "create", "--name", "Orders"];
    assert!(claviger(&[&create[..], &limits[..]].concat()).0);
    let (done, shown, said) = claviger(&["api-set", "limits", "orders"]);
    let lines: Vec<_> = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert!(done, "{said}");
    let never = &lines[1];
    assert_eq!(
        (never[..5].to_vec(), never[6..].to_vec()),
        (vec!["never", "0/day", "0", "0", "0"], vec!["set", "api_set", "orders", "database"])
    );
    assert_eq!(lines[2], ["m", "5/60s", "0", "0", "9", "–", "set", "api_set", "orders", "node"]);
    let (_, made, said) = claviger(&["key", "create", "--name", "k", "--api-set", "orders", "--json"]);
    let made: Value = serde_json::from_str(&made).unwrap_or_else(|error| panic!("{error}: {said}"));
    let (done, of_key, said) = claviger(&["key", "limits", made["key"]["id"].as_str().expect("an id")]);
    assert_eq!((done, of_key), (true, shown), "the set's alone: {said}");
    serving.stop();
}
