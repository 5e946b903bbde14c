//! Limits from the management API to verdicts. What gateways make of them: `gateways`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// Longer than a block of a quota may be spent.
const BLOCKS_END: Duration = Duration::from_secs(3);

on_both_databases! {
    async fn an_owners_limit_is_shared_by_its_keys_and_no_rotation_resets_it(world: &World) {
        world.import_github().await;
        let kind = json!({ "name": "Partner", "sign_in": "key_only", "api_sets": ["full-access"] });
        world.api("POST", "/application-types", Some(&kind)).await.expect(201);
        let portal = json!({ "name": "Portal", "type": "partner", "limits": [minute(3)] });
        let portal = world.api("POST", "/applications", Some(&portal)).await.expect(201).json();
        let first = portal["secret"].as_str().expect("a secret");
        let of_portal = |name: &str| json!({
            "name": name, "api_sets": ["full-access"], "owner": { "type": "application", "id": "portal" },
        });
        let second = world.create_key(of_portal("second")).await;
        assert_eq!(code(world, first).await, "VALID");
        assert_eq!(code(world, &second.secret).await, "VALID");
        let last = world.verdict(first, "github", "GET", "/repos/o/r").await;
        assert_eq!(last["limits"], json!([{ "name": "minute", "limit": 3, "remaining": 0, "reset_seconds": 60 }]));
        assert_eq!(code(world, &second.secret).await, "RATE_LIMITED");
        let rotate = format!("/keys/{}/rotate", portal["key"]["id"].as_str().expect("an id"));
        let rotated = world.api("POST", &rotate, Some(&json!({ "overlap_seconds": 60 }))).await.expect(200).json();
        for secret in [first, rotated["secret"].as_str().expect("a secret"), &world.create_key(of_portal("third")).await.secret] {
            assert_eq!(code(world, secret).await, "RATE_LIMITED");
        }
        // A wider limit of the same name counts on; it is no new one.
        let wider = json!({ "limits": [minute(4)] });
        world.api("PATCH", "/applications/portal", Some(&wider)).await.expect(200);
        assert_eq!(code(world, first).await, "RATE_LIMITED", "sixty seconds were taken, and a burst is sixty");
        world.api("PATCH", "/applications/portal", Some(&json!({ "limits": [] }))).await.expect(200);
        assert_eq!(code(world, first).await, "VALID");
    }

    async fn what_a_limit_refuses_is_a_use_and_an_explanation_takes_nothing(world: &World) {
        world.import_github().await;
        let key = json!({ "name": "k", "api_sets": ["full-access"], "limits": [minute(1)] });
        let key = world.create_key(key).await;
        let check = format!("/keys/{}/check", key.id);
        let question = json!({ "method": "GET", "path": "/repos/o/r", "api": "github" });
        let explained = async || {
            let answer = world.api("POST", &check, Some(&question)).await.expect(200).json();
            let checks = answer["checks"].as_array().expect("checks").clone();
            (answer["code"].clone(), checks.last().expect("limits").clone())
        };
        for _ in 0..3 {
            let (code, limits) = explained().await;
            assert_eq!((code, &limits["name"], &limits["input"]), (json!("VALID"), &json!("limits"), &json!("minute: 1 of 1 left")));
        }
        assert_eq!(code(world, &key.secret).await, "VALID");
        let (code_explained, limits) = explained().await;
        assert_eq!((code_explained, &limits["input"]), (json!("RATE_LIMITED"), &json!("minute: 0 of 1 left")));
        assert_eq!(code(world, &key.secret).await, "RATE_LIMITED");
        let last_used = async || world.get_key(&key.id).await["last_used"]["code"].clone();
        wait_until(async || last_used().await == "RATE_LIMITED", || "the use is not noted".to_owned()).await;
        assert_eq!(world.get_key(&key.id).await["last_refused"], Value::Null, "it is no refusal of the key");
    }

    async fn what_is_taken_of_each_limit_is_told_of_the_key_its_application_and_its_set(world: &World) {
        // The world begins a second before a new month, in which the quotas would begin anew.
        world.advance(Duration::from_mins(1));
        world.import_github().await;
        let quota = |name: &str, limit: u64, scope: &str| {
            json!({ "name": name, "kind": "quota", "limit": limit, "period": "month", "scope": scope })
        };
        let set = json!({ "name": "Repos", "operations": ["github:repos/*"],
            "limits": [quota("all", 10, "set"), quota("apart", 9, "operation")] });
        world.api("POST", "/api-sets", Some(&set)).await.expect(201);
        let kind = json!({ "name": "Partner", "sign_in": "key_only", "api_sets": ["repos"] });
        world.api("POST", "/application-types", Some(&kind)).await.expect(201);
        let slow = json!({ "name": "slow", "kind": "rate", "limit": 1, "window_seconds": 86_400, "burst": 8 });
        let portal = json!({ "name": "Portal", "type": "partner", "limits": [slow, quota("each", 7, "key")] });
        let portal = world.api("POST", "/applications", Some(&portal)).await.expect(201).json();
        let secret = portal["secret"].as_str().expect("a secret");
        let key = format!("/keys/{}", portal["key"]["id"].as_str().expect("an id"));
        let dear = json!({ "name": "dear", "kind": "quota", "limit": 6, "period": "total", "cost": 2 });
        world.api("PATCH", &key, Some(&json!({ "limits": [dear] }))).await.expect(200);

        let seen = async |path: &str| -> Vec<(String, Value)> {
            let told = world.api("GET", &format!("{path}/limits"), None).await.expect(200).json();
            let line = |limit: &Value| {
                let name = limit["name"].as_str().expect("a name").to_owned();
                (name, json!([limit["on"]["name"], limit["counted"], limit["used"], limit["remaining"]]))
            };
            told["data"].as_array().expect("limits").iter().map(line).collect()
        };
        let untouched = seen(&key).await;
        for _ in 0..2 {
            wait_until(async || passes(world, secret).await, || "it never passes".to_owned()).await;
        }
        let settled = async || {
            let told = world.api("GET", &format!("{key}/limits"), None).await.expect(200).json();
            let limits = told["data"].as_array().expect("limits").clone();
            for limit in limits.iter().filter(|limit| limit["counted"] == "database") {
                let sum: u64 = ["used", "held", "remaining"].iter().filter_map(|field| limit[field].as_u64()).sum();
                assert_eq!(Some(sum), limit["limit"].as_u64(), "{limit}");
                assert_eq!(limit["resets_at"].is_string(), limit["period"] == "month", "{limit}");
            }
            limits.iter().all(|limit| limit["held"].as_u64().unwrap_or(0) == 0)
        };
        world.advance(BLOCKS_END);
        wait_until(settled, || "blocks never go back".to_owned()).await;
        let line = |name: &str, told: Value| (name.to_owned(), told);
        let [slow, all] = [json!(["Portal", "node", 2, 6]), json!(["repos", "database", 2, 8])];
        let apart = |on: &str| json!([on, "apart", null, null]);
        let key_name = portal["key"]["name"].clone();
        assert_eq!(seen(&key).await, [
            line("dear", json!([key_name, "database", 4, 2])), line("slow", slow.clone()), line("each", json!(["Portal", "database", 2, 5])),
            line("all", all.clone()), line("apart", apart("repos")),
        ]);
        assert_eq!(untouched[0], line("dear", json!([key_name, "database", 0, 6])));
        assert_eq!(untouched[1], line("slow", json!(["Portal", "node", 0, 8])));
        assert_eq!(seen("/applications/portal").await, [line("slow", slow), line("each", apart("Portal"))]);
        assert_eq!(seen("/api-sets/repos").await, [line("all", all), line("apart", apart("repos"))]);
    }

    async fn keys_of_one_person_share_what_counts_by_the_owner_and_no_rotation_resets_it(world: &World) {
        world.import_github().await;
        let burst = |name: &str, burst: u64| {
            json!({ "name": name, "kind": "rate", "limit": 1, "window_seconds": 86_400, "burst": burst, "scope": "owner" })
        };
        let set = json!({ "name": "Repos", "operations": ["github:repos/*"], "limits": [burst("by-set", 3)] });
        world.api("POST", "/api-sets", Some(&set)).await.expect(201);
        world.api("PATCH", "/policy", Some(&json!({ "delegated_creation": true }))).await.expect(200);
        for name in ["bob", "eve"] {
            let user = json!({ "email": format!("{name}@example.com"), "name": name, "roles": ["developer"] });
            let user = world.api("POST", "/users", Some(&user)).await.expect(201).json();
            let keys = format!("/users/{}/keys", user["id"].as_str().expect("an id"));
            let create = async |name: &str, sets: &[&str], limits: Value| {
                let key = json!({ "name": name, "api_sets": sets, "limits": limits });
                let made = world.api("POST", &keys, Some(&key)).await.expect(201).json();
                (made["key"]["id"].as_str().expect("an id").to_owned(), made["secret"].as_str().expect("a secret").to_owned())
            };
            // By a limit of the same name on each of them.
            let (id, one) = create("one", &["full-access"], json!([burst("mine", 2)])).await;
            let (_, two) = create("two", &["full-access"], json!([burst("mine", 2)])).await;
            let codes = [code(world, &one).await, code(world, &two).await, code(world, &one).await];
            assert_eq!(codes, ["VALID", "VALID", "RATE_LIMITED"], "{name}");
            let rotated = world.api("POST", &format!("/keys/{id}/rotate"), Some(&json!({ "overlap_seconds": 0 }))).await;
            assert_eq!(code(world, rotated.expect(200).json()["secret"].as_str().expect("a secret")).await, "RATE_LIMITED");
            // By a limit of a set that they hold: each person has a counter.
            let (id, one) = create("by a set", &["repos"], json!([])).await;
            let (_, two) = create("by a set too", &["repos"], json!([])).await;
            let codes = [code(world, &one).await, code(world, &two).await, code(world, &two).await, code(world, &one).await];
            assert_eq!(codes, ["VALID", "VALID", "VALID", "RATE_LIMITED"], "{name}");
            let told = world.api("GET", &format!("/keys/{id}/limits"), None).await.expect(200).json()["data"][0].clone();
            assert_eq!((&told["name"], &told["used"], &told["remaining"]), (&json!("by-set"), &json!(3), &json!(0)));
        }
    }

    async fn a_set_that_is_shared_has_one_quota_for_the_keys_of_all_organizations(world: &World) {
        world.import_github().await;
        let all = json!({ "name": "all", "kind": "quota", "limit": 5, "period": "total" });
        let set = json!({ "name": "Repos", "operations": ["github:repos/*"], "limits": [all] });
        let set = world.api("POST", "/api-sets", Some(&set)).await.expect(201).json()["id"].clone();
        let tenants = [world.second_organization("bravo").await, world.second_organization("cargo").await];
        world.api("PATCH", "/apis/github", Some(&json!({ "shared_with": "all" }))).await.expect(200);
        let door = world.create_key(json!({ "name": "door", "api_sets": ["claviger-verify"] })).await.secret;
        let mut passed = Vec::new();
        for tenant in tenants {
            let key = json!({ "name": "k", "api_sets": [set] });
            let key = world.api_as(&tenant, "POST", "/keys", Some(&key)).await.expect(201).json();
            let question = json!({ "credential": key["secret"], "api": "github", "method": "GET", "path": "/repos/o/r" });
            let mut valid = 0;
            for _ in 0..4 {
                let answers = async || {
                    let request = Request::post("/v1/verify", &question).header("X-Claviger-Door", &door);
                    let verdict = request.send(world.doors).await.expect(200).json();
                    valid += u64::from(verdict["code"] == "VALID");
                    is_counted(world, &verdict)
                };
                wait_until(answers, || "the database is never asked in time".to_owned()).await;
            }
            passed.push(valid);
            // What this node has in hand goes back, so that the next organization's key asks the database.
            let told = async || world.api("GET", "/api-sets/repos/limits", None).await.expect(200).json()["data"][0].clone();
            world.advance(BLOCKS_END);
            wait_until(async || told().await["held"] == 0, || "the block never goes back".to_owned()).await;
            assert_eq!(told().await["used"], passed.iter().sum::<u64>());
            let of_key = format!("/keys/{}/limits", key["key"]["id"].as_str().expect("an id"));
            let of_key = world.api_as(&tenant, "GET", &of_key, None).await.expect(200).json()["data"][0].clone();
            assert_eq!((&of_key["name"], &of_key["on"]["id"], &of_key["used"]), (&json!("all"), &set, &told().await["used"]));
        }
        assert_eq!(passed, [4, 1]);
    }
}

/// Whether a verdict goes by what is counted, and not by a database that was too slow; then the next one asks it again.
fn is_counted(world: &World, verdict: &Value) -> bool {
    let is_late = verdict["code"] == "QUOTA_EXCEEDED" && verdict["retry_after_seconds"] == 1;
    if is_late {
        world.advance(Duration::from_secs(1));
    }
    !is_late
}

async fn passes(world: &World, secret: &str) -> bool {
    let verdict = world.verdict(secret, "github", "GET", "/repos/o/r").await;
    is_counted(world, &verdict) && verdict["code"] == "VALID"
}

fn minute(limit: u64) -> Value {
    json!({ "name": "minute", "kind": "rate", "limit": limit, "window_seconds": 60 })
}

async fn code(world: &World, secret: &str) -> Value {
    world.verdict(secret, "github", "GET", "/repos/o/r").await["code"].clone()
}
