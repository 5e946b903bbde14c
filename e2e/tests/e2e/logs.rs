//! Log lines of requests, and the ids by which they are found: ours in every record, the caller's in its answer.

use serde_json::{Value, json};

use crate::harness::database::Kind;
use crate::harness::process::{Serving, command, run, text};
use crate::harness::raw_http::Request;
use crate::harness::world::{World, run as in_a_world};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Requests to both listeners: accepted, refused, malformed, to nowhere.
fn requests(world: &World, secret: &str) -> Vec<(std::net::SocketAddr, Request)> {
    let gateway = |door: &str, prefix: &str| {
        let last =
            if prefix == "X-Forwarded" { ("X-Forwarded-For", "203.0.113.7") } else { ("X-Real-IP", "203.0.113.7") };
        Request::get(door)
            .header(&format!("{prefix}-Method"), "GET")
            .header(&format!("{prefix}-Uri"), "/x")
            .header(&format!("{prefix}-Host"), "api.example.com")
            .header(last.0, last.1)
    };
    vec![
        (world.control, Request::get("/api/v1/keys").bearer(&world.token)),
        (world.control, Request::post("/api/v1/keys", &json!({ "nam": 1 })).bearer(&world.token)),
        (world.control, Request::get("/api/v1/me")),
        (world.control, Request::get("/nothing")),
        (world.control, Request::get("/api/docs").header("Host", "evil.example")),
        (world.doors, gateway("/v1/authorize", "X-Forwarded").bearer(secret)),
        (world.doors, gateway("/v1/authorize", "X-Forwarded")),
        (world.doors, gateway("/v1/authorize/nginx", "X-Original").bearer(secret)),
        (world.doors, gateway("/v1/authorize/nginx", "X-Original")),
        (world.doors, Request::get("/v1/authorize/nginx")),
        (world.doors, Request::post("/v1/verify", &json!({ "credential": secret }))),
        (world.doors, Request::post("/v1/verify", &json!({}))),
        (world.doors, Request::post("/v1/verify/batch", &json!([{ "credential": secret }]))),
        (world.doors, Request::get("/v1/verify")),
        (world.doors, Request::get("/v1/whoami").bearer(secret)),
        (world.doors, Request::get("/nothing")),
    ]
}

async fn answers_bear_ids(world: &World) {
    let secret = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await.secret;
    for (address, request) in requests(world, &secret) {
        let named = format!("{request:?}");
        let own = request.clone().send(address).await.header("x-request-id").unwrap_or_default();
        assert!(own.starts_with("req_") && own.len() == 30, "{named}: {own:?}");
        let theirs = request.clone().header("X-Request-Id", "abc/1=2").send(address).await;
        assert_eq!(theirs.header("x-request-id").as_deref(), Some("abc/1=2"), "{named}");
        if let Some(id) = serde_json::from_slice::<Value>(&theirs.body)
            .ok()
            .and_then(|it| it["request_id"].as_str().map(str::to_owned))
        {
            assert!(id.starts_with("req_"), "records bear our own: {named}: {id}");
        }
        let long = "x".repeat(129);
        for bad in ["", "a b", "a\u{e9}", "a;b", &long, &secret] {
            let id = request.clone().header("X-Request-Id", bad).send(address).await.header("x-request-id");
            assert!(id.as_ref().is_some_and(|id| id.starts_with("req_")), "{named}: {bad:?} gave {id:?}");
        }
        let twice = request.clone().header("X-Request-Id", "a").header("X-Request-Id", "b").send(address).await;
        assert!(twice.header("x-request-id").is_some_and(|id| id.starts_with("req_")), "{named}");
    }
}

#[test]
fn every_answer_bears_the_caller_s_request_id_or_our_own() {
    in_a_world(Kind::Sqlite, answers_bear_ids);
}

#[tokio::test]
async fn a_request_is_one_line_with_its_ids_and_nothing_that_the_caller_would_hide() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let serving = Serving::start_with(&data, &[("CLAVIGER_LOG", "debug"), ("CLAVIGER_LOG_FORMAT", "json")]).await;
    let arguments = ["setup", "--organization", "Acme", "--email", "ada@example.com", "--json"];
    let set_up: Value = serde_json::from_slice(&run(command(&data, &arguments), "").stdout).expect("the result");
    let token = set_up["token"].as_str().expect("a token").to_owned();
    let traced = |request: Request| request.header("X-Request-Id", "theirs-1").header("traceparent", TRACEPARENT);
    let calls = [
        (serving.control, traced(Request::get("/api/v1/keys?text=hidden-query")).bearer(&token)),
        (serving.control, traced(Request::get("/api/v1/keys/hidden-path"))),
        (serving.control, traced(Request::new("HIDDENMETHOD", "/hidden-path"))),
        (serving.doors, traced(Request::post("/v1/verify?hidden-query", &json!({ "credential": token })))),
        (serving.doors, traced(Request::get("/v1/authorize/api/hidden-path/nginx?hidden-query"))),
        (serving.doors, Request::get("/hidden-path").header("traceparent", "00-hidden-trace-01")),
    ];
    let mut own = Vec::new();
    for (address, request) in calls {
        let answer = request.send(address).await;
        own.push(
            serde_json::from_slice::<Value>(&answer.body)
                .ok()
                .and_then(|it| it["request_id"].as_str().map(str::to_owned)),
        );
    }
    let log = serving.log();
    serving.stop();
    for hidden in ["hidden-", "HIDDENMETHOD", &token[token.len() - 38..]] {
        assert_eq!(log.lines().find(|line| line.contains(hidden)), None, "{hidden}");
    }
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let about = |message: &str, route: &str| {
        let found = lines.iter().rfind(|line| line["message"] == message && line["route"] == route);
        found.unwrap_or_else(|| panic!("no line on {route}:\n{log}"))
    };
    for (message, route, method, status, actor) in [
        ("management request", "/api/v1/keys", "GET", 200, Some("key")),
        ("management request", "/api/v1/keys/{id}", "GET", 401, Some("none")),
        ("management request", "unknown", "other", 404, Some("none")),
        ("door request", "/v1/verify", "POST", 200, None),
        ("door request", "/v1/authorize/api/{api}/nginx", "GET", 403, None),
    ] {
        let line = about(message, route);
        assert_eq!((&line["method"], &line["status"]), (&json!(method), &json!(status)), "{line}");
        assert_eq!(line["actor"].as_str(), actor, "{line}");
        assert_eq!((&line["caller_request_id"], &line["trace_id"]), (&json!("theirs-1"), &json!(TRACE)), "{line}");
        let id = line["request_id"].as_str().expect("our id");
        assert!(own.iter().flatten().any(|known| known == id) || status == 200, "{id} is the one the caller was told");
        assert!(line["millis"].is_number() || line["micros"].is_number(), "{line}");
    }
    let nowhere = about("door request", "unknown");
    assert_eq!((&nowhere["trace_id"], &nowhere["caller_request_id"]), (&Value::Null, &Value::Null), "{nowhere}");
    assert!(text(log.as_bytes()).contains("\"actor\":\"operator\""), "the set-up was the operator's");
}
