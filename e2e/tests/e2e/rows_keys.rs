//! The acceptance rows about kinds of keys: pairs, imported keys, reveal, rotation, edits.

use serde_json::{Value, json};

use crate::harness::gateway::Nginx;
use crate::harness::on_both_databases;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

const ISSUES: &str = "/repos/o/r/issues";

/// A pair as its creation answered.
struct Pair {
    id: String,
    identifier: String,
    password: String,
}

async fn pair(world: &World, name: &str) -> Pair {
    let body = json!({ "name": name, "shape": "pair", "api_sets": ["full-access"] });
    let made = world.api("POST", "/keys", Some(&body)).await.expect(201);
    assert_eq!(made.header("cache-control").as_deref(), Some("no-store"));
    let made = made.json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    Pair { id: text(&made["key"]["id"]), identifier: text(&made["identifier"]), password: text(&made["password"]) }
}

/// Status, headers but the request's own, and body but the request's id: what a caller can compare.
fn comparable(answer: &Response) -> (u16, Vec<(String, String)>, Value) {
    let mut headers = answer.headers.clone();
    headers.retain(|(name, _)| !["x-request-id", "date"].contains(&name.to_lowercase().as_str()));
    let mut body = answer.json();
    body.as_object_mut().expect("an object").remove("request_id");
    (answer.status, headers, body)
}

