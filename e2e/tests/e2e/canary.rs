//! The secret canary: known secrets sent through every feature, then looked for everywhere a text can end up.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::app::{App, PASSWORD, challenge, enter, person, texts};
use crate::harness::browser::Browser;
use crate::harness::on_both_databases;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

on_both_databases! {
    async fn y_05_a_secret_is_nowhere_it_can_be_read(world: &World) {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        let key = world.create_key(json!({ "name": "canary", "api_sets": ["full-access"], "allowed_ips": ["203.0.113.0/24"] })).await;
        let rotated = world
            .api("POST", &format!("/keys/{}/rotate", key.id), Some(&json!({ "overlap_seconds": 3_600 })))
            .await
            .expect(200)
            .json();
        let native = [key.secret.clone(), rotated["secret"].as_str().expect("a secret").to_owned(), world.token.clone()];

        for secret in &native {
            // Where a person puts a key by mistake, and where it belongs: accepted, refused, malformed.
            for request in [
                Request::get("/v1/whoami").bearer(secret).header("X-Request-Id", secret).header("traceparent", secret),
                Request::get(&format!("/v1/whoami?api_key={secret}")),
                Request::get(&format!("/{secret}")).bearer(secret),
                Request::get("/v1/authorize").bearer(secret).header("X-Forwarded-Uri", &format!("/{secret}")),
                nginx(&format!("/x/{secret}?key={secret}"), "203.0.113.7").basic(secret, secret),
                nginx("/x", "198.51.100.1").basic(secret, ""),
                nginx("/x", "203.0.113.7").header("X-Api-Key", secret).header("User-Agent", secret),
                nginx("/x", secret).bearer(secret),
                nginx("/x", "203.0.113.7").header("Authorization", &format!("Basic {secret}")),
                Request::post("/v1/verify", &json!({ "credential": secret, "method": "GET", "path": format!("/{secret}") })),
                Request::post("/v1/verify", &json!({ "credential": secret, secret.as_str(): secret })),
                Request::post("/v1/verify", &json!({ "credential": [secret] })),
                Request::post("/v1/verify", &json!({ "credential": secret, "requires": [secret] })),
            ] {
                seen.push(answer_bytes(&request.send(world.doors).await));
            }
            for (method, path, body) in [
                ("POST", "/keys/lookup".to_owned(), Some(json!({ "credential": secret }))),
                ("POST", format!("/keys/{}/check", key.id), Some(json!({ "method": "GET", "path": format!("/{secret}") }))),
                ("GET", format!("/keys/{secret}"), None),
                ("GET", format!("/keys?text={secret}"), None),
                ("POST", format!("/apis/import?slug={secret}"), Some(json!({ "openapi": secret }))),
                ("GET", format!("/{secret}"), None),
            ] {
                seen.push(answer_bytes(&world.api(method, &path, body.as_ref()).await));
            }
        }
        let others = other_kinds(world, &mut seen).await.into_iter().chain(of_people(world, &mut seen).await);
        let secrets: Vec<String> = native.into_iter().chain(others).collect();
        for path in ["/keys?limit=100".to_owned(), format!("/keys/{}", key.id), format!("/keys/{}/requests", key.id), "/organization/requests".into()] {
            let answer = world.api("GET", &path, None).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            seen.push(answer_bytes(&answer));
        }
        for path in ["/metrics", "/healthz", "/readyz"] {
            seen.push(answer_bytes(&Request::get(path).send(world.telemetry).await.expect(200)));
        }
        seen.push(std::fs::read("/proc/self/cmdline").expect("the process's arguments"));
        world.stop_serving().await;
        let dump = world.dump().await;
        let streamed = b"{\"chain\":\"org_";
        assert!(dump.windows(streamed.len()).any(|window| window == streamed), "the audit log's file is looked through");
        seen.push(dump);

        for secret in &secrets {
            // The secret part alone too, and both as they stand in a Basic header.
            let forms = [
                secret.clone().into_bytes(),
                secret.as_bytes()[secret.len().saturating_sub(38)..secret.len() - 6].to_vec(),
                STANDARD.encode(secret).trim_end_matches('=').as_bytes()[4..].to_vec(),
            ];
            for (place, bytes) in seen.iter().enumerate() {
                for form in &forms {
                    let found = bytes.windows(form.len()).position(|window| window == form.as_slice());
                    let around = found.map(|at| String::from_utf8_lossy(&bytes[at.saturating_sub(200)..at]).into_owned());
                    assert_eq!(around, None, "a secret was found in place {place}");
                }
            }
        }
    }
}

