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
}
