//! The acceptance rows of the management API and the doors, by their names.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::gateway::Nginx;
use crate::harness::on_both_databases;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

const ISSUES: &str = "/repos/o/r/issues";
const PULLS: &str = "/repos/o/r/pulls";

on_both_databases! {
    async fn y_01_a_key_opens_a_protected_route_and_counts_in_its_organization_alone(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "integration", "api_sets": ["full-access"] })).await;
        let nginx = Nginx::start(world.doors, "github").await;
        Request::get(ISSUES).basic("any", &key.secret).send(nginx.address).await.expect(200);

        let other = world.second_organization("other").await;
        let foreign = world
            .api_as(&other, "POST", "/keys", Some(&json!({ "name": "foreign", "api_sets": ["full-access"] })))
            .await
            .expect(201)
            .json();
        // With a second organization every door call names its provider by a door token.
        let door = world.create_key(json!({ "name": "door", "api_sets": ["claviger-verify"] })).await;
        let ask = |secret: &str| {
            Request::post("/v1/verify", &json!({ "credential": secret, "api": "github", "method": "GET", "path": ISSUES }))
                .header("X-Claviger-Door", &door.secret)
        };
        let own = ask(&key.secret).send(world.doors).await.expect(200).json();
        assert_eq!(own["code"], "VALID");
        let refused = ask(foreign["secret"].as_str().expect("a secret")).send(world.doors).await.expect(200).json();
        assert_eq!(refused["code"], "NOT_FOUND");
        assert_eq!(refused["key"], Value::Null, "a stranger's key says nothing about itself");
    }

    async fn y_02_basic_with_the_key_and_a_challenge_without(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        let nginx = Nginx::start(world.doors, "github").await;
        Request::get(ISSUES).basic("any", &key.secret).send(nginx.address).await.expect(200);
        Request::get(ISSUES).bearer(&key.secret).send(nginx.address).await.expect(200);
        Request::get(ISSUES).header("X-Api-Key", &key.secret).send(nginx.address).await.expect(200);

        let refused = Request::get(ISSUES).send(nginx.address).await.expect(401);
        let challenge = refused.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("Basic") && challenge.contains("Bearer"), "{challenge}");
        for broken in ["Basic %%%", "Basic YQ", "Basic", "Basic =", "Basic /w=="] {
            let answer = Request::get(ISSUES).header("Authorization", broken).send(nginx.address).await;
            assert_eq!(answer.status, 401, "{broken}: {}", answer.text());
        }
    }

    async fn y_03_any_user_name_will_do(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        let long = "n".repeat(1_024);
        for user in ["", "x", "user@x", "użytkownik", long.as_str()] {
            let answer = world.authorize("github", "GET", ISSUES, |r| r.basic(user, &key.secret)).await;
            assert_eq!(answer.status, 200, "{user}: {}", answer.text());
        }
    }

    async fn y_04_the_key_is_the_password_and_never_the_user_name(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        world.authorize("github", "GET", ISSUES, |r| r.basic(&key.secret, "")).await.expect(401);
        world.authorize("github", "GET", ISSUES, |r| r.basic(&key.secret, "x")).await.expect(401);
        world.authorize("github", "GET", ISSUES, |r| r.basic("x", &format!("{}:", key.secret))).await.expect(401);
        world.authorize("github", "GET", ISSUES, |r| r.basic("x", &key.secret)).await.expect(200);
    }

    async fn y_16_the_creation_time_is_the_clocks_to_the_second(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": [] })).await;
        let created = key.record["created_at"].as_str().expect("a time");
        assert!(created.ends_with('Z'), "UTC, ISO 8601: {created}");
        assert_eq!(created[..19], world.now().to_string()[..19]);
        assert_eq!(world.get_key(&key.id).await["created_at"], created);
    }

    async fn y_18_the_description_is_as_saved(world: &World) {
        let text = "Zażółć <b>gęślą</b> & \"jaźń\" 日本";
        let key = world.create_key(json!({ "name": "k", "api_sets": [], "description": text })).await;
        assert_eq!(world.get_key(&key.id).await["description"], text);
        let edited = world.api("PATCH", &format!("/keys/{}", key.id), Some(&json!({ "description": "new" }))).await;
        assert_eq!(edited.expect(200).json()["description"], "new");
        assert_eq!(world.get_key(&key.id).await["description"], "new");
    }

    async fn y_20_access_is_set_at_creation(world: &World) {
        let refused = world.api("POST", "/keys", Some(&json!({ "name": "k" }))).await.expect(400).json();
        assert_eq!(refused["code"], "invalid_request");
        assert!(refused["errors"].to_string().contains("api_sets"), "{refused}");
        let none = world.create_key(json!({ "name": "k", "api_sets": [] })).await;
        assert_eq!(none.record["api_sets"], json!([]), "an explicit empty list is a choice");
    }

    async fn y_21_full_access_is_every_operation_listed_or_not(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        let operations = world.operations("github").await;
        assert_eq!(operations.len(), 1_223);
        let mut asked: Vec<(String, String)> = operations
            .iter()
            .map(|operation| {
                let template = operation["path"].as_str().expect("a path");
                (operation["method"].as_str().expect("a method").to_owned(), fill(template))
            })
            .collect();
        asked.push(("GET".into(), "/no/such/path".into()));
        asked.push(("PURGE".into(), "/".into()));
        for part in asked.chunks(100) {
            let items: Vec<_> = part
                .iter()
                .map(|(method, path)| json!({ "credential": key.secret, "api": "github", "method": method, "path": path }))
                .collect();
            let answers = Request::post("/v1/verify/batch", &json!(items)).send(world.doors).await.expect(200).json();
            let answers = answers.as_array().or_else(|| answers["results"].as_array()).expect("a list").clone();
            assert_eq!(answers.len(), part.len());
            for (answer, asked) in answers.iter().zip(part) {
                assert_eq!(answer["code"], "VALID", "{asked:?}: {answer}");
            }
        }
        // Key management is no part of it.
        world.api_as(&key.secret, "GET", "/keys", None).await.expect(403);
        // What is added later is covered.
        world.api("POST", "/apis", Some(&json!({ "slug": "later", "name": "Later", "base_paths": ["/later"] }))).await.expect(201);
        assert_eq!(world.verdict(&key.secret, "later", "GET", "/later/x").await["code"], "VALID");
    }

    async fn y_29_a_new_key_is_enabled(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        assert_eq!(key.record["state"], "active");
        assert_eq!(world.verdict(&key.secret, "github", "GET", ISSUES).await["code"], "VALID");
        let off = world.create_key(json!({ "name": "off", "api_sets": ["full-access"], "disabled": true })).await;
        assert_eq!(off.record["state"], "disabled");
        assert_eq!(world.verdict(&off.secret, "github", "GET", ISSUES).await["code"], "DISABLED");
    }

    async fn y_32_a_disabled_key_is_blocked_at_once_and_others_are_not(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        let other = world.create_key(json!({ "name": "other", "api_sets": ["full-access"] })).await;
        assert_eq!(world.verdict(&key.secret, "github", "GET", ISSUES).await["code"], "VALID");
        let disabled = world.api("POST", &format!("/keys/{}/disable", key.id), Some(&json!({ "reason": "leaked" }))).await;
        let disabled = disabled.expect(200).json();
        assert_eq!((&disabled["state"], &disabled["state_reason"]), (&json!("disabled"), &json!("leaked")));

        assert_eq!(world.verdict(&key.secret, "github", "GET", ISSUES).await["code"], "DISABLED");
        assert_eq!(world.verdict(&other.secret, "github", "GET", ISSUES).await["code"], "VALID");
        let refused = world.authorize("github", "GET", ISSUES, |r| r.bearer(&key.secret)).await.expect(401);
        assert_eq!(refused.json()["code"], "DISABLED");
        // Said only to callers that proved the secret.
        let (kept, last) = key.secret.split_at(key.secret.len() - 1);
        let guess = format!("{kept}{}", if last == "A" { "B" } else { "A" });
        let refused = world.authorize("github", "GET", ISSUES, |r| r.bearer(&guess)).await.expect(401);
        assert_ne!(refused.json()["code"], "DISABLED");
    }

    async fn y_33_enabling_restores_the_same_value(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        world.api("POST", &format!("/keys/{}/disable", key.id), None).await.expect(200);
        world.api("POST", &format!("/keys/{}/disable", key.id), None).await.expect(200);
        assert_eq!(world.verdict(&key.secret, "github", "GET", ISSUES).await["code"], "DISABLED");
        let enabled = world.api("POST", &format!("/keys/{}/enable", key.id), None).await.expect(200).json();
        assert_eq!(enabled["state"], "active");
        assert_eq!(world.verdict(&key.secret, "github", "GET", ISSUES).await["code"], "VALID");
    }

    async fn y_38_deleting_is_for_good(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        world.api("DELETE", &format!("/keys/{}", key.id), None).await.expect(204);
        let refused = world.authorize("github", "GET", ISSUES, |r| r.bearer(&key.secret)).await.expect(401);
        assert_eq!(refused.json()["code"], "NOT_FOUND");
        let list = world.api("GET", "/keys?limit=100", None).await.expect(200).json();
        assert!(!list.to_string().contains(&key.id), "not listable");
        world.api("POST", &format!("/keys/{}/enable", key.id), None).await.expect(404);
        // Its name is free again, its value is not: the digest stays (the store's own test inserts it once more).
        world.create_key(json!({ "name": "k", "api_sets": [] })).await;
    }

    async fn y_40_a_dump_of_the_database_yields_no_key(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        world.stop_serving().await;
        let dump = world.dump().await;
        assert!(dump.len() > 1_000, "a dump with content");
        let secret = &key.secret[9..9 + 32];
        assert!(!contains(&dump, key.secret.as_bytes()) && !contains(&dump, secret.as_bytes()));
        assert!(contains(&dump, key.id.as_bytes()), "the dump is the right one");
    }

    async fn c_01_an_external_application_connects_through_a_gateway(world: &World) {
        world.import_github().await;
        let body = json!({ "name": "k", "operations": ["github:repos/get", "github:issues/*"] });
        let key = world.create_key(body).await;
        let nginx = Nginx::start(world.doors, "github").await;
        let answer = Request::get(ISSUES).bearer(&key.secret).send(nginx.address).await.expect(200).json();
        assert_eq!(answer["upstream"], true, "the upstream itself answered");
        Request::get("/repos/o/r").bearer(&key.secret).send(nginx.address).await.expect(200);
        Request::get(PULLS).bearer(&key.secret).send(nginx.address).await.expect(403);
    }

    async fn c_18_the_apis_a_key_may_use_are_picked_from_a_list(world: &World) {
        world.import_github().await;
        let apis = world.api("GET", "/apis", None).await.expect(200).json();
        assert!(apis["data"].to_string().contains("\"github\""));
        let found = world.api("GET", "/apis/github/operations?text=list-for-repo&limit=100", None).await.expect(200).json();
        let names: Vec<_> = found["data"].as_array().expect("a list").iter().map(|o| o["name"].clone()).collect();
        assert!(names.contains(&json!("github:issues/list-for-repo")), "{names:?}");
        assert!(names.iter().all(|name| name.to_string().contains("list-for-repo")), "{names:?}");
        let key = world.create_key(json!({ "name": "k", "api_sets": [] })).await;
        assert_eq!((&key.record["api_sets"], &key.record["operations"]), (&json!([]), &json!([])));
    }

    async fn c_19_only_the_selected_operations_pass(world: &World) {
        world.import_github().await;
        let selected = ["issues/list-for-repo", "repos/get", "gists/get", "repos/get-content"];
        let operations: Vec<_> = selected.iter().map(|name| format!("github:{name}")).collect();
        let key = world.create_key(json!({ "name": "k", "operations": operations })).await;
        for operation in world.operations("github").await {
            let (method, template) = (operation["method"].as_str().expect("m"), operation["path"].as_str().expect("p"));
            let name = operation["name"].as_str().expect("n").trim_start_matches("github:").to_owned();
            let path = fill(template);
            let verdict = world.verdict(&key.secret, "github", method, &path).await;
            if selected.contains(&name.as_str()) {
                assert_eq!(verdict["code"], "VALID", "{name}");
            } else if verdict["operation"] == format!("github:{name}") {
                assert_eq!(verdict["code"], "OPERATION_NOT_ALLOWED", "{name} {method} {path}");
            }
        }
        // Sibling verbs on the same path.
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let verdict = world.verdict(&key.secret, "github", method, ISSUES).await;
            assert_eq!(verdict["code"], "OPERATION_NOT_ALLOWED", "{method}");
        }
        // An API that is removed takes the access with it.
        world.api("DELETE", "/apis/github", None).await.expect(204);
        let gone = world.verdict(&key.secret, "github", "GET", ISSUES).await;
        assert_eq!(gone["code"], "OPERATION_NOT_ALLOWED");
    }

    async fn c_21_saving_creates_one_key(world: &World) {
        let before = world.key_count().await;
        let body = json!({ "name": "Once", "api_sets": [] });
        let (one, other) = tokio::join!(world.api("POST", "/keys", Some(&body)), world.api("POST", "/keys", Some(&body)));
        let statuses = BTreeSet::from([one.status, other.status]);
        assert_eq!(statuses, BTreeSet::from([201, 409]), "{} {}", one.text(), other.text());
        let refused = if one.status == 409 { one } else { other };
        assert_eq!(refused.json()["code"], "name_taken");
        assert_eq!(world.key_count().await, before + 1);
        let invalid = world.api("POST", "/keys", Some(&json!({ "name": "", "api_sets": [] }))).await.expect(400).json();
        assert_eq!(invalid["errors"][0]["field"], "name");
    }

    async fn g_01_one_or_more_keys_all_work(world: &World) {
        world.import_github().await;
        for name in ["first", "second", "third"] {
            let key = world.create_key(json!({ "name": name, "api_sets": ["full-access"] })).await;
            assert_eq!(world.verdict(&key.secret, "github", "GET", ISSUES).await["code"], "VALID", "{name}");
        }
    }

    async fn g_02_a_key_accesses_its_api_sets_and_no_other(world: &World) {
        world.import_github().await;
        for (slug, pattern) in [("issues", "github:issues/*"), ("gists", "github:gists/*"), ("pulls", "github:pulls/*")] {
            let body = json!({ "slug": slug, "name": slug, "operations": [pattern] });
            world.api("POST", "/api-sets", Some(&body)).await.expect(201);
        }
        let key = world.create_key(json!({ "name": "k", "api_sets": ["issues", "gists"] })).await;
        for (path, status) in [(ISSUES, 200), ("/gists", 200), (PULLS, 403)] {
            let answer = world.authorize("github", "GET", path, |r| r.bearer(&key.secret)).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
    }

    async fn g_22_x_api_key_in_any_letter_case_and_never_two(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        let other = world.create_key(json!({ "name": "other", "api_sets": ["full-access"] })).await;
        for name in ["X-Api-Key", "x-api-key", "X-API-KEY", "x-aPi-KeY"] {
            world.authorize("github", "GET", ISSUES, |r| r.header(name, &key.secret)).await.expect(200);
        }
        let two = |r: Request| r.header("X-Api-Key", &key.secret).header("x-api-key", &other.secret);
        let refused = world.authorize("github", "GET", ISSUES, two).await.expect(401);
        assert_eq!(refused.json()["code"], "MALFORMED");
        let same = |r: Request| r.header("X-Api-Key", &key.secret).header("x-api-key", &key.secret);
        world.authorize("github", "GET", ISSUES, same).await.expect(200);
    }
}

/// A path that the template matches: every parameter becomes `x1`.
fn fill(template: &str) -> String {
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        path.push_str(before);
        path.push_str("x1");
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    path + rest
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
