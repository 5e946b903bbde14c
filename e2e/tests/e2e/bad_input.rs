//! Bad input: a clear message, the right status, nothing lost, no panic.

use serde_json::{Value, json};

use crate::harness::on_both_databases;
use crate::harness::raw_http::{Request, exchange};
use crate::harness::world::{World, github_document};

/// Asserts a problem+json answer of this status and code, with an error at `field` if one is named.
#[track_caller]
fn assert_problem(answer: &crate::harness::raw_http::Response, status: u16, code: &str, field: Option<&str>) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type").as_deref(), Some("application/problem+json"), "{}", answer.text());
    let problem = answer.json();
    assert_eq!(problem["code"], code, "{problem}");
    assert_eq!(problem["type"], format!("urn:claviger:problem:{code}"));
    assert!(problem["request_id"].as_str().is_some_and(|id| id.starts_with("req_")), "{problem}");
    if let Some(field) = field {
        let fields: Vec<_> = problem["errors"].as_array().into_iter().flatten().map(|error| &error["field"]).collect();
        assert!(fields.iter().any(|name| *name == field), "{problem}");
    }
}

on_both_databases! {
    async fn a_create_with_bad_json_wrong_types_or_unknown_fields_names_them(world: &World) {
        let post = |body: &str| {
            Request::new("POST", "/api/v1/keys")
                .bearer(&world.token)
                .header("Content-Type", "application/json")
                .body(body.as_bytes().to_vec())
                .send(world.control)
        };
        assert_problem(&post("{\"name\":").await, 400, "invalid_request", None);
        assert_problem(&post("").await, 400, "invalid_request", None);
        assert_problem(&post("[]").await, 400, "invalid_request", None);
        assert_problem(&post("\u{0}\u{1}").await, 400, "invalid_request", None);
        assert_problem(&post("{\"name\":7,\"api_sets\":[]}").await, 400, "invalid_request", Some("name"));
        assert_problem(&post("{\"name\":\"k\",\"api_sets\":\"x\"}").await, 400, "invalid_request", Some("api_sets"));
        let unknown = post("{\"name\":\"k\",\"api_sets\":[],\"expires\":\"2030-01-01\",\"colour\":1}").await;
        assert_problem(&unknown, 400, "invalid_request", Some("expires"));
        assert_problem(&unknown, 400, "invalid_request", Some("colour"));
        for (body, field) in [
            (json!({ "name": " ", "api_sets": [] }), "name"),
            (json!({ "name": "x".repeat(121), "api_sets": [] }), "name"),
            (json!({ "name": "a\u{7}", "api_sets": [] }), "name"),
            (json!({ "name": "k", "api_sets": [], "expires_at": "tomorrow" }), "expires_at"),
            (json!({ "name": "k", "api_sets": [], "expires_at": "2001-01-01" }), "expires_at"),
            (json!({ "name": "k", "api_sets": [], "allowed_ips": ["300.1.1.1"] }), "allowed_ips[0]"),
            (json!({ "name": "k", "api_sets": [], "allowed_ips": ["10.0.0.1", "10.0.0.0/33"] }), "allowed_ips[1]"),
            (json!({ "name": "k", "api_sets": [], "environment": "prod" }), "environment"),
            (json!({ "name": "k", "api_sets": [], "metadata": { "x": "y".repeat(1_100) } }), "metadata"),
            (json!({ "name": "k", "api_sets": [], "description": "d".repeat(1_001) }), "description"),
        ] {
            let answer = world.api("POST", "/keys", Some(&body)).await;
            assert_problem(&answer, 400, "invalid_request", Some(field));
        }
        assert_eq!(world.key_count().await, 1, "only the set-up key: nothing was made");
    }

    async fn bodies_over_the_limit_and_of_another_type_are_refused(world: &World) {
        let long = format!("{{\"name\":\"{}\",\"api_sets\":[]}}", "x".repeat(2_000_000));
        let answer = Request::new("POST", "/api/v1/keys")
            .bearer(&world.token)
            .header("Content-Type", "application/json")
            .body(long.clone().into_bytes())
            .send(world.control)
            .await;
        assert_problem(&answer, 413, "too_large", None);
        let answer = Request::new("POST", "/api/v1/keys")
            .bearer(&world.token)
            .header("Content-Type", "text/plain")
            .body(b"{}".to_vec())
            .send(world.control)
            .await;
        assert_problem(&answer, 415, "unsupported_media_type", None);
        let answer = Request::new("POST", "/v1/verify")
            .header("Content-Type", "application/json")
            .body(long.into_bytes())
            .send(world.doors)
            .await;
        assert_problem(&answer, 413, "too_large", None);
    }

    async fn sets_and_operations_that_are_not_ones_own_are_not_found(world: &World) {
        world.import_github().await;
        let other = world.second_organization("other").await;
        let set = world
            .api_as(&other, "POST", "/api-sets", Some(&json!({ "slug": "theirs", "name": "Theirs", "apis": ["default"] })))
            .await
            .expect(201)
            .json();
        let unknown = world.api("POST", "/keys", Some(&json!({ "name": "k", "api_sets": ["no-such-set"] }))).await;
        assert_problem(&unknown, 404, "not_found", Some("api_sets[0]"));
        let id = set["id"].as_str().expect("an id");
        let theirs = world.api("POST", "/keys", Some(&json!({ "name": "k", "api_sets": [id] }))).await;
        assert_problem(&theirs, 404, "not_found", Some("api_sets[0]"));
        assert_eq!(world.api("GET", &format!("/api-sets/{id}"), None).await.status, 404);
        for operation in ["github:no/such", "github:nothing*", "nowhere:x", "claviger:*"] {
            let answer = world.api("POST", "/keys", Some(&json!({ "name": "k", "operations": [operation] }))).await;
            assert_problem(&answer, 404, "not_found", Some("operations[0]"));
        }
        // And their keys cannot be seen, changed or ended.
        let theirs = world
            .api_as(&other, "POST", "/keys", Some(&json!({ "name": "theirs", "api_sets": [] })))
            .await
            .expect(201)
            .json();
        let id = theirs["key"]["id"].as_str().expect("an id");
        for (method, path) in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/disable"), ("POST", "/rotate")] {
            let body = match path {
                "/rotate" => json!({ "overlap_seconds": 0 }),
                _ => json!({}),
            };
            let answer = world.api(method, &format!("/keys/{id}{path}"), Some(&body)).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
        }
    }

    async fn documents_that_cannot_be_imported_say_why_and_change_nothing(world: &World) {
        let import = |body: Vec<u8>| async move {
            Request::new("POST", "/api/v1/apis/import?slug=github")
                .bearer(&world.token)
                .header("Content-Type", "application/json")
                .body(body)
                .send(world.control)
                .await
        };
        let whole = github_document();
        assert_problem(&import(whole[..whole.len() / 2].to_vec()).await, 400, "invalid_request", None);
        assert_problem(&import(b"not json".to_vec()).await, 400, "invalid_request", None);
        assert_problem(&import(b"{\"hello\":\"world\"}".to_vec()).await, 400, "invalid_request", None);
        assert_problem(&import(b"{\"swagger\":\"2.0\",\"paths\":{}}".to_vec()).await, 400, "invalid_request", None);
        let cyclic = json!({ "openapi": "3.0.3", "info": { "title": "C", "version": "1" }, "paths": {
            "/a": { "$ref": "#/paths/~1b" }, "/b": { "$ref": "#/paths/~1a" } } });
        assert_problem(&import(cyclic.to_string().into_bytes()).await, 400, "invalid_request", None);
        let mut paths = serde_json::Map::new();
        for number in 0..100_000 {
            paths.insert(format!("/p/{number}"), json!({ "get": { "responses": {} } }));
        }
        let huge = json!({ "openapi": "3.0.3", "info": { "title": "H", "version": "1" }, "paths": paths });
        let refused = import(huge.to_string().into_bytes()).await;
        assert_problem(&refused, 400, "invalid_request", None);
        assert!(refused.text().contains("20,000") || refused.text().contains("20000"), "{}", refused.text());
        let deep = "[".repeat(100_000);
        assert_problem(&import(deep.into_bytes()).await, 400, "invalid_request", None);
        assert_eq!(world.api("GET", "/apis/github", None).await.status, 404, "nothing was made");
    }

    async fn questions_that_are_malformed_name_the_field(world: &World) {
        let ask = |body: Value| Request::post("/v1/verify", &body).send(world.doors);
        assert_problem(&ask(json!({})).await, 400, "invalid_request", None);
        assert_problem(&ask(json!({ "credential": 7 })).await, 400, "invalid_request", Some("credential"));
        assert_problem(&ask(json!({ "credential": "x", "colour": 1 })).await, 400, "invalid_request", Some("colour"));
        assert_problem(&ask(json!({ "credential": "x", "path": "/" })).await, 400, "invalid_request", Some("method"));
        let ip = ask(json!({ "credential": "x", "client_ip": "300.1.1.1" })).await;
        assert_problem(&ip, 400, "invalid_request", Some("client_ip"));
        let set = ask(json!({ "credential": "x", "requires": ["no-such-set"] })).await;
        assert_problem(&set, 400, "invalid_request", Some("requires[0]"));
        let batch = json!([{ "credential": "" }, { "path": "/" }, { "credential": "x".repeat(40) }]);
        let answers = Request::post("/v1/verify/batch", &batch).send(world.doors).await.expect(200).json();
        let answers = answers.as_array().or_else(|| answers["results"].as_array()).expect("a list").clone();
        assert_eq!((&answers[0]["code"], &answers[2]["code"]), (&json!("MISSING"), &json!("NOT_FOUND")));
        assert_eq!(answers[1]["status"], 400, "a malformed item is a 400 object at its place: {}", answers[1]);
        let many: Vec<_> = (0..101).map(|_| json!({ "credential": "x" })).collect();
        let answer = Request::post("/v1/verify/batch", &json!(many)).send(world.doors).await;
        assert_problem(&answer, 400, "invalid_request", None);
    }

    async fn absurd_requests_do_no_harm(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        for address in [world.control, world.doors] {
            for bytes in [
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc".to_vec(),
                b"GET\r\n\r\n".to_vec(),
                b"GET / HTTP/9.9\r\n\r\n".to_vec(),
                format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(1 << 20)).into_bytes(),
                format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "A: b\r\n".repeat(10_000)).into_bytes(),
                b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n".to_vec(),
                b"POST /v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
            ] {
                // Refused with a 4xx or a closed connection; what matters is what still works afterwards.
                if let Ok(answer) = exchange(address, &bytes).await {
                    let line = String::from_utf8_lossy(&answer[..answer.len().min(16)]).into_owned();
                    assert!(answer.is_empty() || line.starts_with("HTTP/1.1 4") || line.starts_with("HTTP/1.0 4"), "{line}");
                }
            }
        }
        for value in [b"\xff\xfe".as_slice(), b"Basic \xc3\x28", b"Bearer  ", b"Bearer a b", b"Negotiate x"] {
            let answer = Request::get("/v1/authorize/nginx")
                .header("X-Original-Method", "GET")
                .header("X-Original-URI", "/")
                .header("X-Original-Host", "h")
                .header("X-Real-IP", "203.0.113.7")
                .header_bytes("Authorization", value)
                .send(world.doors)
                .await;
            assert_eq!(answer.status, 401, "{value:?}: {}", answer.text());
        }
        assert_eq!(world.verdict(&key.secret, "default", "GET", "/x").await["code"], "VALID");
        Request::get("/healthz").send(world.telemetry).await.expect(200);
    }

    async fn cursors_limits_and_filters_are_checked(world: &World) {
        for (query, field) in [("limit=0", "limit"), ("limit=101", "limit"), ("limit=x", "limit"), ("cursor=zzz", "cursor"),
            ("state=happy", "state"), ("colour=red", "colour")] {
            let answer = world.api("GET", &format!("/keys?{query}"), None).await;
            assert_problem(&answer, 400, "invalid_request", Some(field));
        }
        assert_problem(&world.api("GET", "/no-such-thing", None).await, 404, "not_found", None);
        assert_problem(&world.api("GET", "/keys/not-an-id", None).await, 404, "not_found", None);
        assert_problem(&world.api_as("nonsense", "GET", "/keys", None).await, 401, "unauthenticated", None);
    }

    async fn other_host_names_are_refused_on_the_control_listener(world: &World) {
        let answer = Request::get("/api/v1/keys").header("Host", "evil.example").bearer(&world.token).send(world.control).await;
        assert!((400..500).contains(&answer.status), "{}", answer.text());
        assert!(!answer.text().contains("setup"), "no data for a rebound name");
        Request::get("/api/v1/keys").header("Host", "localhost:7600").bearer(&world.token).send(world.control).await.expect(200);
    }
}