on_both_databases! {
    async fn c_22_identifier_and_password_are_generated(world: &World) {
        let (one, other) = (pair(world, "one").await, pair(world, "other").await);
        for pair in [&one, &other] {
            assert!(pair.identifier.starts_with("ci_") && pair.identifier.len() == 23, "{}", pair.identifier);
            assert!(pair.identifier[3..].bytes().all(|byte| byte.is_ascii_alphanumeric()));
            // 43 of 62 characters: 256 bits.
            assert!(pair.password.len() == 43 && pair.password.bytes().all(|byte| byte.is_ascii_alphanumeric()));
            let shared = (3..=15).any(|at| pair.password.contains(&pair.identifier[at..at + 8]));
            assert!(!shared, "nothing of the identifier stands in the password");
        }
        assert!(one.identifier != other.identifier && one.password != other.password);
    }

    async fn c_23_identifier_and_password_are_shown_once(world: &World) {
        let pair = pair(world, "p").await;
        let path = format!("/keys/{}", pair.id);
        let edit = json!({ "description": "changed" });
        let audited = json!({ "credential": pair.identifier });
        for answer in [
            world.api("GET", &path, None).await,
            world.api("GET", "/keys", None).await,
            world.api("PATCH", &path, Some(&edit)).await,
            world.api("POST", &format!("{path}/disable"), None).await,
            world.api("POST", &format!("{path}/enable"), None).await,
            world.api("POST", "/keys/lookup", Some(&audited)).await,
        ] {
            let text = format!("{:?} {}", answer.headers, answer.text());
            assert_eq!(answer.status, 200, "{text}");
            assert!(!text.contains(&pair.identifier) && !text.contains(&pair.password), "{text}");
        }
        let record = world.get_key(&pair.id).await;
        assert_eq!(record["hint"], format!("ci_…{}", &pair.identifier[19..]));
        let found = world.api("POST", "/keys/lookup", Some(&json!({ "credential": pair.identifier }))).await;
        assert_eq!(found.expect(200).json()["key"]["id"], json!(pair.id), "its identifier finds it");
        world.stop_serving().await;
        let dump = world.dump().await;
        let holds = |text: &str| dump.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(holds(&pair.id), "the dump is the right one");
        for text in [&pair.identifier[..], &pair.identifier[3..], &pair.password] {
            assert!(!holds(text), "a part of the pair stands in the database");
        }
    }

    async fn c_26_identifier_and_password_authenticate_together_alone(world: &World) {
        world.import_github().await;
        let (one, other) = (pair(world, "one").await, pair(world, "other").await);
        let nginx = Nginx::start(world.doors, "github").await;
        Request::get(ISSUES).basic(&one.identifier, &one.password).send(nginx.address).await.expect(200);

        let ask = async |user: &str, password: &str| world.authorize("github", "GET", ISSUES, |r| r.basic(user, password)).await;
        ask(&one.identifier, &one.password).await.expect(200);
        let wrong_identifier = ask("ci_0123456789abcdefghij", &one.password).await.expect(401);
        let wrong_password = ask(&one.identifier, &other.password).await.expect(401);
        assert_eq!(comparable(&wrong_identifier), comparable(&wrong_password), "one answer for both");
        assert_eq!(wrong_password.json()["code"], "NOT_FOUND");
        for (user, password) in [
            (&other.identifier[..], &one.password[..]),
            ("anyone", &one.password),
            ("", &one.password),
            (&one.identifier, &one.identifier),
            (&one.password, &one.identifier),
            (&one.identifier, &one.password[1..]),
            (&one.identifier.to_uppercase(), &one.password),
        ] {
            let answer = ask(user, password).await;
            assert_eq!((answer.status, &answer.json()["code"]), (401, &json!("NOT_FOUND")), "{user}");
        }
        // The other doors: the parts by their names, and no part alone.
        let verify = async |body: Value| {
            let mut body = body;
            (body["api"], body["method"], body["path"]) = (json!("github"), json!("GET"), json!(ISSUES));
            Request::post("/v1/verify", &body).send(world.doors).await.expect(200).json()
        };
        let verdict = verify(json!({ "identifier": one.identifier, "password": one.password })).await;
        assert_eq!((&verdict["code"], &verdict["key"]["id"]), (&json!("VALID"), &json!(one.id)));
        assert_eq!(verdict["key"]["hint"], format!("ci_…{}", &one.identifier[19..]));
        for credential in [&one.identifier, &one.password, &format!("{}:{}", one.identifier, one.password)] {
            assert_eq!(verify(json!({ "credential": credential })).await["code"], "NOT_FOUND");
            assert_eq!(verify(json!({ "x_api_key": credential })).await["code"], "NOT_FOUND");
            assert_eq!(verify(json!({ "authorization": format!("Bearer {credential}") })).await["code"], "NOT_FOUND");
        }
        let whoami = Request::get("/v1/whoami").basic(&one.identifier, &one.password).send(world.doors).await.expect(200);
        assert_eq!(whoami.json()["key"]["id"], json!(one.id));
        let explained = world.api("POST", &format!("/keys/{}/check", one.id), Some(&json!({ "method": "GET", "path": ISSUES, "api": "github" }))).await;
        assert_eq!(explained.expect(200).json()["code"], "VALID");
    }

    async fn c_25_a_lost_password_is_replaced_and_never_shown_again(world: &World) {
        world.import_github().await;
        world.api("PATCH", "/policy", Some(&json!({ "reveal": { "organization": "recoverable" } }))).await.expect(200);
        let pair = pair(world, "p").await;
        let path = format!("/keys/{}", pair.id);
        let refused = world.api("POST", &format!("{path}/reveal"), None).await.expect(409);
        assert_eq!(refused.json()["code"], "conflict");
        let before = world.get_key(&pair.id).await;
        assert_eq!(before["reveal"], "once");
        let rotated = world.api("POST", &format!("{path}/rotate"), Some(&json!({ "overlap_seconds": 0 }))).await.expect(200);
        assert_eq!(rotated.header("cache-control").as_deref(), Some("no-store"));
        let rotated = rotated.json();
        let password = rotated["password"].as_str().expect("a password");
        assert!(rotated.get("identifier").is_none() && rotated.get("secret").is_none());
        assert_eq!((&rotated["key"]["id"], &rotated["key"]["hint"]), (&before["id"], &before["hint"]), "the same record");
        world.authorize("github", "GET", ISSUES, |r| r.basic(&pair.identifier, password)).await.expect(200);
        world.authorize("github", "GET", ISSUES, |r| r.basic(&pair.identifier, &pair.password)).await.expect(401);
    }

    async fn c_25_an_overlap_keeps_both_passwords_and_can_be_ended(world: &World) {
        world.import_github().await;
        let pair = pair(world, "p").await;
        let path = format!("/keys/{}", pair.id);
        let rotate = json!({ "overlap_seconds": 2_592_000 });
        let rotated = world.api("POST", &format!("{path}/rotate"), Some(&rotate)).await.expect(200).json();
        let password = rotated["password"].as_str().expect("a password").to_owned();
        let ask = async |password: &str| world.authorize("github", "GET", ISSUES, |r| r.basic(&pair.identifier, password)).await.status;
        assert_eq!((ask(&pair.password).await, ask(&password).await), (200, 200));
        world.api("POST", &format!("{path}/rotate"), Some(&rotate)).await.expect(409);
        world.api("POST", &format!("{path}/end-overlap"), None).await.expect(200);
        assert_eq!((ask(&pair.password).await, ask(&password).await), (401, 200));
        world.api("POST", &format!("{path}/end-overlap"), None).await.expect(409);
        world.api("POST", &format!("{path}/rotate"), Some(&json!({ "overlap_seconds": 2_592_001 }))).await.expect(400);
        world.api("POST", &format!("{path}/disable"), None).await.expect(200);
        world.api("POST", &format!("{path}/rotate"), Some(&rotate)).await.expect(409);
    }

    async fn y_03_any_user_name_will_do_with_an_imported_key_too(world: &World) {
        world.import_github().await;
        let value = "sk-0123456789abcdefghij:+/=";
        let body = json!({ "name": "foreign", "api_sets": ["full-access"], "import": { "value": value } });
        let made = world.api("POST", "/keys", Some(&body)).await.expect(201).json();
        assert_eq!(made["key"]["hint"], "…:+/=");
        let long = "n".repeat(1_024);
        for user in ["", "x", "user@x", "użytkownik", long.as_str()] {
            let answer = world.authorize("github", "GET", ISSUES, |r| r.basic(user, value)).await;
            assert_eq!(answer.status, 200, "{user}: {}", answer.text());
        }
        let nginx = Nginx::start(world.doors, "github").await;
        Request::get(ISSUES).basic("any", value).send(nginx.address).await.expect(200);
        assert_eq!(world.verdict(value, "github", "GET", ISSUES).await["key"]["hint"], "…:+/=");
    }

    async fn y_27_y_28_a_recoverable_key_is_revealed_exactly_and_each_time_is_audited(world: &World) {
        let once = world.create_key(json!({ "name": "once", "api_sets": [] })).await;
        world.api("PATCH", "/policy", Some(&json!({ "reveal": { "organization": "recoverable" } }))).await.expect(200);
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        assert_eq!((&once.record["reveal"], &key.record["reveal"]), (&json!("once"), &json!("recoverable")));
        for _ in 0..2 {
            let shown = world.api("POST", &format!("/keys/{}/reveal", key.id), None).await.expect(200);
            assert_eq!(shown.header("cache-control").as_deref(), Some("no-store"));
            assert_eq!(shown.json()["secret"], key.secret, "exactly the key, no spaces");
        }
        world.api("POST", &format!("/keys/{}/reveal", once.id), None).await.expect(409);
        let entries = world.api("GET", "/audit?action=key.reveal&limit=100", None).await.expect(200).json();
        let entries = entries["data"].as_array().expect("a list").clone();
        assert_eq!(entries.len(), 2, "{entries:?}");
        assert!(entries.iter().all(|entry| entry["object"]["id"] == key.id && entry["actor"]["type"] == "key"));
        world.stop_serving().await;
        let dump = world.dump().await;
        let holds = |text: &str| dump.windows(text.len()).any(|part| part == text.as_bytes());
        assert!(!holds(&key.secret) && !holds(&key.secret[9..41]), "sealed, not written");
    }

    async fn y_36_description_and_rights_are_edited_and_the_next_request_obeys(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "operations": ["github:repos/get"], "description": "old" })).await;
        let path = format!("/keys/{}", key.id);
        let code = async || world.verdict(&key.secret, "github", "GET", ISSUES).await["code"].clone();
        assert_eq!(code().await, "OPERATION_NOT_ALLOWED");
        for (body, expected) in [
            (json!({ "description": "new" }), "OPERATION_NOT_ALLOWED"),
            (json!({ "operations": ["github:issues/*"] }), "VALID"),
            (json!({ "description": "both", "operations": ["github:repos/get"] }), "OPERATION_NOT_ALLOWED"),
        ] {
            world.api("PATCH", &path, Some(&body)).await.expect(200);
            assert_eq!(code().await, expected, "{body}");
        }
        let after = world.get_key(&key.id).await;
        assert_eq!(after["description"], "both");
        for field in ["id", "hint", "created_by", "created_at"] {
            assert_eq!(after[field], key.record[field], "{field}");
        }
        // Two who edit what they read at the same time: the second one is told.
        let tag = world.api("GET", &path, None).await.expect(200).header("etag").expect("an entity tag");
        let edit = |text: &str| {
            let request = Request::new("PATCH", &format!("/api/v1{path}")).bearer(&world.token).header("If-Match", &tag);
            request.json(&json!({ "description": text })).send(world.control)
        };
        edit("first").await.expect(200);
        assert_eq!(edit("second").await.expect(412).json()["code"], "stale");
        assert_eq!(world.get_key(&key.id).await["description"], "first");
    }

    async fn two_writers_on_one_record_lose_nothing(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": [] })).await;
        let path = format!("/keys/{}", key.id);
        let (tags, text) = (json!({ "tags": ["one"] }), json!({ "description": "other" }));
        let (one, other) = tokio::join!(world.api("PATCH", &path, Some(&tags)), world.api("PATCH", &path, Some(&text)));
        one.expect(200);
        other.expect(200);
        let after = world.get_key(&key.id).await;
        assert_eq!((&after["tags"], &after["description"]), (&json!(["one"]), &json!("other")), "each changed its own");
    }

    async fn c_30_an_edit_is_in_force_at_once_and_audited_before_and_after(world: &World) {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "before", "api_sets": [] })).await;
        let body = json!({ "name": "after", "api_sets": ["full-access"], "allowed_ips": ["203.0.113.7"] });
        world.api("PATCH", &format!("/keys/{}", key.id), Some(&body)).await.expect(200);
        let ask = async |ip: &str| {
            let body = json!({ "credential": key.secret, "api": "github", "method": "GET", "path": ISSUES, "client_ip": ip });
            Request::post("/v1/verify", &body).send(world.doors).await.expect(200).json()
        };
        let verdict = ask("203.0.113.7").await;
        assert_eq!((&verdict["code"], &verdict["key"]["name"]), (&json!("VALID"), &json!("after")), "the secret is the same");
        assert_eq!(ask("192.0.2.1").await["code"], "IP_NOT_ALLOWED");
        let entries = world.api("GET", "/audit?action=key.edit&limit=100", None).await.expect(200).json();
        let entry = entries["data"].as_array().expect("a list").iter().find(|entry| entry["object"]["id"] == key.id).expect("an entry").clone();
        assert_eq!((&entry["before"]["name"], &entry["after"]["name"]), (&json!("before"), &json!("after")));
        assert_eq!((&entry["before"]["api_sets"], &entry["after"]["api_sets"]), (&json!([]), &json!(["full-access"])));
        assert_eq!(entry["after"]["allowed_ips"][0]["range"], "203.0.113.7");
    }
}