/// Pairs, imported values and recoverable keys, each sent through what is theirs alone; gives their values.
async fn other_kinds(world: &World, seen: &mut Vec<Vec<u8>>) -> Vec<String> {
    world.api("PATCH", "/policy", Some(&json!({ "reveal": { "organization": "recoverable" } }))).await.expect(200);
    let pair = json!({ "name": "pair", "shape": "pair", "api_sets": [] });
    let pair = world.api("POST", "/keys", Some(&pair)).await.expect(201).json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (identifier, password) = (text(&pair["identifier"]), text(&pair["password"]));
    let (single, many) = ("sk-canary-one-0123456789abcdef", "sk-canary-many-0123456789abcde");
    let import = |name: &str, value: &str| json!({ "name": name, "api_sets": [], "import": { "value": value } });
    let made = world.api("POST", "/keys", Some(&import("single", single))).await.expect(201);
    let made_id = text(&made.json()["key"]["id"]);
    seen.push(answer_bytes(&made));
    let broken = json!([import("many", many), import("single", many), import("x", single), { "import": { "value": [many] } }, many]);
    for path in ["/keys/import?dry_run=true", "/keys/import", "/keys/import"] {
        seen.push(answer_bytes(&world.api("POST", path, Some(&broken)).await.expect(200)));
    }
    let recoverable = world.create_key(json!({ "name": "recoverable", "api_sets": [] })).await;
    for (id, secret) in [(&recoverable.id, recoverable.secret.as_str()), (&made_id, single)] {
        let shown = world.api("POST", &format!("/keys/{id}/reveal"), None).await.expect(200);
        assert_eq!(shown.json()["secret"], secret);
        seen.push(format!("{:?}", shown.headers).into_bytes());
    }
    for body in [
        json!({ "identifier": identifier, "password": password }),
        json!({ "identifier": identifier, "password": [password] }),
        json!({ "credential": format!("{identifier}:{password}") }),
    ] {
        seen.push(answer_bytes(&Request::post("/v1/verify", &body).send(world.doors).await));
    }
    seen.push(answer_bytes(&nginx("/x", "203.0.113.7").basic(&identifier, &password).send(world.doors).await));
    for path in ["/audit?limit=100", "/keys?limit=100"] {
        seen.push(answer_bytes(&world.api("GET", path, None).await.expect(200)));
    }
    let hooks = of_webhooks(world, seen).await;
    let keys = [identifier, password, single.to_owned(), many.to_owned(), recoverable.secret];
    keys.into_iter().chain(hooks).collect()
}

/// What webhooks are signed with, before and after a rotation.
async fn of_webhooks(world: &World, seen: &mut Vec<Vec<u8>>) -> [String; 2] {
    let hook = json!({ "name": "canary", "url": "https://hooks.example.com/x", "events": ["key.created"] });
    let made = world.api("POST", "/webhooks", Some(&hook)).await.expect(201).json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let path = format!("/webhooks/{}", text(&made["webhook"]["id"]));
    let rotated = world.api("POST", &format!("{path}/rotate"), Some(&json!({}))).await.expect(200).json();
    let secrets = [text(&made["secret"]), text(&rotated["secret"])];
    for secret in &secrets {
        let wrong = json!({ "name": "x", "url": format!("https://{secret}@hooks.example.com/"), "events": [secret] });
        seen.push(answer_bytes(&world.api("POST", "/webhooks", Some(&wrong)).await));
    }
    world.api("POST", &format!("{path}/test"), None).await;
    for path in ["/webhooks".to_owned(), format!("{path}/deliveries"), path] {
        seen.push(answer_bytes(&world.api("GET", &path, None).await.expect(200)));
    }
    secrets
}

/// What a person with a second factor holds, sent right, wrong and where it does not belong; gives the secrets.
async fn of_people(world: &World, seen: &mut Vec<Vec<u8>>) -> Vec<String> {
    const EVE: &str = "eve@example.com";
    person(world.control, &world.token, "eve", &["admin"]).await;
    let mut browser = Browser::signed_in(world.control, EVE, PASSWORD).await;
    let app = App::set_up(&mut browser, world.now()).await;
    let begun = browser.call("POST", "/me/2fa", None).await.expect(200).json();
    let waiting = begun["secret"].as_str().expect("a secret").to_owned();
    let made = browser.call("POST", "/me/2fa/recovery-codes", None).await.expect(200).json();
    let mut codes = texts(&made["recovery_codes"]);
    let mut other = Browser::at(world.control);
    let used = challenge(&mut other, EVE).await;
    for code in [&app.recovery_codes[0], &app.base32, &used] {
        seen.push(answer_bytes(&enter(&mut other, &used, code).await.expect(401)));
    }
    world.clock.advance(std::time::Duration::from_mins(1));
    enter(&mut other, &used, &codes[0]).await.expect(200);
    let session = other.session();
    let left = challenge(&mut Browser::at(world.control), EVE).await;
    for (method, path, body) in [
        ("GET", "/me/2fa".to_owned(), None),
        ("GET", "/me/sessions".to_owned(), None),
        ("GET", format!("/users/{}", codes[1]), None),
        ("POST", "/session/step-up".to_owned(), Some(json!({ "code": [codes[1]] }))),
        ("POST", "/sign-in/code".to_owned(), Some(json!({ "challenge": left, "code": { "x": codes[1] } }))),
        ("POST", format!("/sign-in/code?code={}", codes[1]), Some(json!({ "challenge": waiting, "code": left }))),
    ] {
        seen.push(answer_bytes(&browser.call(method, &path, body.as_ref()).await));
    }
    for path in ["/audit?limit=100", "/users?limit=100"] {
        seen.push(answer_bytes(&world.api("GET", path, None).await.expect(200)));
    }
    codes.extend(app.recovery_codes);
    codes.extend([app.base32, waiting, used, left, session]);
    codes
}

fn nginx(uri: &str, ip: &str) -> Request {
    Request::get("/v1/authorize/nginx")
        .header("X-Original-Method", "GET")
        .header("X-Original-URI", uri)
        .header("X-Original-Host", "api.example.com")
        .header("X-Real-IP", ip)
}

/// Headers and body of an answer.
fn answer_bytes(answer: &crate::harness::raw_http::Response) -> Vec<u8> {
    let mut bytes = format!("{:?}\n", answer.headers).into_bytes();
    bytes.extend_from_slice(&answer.body);
    bytes
}
