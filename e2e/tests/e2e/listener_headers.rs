//! The table of headers in `docs/security.md` is what the listeners send, whatever they answer.

use std::net::SocketAddr;

use serde_json::json;

use crate::harness::database::Kind;
use crate::harness::raw_http::Request;
use crate::harness::world::{World, run};

/// The page's own policy stands below the table.
const POLICY: &str = "content-security-policy";

fn security_page() -> String {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security.md");
    std::fs::read_to_string(file).expect("docs/security.md")
}

/// Name (in lower case) and value of the headers that the table gives a listener.
fn table(page: &str, listener: &str) -> Vec<(String, String)> {
    let (_, section) = page.split_once("\n## Headers of each listener\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let cells = section.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let rows = cells.filter(|cells| cells.len() == 5 && cells[1] == listener);
    rows.map(|cells| (cells[2].trim_matches('`').to_ascii_lowercase(), cells[3].trim_matches('`').to_owned())).collect()
}

/// Sends each request and holds its answer against the table.
async fn hold(listener: &str, address: SocketAddr, requests: Vec<(u16, Request)>) {
    let page = security_page();
    let rows = table(&page, listener);
    assert!(!rows.is_empty(), "the table has nothing on {listener}");
    for (status, request) in requests {
        let named = format!("{request:?}");
        let answer = request.send(address).await.expect(status);
        for (name, value) in &rows {
            let sent = answer.header(name).unwrap_or_default();
            let is_page = name == POLICY && answer.header("content-type").is_some_and(|it| it.starts_with("text/html"));
            let own = is_page && page.replace('\n', " ").contains(&format!("`{sent}`"));
            assert!(own || sent == *value, "{listener}: {named}: {name}: {sent}, and not {value}");
        }
    }
}

async fn scenario(world: &World) {
    let body = json!({ "credential": "none" });
    let forwarded = |uri: &str| {
        Request::get("/v1/authorize/api/default")
            .header("X-Forwarded-Method", "GET")
            .header("X-Forwarded-Uri", uri)
            .header("X-Forwarded-Host", "api.example.com")
            .header("X-Forwarded-For", "203.0.113.7")
    };
    let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await.secret;
    let control = vec![
        (200, Request::get("/api/v1/me").bearer(&world.token)),
        (200, Request::get("/api/docs")),
        (200, Request::get("/sign-in")),
        (200, Request::get("/api/docs/style.css")),
        (200, Request::get("/api/v1/openapi.json")),
        (201, Request::post("/api/v1/keys", &json!({ "name": "l", "api_sets": [] })).bearer(&world.token)),
        (400, Request::post("/api/v1/keys", &json!({ "nam": 1 })).bearer(&world.token)),
        (401, Request::get("/api/v1/me")),
        (404, Request::get("/nothing")),
        (405, Request::new("PUT", "/api/docs")),
        (421, Request::get("/api/docs").header("Host", "evil.example")),
    ];
    hold("control", world.control, control).await;
    let doors = vec![
        (200, Request::post("/v1/verify", &body)),
        (200, Request::post("/v1/verify/batch", &json!([body]))),
        (200, forwarded("/a").bearer(&key)),
        (200, Request::get("/v1/whoami").bearer(&key)),
        (200, Request::get("/v1/openapi.json")),
        (400, Request::post("/v1/verify", &json!({}))),
        (401, forwarded("/a")),
        (401, Request::get("/v1/whoami")),
        (403, forwarded("/a/../b").bearer(&key)),
        (403, Request::get("/v1/authorize/nginx")),
        (403, Request::post("/v1/verify", &body).header("X-Claviger-Door", "wrong")),
        (404, Request::get("/nothing")),
        (405, Request::get("/v1/verify")),
        (413, Request::new("POST", "/v1/verify").body(vec![b' '; 300_000])),
    ];
    hold("doors", world.doors, doors).await;
    let telemetry = vec![
        (200, Request::get("/metrics")),
        (200, Request::get("/healthz")),
        (200, Request::get("/readyz")),
        (404, Request::get("/nothing")),
        (405, Request::new("POST", "/metrics")),
    ];
    hold("telemetry", world.telemetry, telemetry).await;
    let revocation = || Request::new("POST", "/revoke").header("Content-Type", "application/x-www-form-urlencoded");
    let public = vec![
        (200, revocation().body(b"token=nobodys".to_vec())),
        (400, revocation()),
        (404, Request::get("/api/docs")),
        (405, Request::get("/revoke")),
        (415, Request::post("/revoke", &body)),
        (421, revocation().header("Host", "evil.example")),
    ];
    hold("public", world.public, public).await;
}

#[test]
fn each_listener_sends_what_the_table_in_the_docs_says() {
    run(Kind::Sqlite, scenario);
}
