//! Imported keys: one at a time and many at once.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::testing::{OPERATOR, Reply, World};

const VALUE: &str = "sk-0123456789abcdefghij";

fn sha256(value: &str) -> String {
    Sha256::digest(value).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn row(name: &str, value: &str) -> Value {
    json!({"name": name, "api_sets": ["claviger-keys-read"], "import": {"value": value}})
}

async fn send_lines(world: &World, token: &str, query: &str, lines: &str) -> Reply {
    let request = Request::post(format!("/api/v1/keys/import{query}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/x-ndjson")
        .body(Body::from(lines.to_owned()));
    world.send(request.expect("a request")).await
}

async fn count(world: &World, admin: &str) -> usize {
    world.get(admin, "/keys?limit=100").await.body["data"].as_array().expect("a list").len()
}

#[tokio::test]
async fn an_imported_value_works_and_is_never_shown() {
    let (world, admin) = World::with_organization().await;
    let made = world.post(&admin, "/keys", row("foreign", VALUE)).await;
    assert_eq!((made.status.as_u16(), &made.body["key"]["hint"]), (201, &json!("…ghij")), "{made:?}");
    assert!(made.body.get("secret").is_none() && !made.body.to_string().contains(VALUE));
    assert_eq!(world.get(VALUE, "/keys").await.status, 200);
    let found = world.post(&admin, "/keys/lookup", json!({"credential": VALUE})).await;
    assert_eq!(found.body["key"]["id"], made.body["key"]["id"]);
    // Rotation gives it a secret of our own; the imported one overlaps.
    let path = format!("/keys/{}/rotate", made.body["key"]["id"].as_str().expect("an id"));
    let rotated = world.post(&admin, &path, json!({"overlap_seconds": 60})).await;
    assert!(rotated.text("secret").starts_with("clv_live_"), "{rotated:?}");
    for token in [VALUE.to_owned(), rotated.text("secret")] {
        assert_eq!(world.get(&token, "/keys").await.status, 200);
    }
}

#[tokio::test]
async fn a_sha256_is_as_good_as_its_value_and_has_no_hint() {
    let (world, admin) = World::with_organization().await;
    let body = json!({"name": "hashed", "api_sets": ["claviger-keys-read"], "import": {"sha256": sha256(VALUE)}});
    let made = world.post(&admin, "/keys", body).await;
    assert_eq!((made.status.as_u16(), &made.body["key"]["hint"]), (201, &json!("")), "{made:?}");
    assert_eq!(world.get(VALUE, "/keys").await.status, 200);
    world.get(&sha256(VALUE), "/keys").await.problem(401, "unauthenticated");
    // One of native shape or too short opens nothing, though its SHA-256 was taken.
    let native = claviger_domain::credential::generate_key(
        &"clv".parse().expect("a prefix"),
        claviger_domain::credential::Environment::Live,
        &claviger_domain::testing::FixedRandom::new(99),
    );
    for (name, value) in [("native", native.expose()), ("short", "short")] {
        let import = json!({"sha256": sha256(value)});
        let body = json!({"name": name, "api_sets": ["claviger-keys-read"], "import": import});
        assert_eq!(world.post(&admin, "/keys", body).await.status, 201);
        world.get(value, "/keys").await.problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_clash_reads_like_any_other_bad_value() {
    let (world, admin) = World::with_organization().await;
    let (id, own) = world.key(&admin, "own", &[]).await;
    assert_eq!(world.post(&admin, "/keys", row("first", VALUE)).await.status, 201);
    let short = world.post(&admin, "/keys", row("x", "too-short")).await;
    assert_eq!(short.problem(400, "invalid_request"), ["import.value"]);
    for value in [VALUE, &own, "clv_live_00000000000000000000000000000000000000"] {
        let refused = world.post(&admin, "/keys", row("x", value)).await;
        assert_eq!((refused.status, &refused.body["errors"]), (short.status, &short.body["errors"]), "{value}");
    }
    // A deleted key's value stays taken, also by its SHA-256.
    world.call("DELETE", &admin, &format!("/keys/{id}"), None).await;
    let hashed = |value: &str| json!({"name": "x", "api_sets": [], "import": {"sha256": sha256(value)}});
    let malformed = json!({"name": "x", "api_sets": [], "import": {"sha256": "no digits"}});
    let malformed = world.post(&admin, "/keys", malformed).await;
    for value in [VALUE, &own] {
        let refused = world.post(&admin, "/keys", hashed(value)).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["import.sha256"]);
        assert_eq!(refused.body["errors"], malformed.body["errors"]);
    }
    for (import, field) in [
        (json!({}), "import"),
        (json!({"value": VALUE, "sha256": sha256(VALUE)}), "import"),
        (json!({"value": 7}), "import.value"),
        (json!({"md5": "x"}), "import.md5"),
    ] {
        let body = json!({"name": "x", "api_sets": [], "import": import});
        assert_eq!(world.post(&admin, "/keys", body).await.problem(400, "invalid_request"), [field]);
    }
    let pair = json!({"name": "x", "api_sets": [], "shape": "pair", "import": {"value": "sk-another-0123456789abc"}});
    assert_eq!(world.post(&admin, "/keys", pair).await.problem(400, "invalid_request"), ["import"]);
}

#[tokio::test]
async fn with_several_organizations_imports_need_the_operators_leave() {
    let (world, admin) = World::with_organization().await;
    let body = json!({"slug": "other", "name": "Other", "email": "eve@example.com"});
    assert_eq!(world.post(OPERATOR, "/organizations", body).await.status, 201);
    let refused = world.post(&admin, "/keys", row("x", VALUE)).await;
    refused.problem(403, "forbidden");
    assert!(refused.text("detail").contains("imports_with_several_organizations"), "{refused:?}");
    world.post(&admin, "/keys/import", json!([row("x", VALUE)])).await.problem(403, "forbidden");
    world.post(&admin, "/keys/import?dry_run=true", json!([row("x", VALUE)])).await.problem(403, "forbidden");
}

/// Every second row is broken, each in another way.
fn mixed(good: usize) -> (String, Vec<(usize, &'static str)>) {
    let mut broken: Vec<(String, &'static str)> = vec![
        (json!({"name": "b", "api_sets": [], "import": {"value": "short"}}).to_string(), "import.value"),
        (json!({"name": " ", "api_sets": [], "import": {"value": "sk-a-0123456789abcdefghij"}}).to_string(), "name"),
        ("{\"name\": ".to_owned(), "body"),
        ("[]".to_owned(), "body"),
        (
            json!({"name": "b", "api_sets": ["nowhere"], "import": {"value": "sk-b-0123456789abcdefghij"}}).to_string(),
            "api_sets[0]",
        ),
        (
            json!({"name": "good 0", "api_sets": [], "import": {"value": "sk-c-0123456789abcdefghij"}}).to_string(),
            "name",
        ),
        (
            json!({"name": "b", "api_sets": [], "import": {"value": "sk-good-000000-0123456789"}}).to_string(),
            "import.value",
        ),
        (json!({"name": "b", "api_sets": []}).to_string(), "import"),
        (json!({"name": "b", "import": {"value": "sk-d-0123456789abcdefghij"}}).to_string(), "api_sets"),
        (
            json!({"name": "b", "api_sets": [], "colour": 1, "import": {"value": "sk-e-0123456789abcdefghij"}})
                .to_string(),
            "colour",
        ),
    ];
    broken.push((json!({"name": "b", "api_sets": [], "expires_at": "2001-01-01", "import": {"value": "sk-f-0123456789abcdefghij"}}).to_string(), "expires_at"));
    let (mut lines, mut wrong) = (Vec::new(), Vec::new());
    for number in 0..good {
        lines.push(row(&format!("good {number}"), &format!("sk-good-{number:06}-0123456789")).to_string());
        let (line, field) = &broken[number % broken.len()];
        lines.push(line.clone());
        wrong.push((lines.len(), *field));
    }
    (lines.join("\n"), wrong)
}

fn errors(reply: &Reply) -> Vec<(usize, String)> {
    let rows = reply.body["errors"].as_array().expect("a list").iter();
    let one = |row: &Value| {
        let number = row["row"].as_u64().and_then(|row| usize::try_from(row).ok()).expect("a number");
        (number, row["errors"][0]["field"].as_str().expect("a field").to_owned())
    };
    rows.map(one).collect()
}

#[tokio::test]
async fn an_import_in_which_every_second_row_is_broken_takes_the_good_ones_and_names_the_bad_ones() {
    let (world, admin) = World::with_organization().await;
    // More than one transaction's worth.
    let (lines, wrong) = mixed(300);
    let wrong: Vec<_> = wrong.into_iter().map(|(row, field)| (row, field.to_owned())).collect();
    let tried = send_lines(&world, &admin, "?dry_run=true", &lines).await;
    assert_eq!((tried.status.as_u16(), &tried.body["rows"], &tried.body["imported"]), (200, &json!(600), &json!(300)));
    assert_eq!((errors(&tried), &tried.body["keys"]), (wrong.clone(), &json!([])));
    assert_eq!(count(&world, &admin).await, 1, "nothing was changed");
    let done = send_lines(&world, &admin, "", &lines).await;
    assert_eq!((done.status.as_u16(), &done.body["imported"]), (200, &json!(300)), "{:?}", done.body["errors"]);
    assert_eq!(errors(&done), wrong);
    assert_eq!(done.body["keys"].as_array().map(Vec::len), Some(300));
    for number in [0, 1, 299] {
        assert_eq!(world.get(&format!("sk-good-{number:06}-0123456789"), "/keys").await.status, 200, "{number}");
    }
    assert!(!done.body.to_string().contains("sk-"), "no value is repeated");
    // Once more: nothing is lost and nothing is made twice.
    let again = send_lines(&world, &admin, "", &lines).await;
    assert_eq!((&again.body["imported"], errors(&again).len()), (&json!(0), 600));
}

#[tokio::test]
async fn a_dry_run_counts_its_own_rows_like_the_import() {
    let (world, admin) = World::with_organization().await;
    // The administrator's own key is the first of four.
    world.patch(&admin, "/policy", json!({"max_keys": {"organization": 4}})).await;
    let rows: Vec<_> = (0..6).map(|at| row(&format!("row {at}"), &format!("sk-{at}-0123456789abcdefghij"))).collect();
    for query in ["?dry_run=true", ""] {
        let done = world.post(&admin, &format!("/keys/import{query}"), json!(rows)).await;
        assert_eq!((&done.body["imported"], errors(&done).len()), (&json!(3), 3), "{query}: {done:?}");
        assert!(done.body["errors"][0].to_string().contains("max_keys.organization"), "{query}: {done:?}");
        assert_eq!(done.body["errors"][0]["row"], 4, "{query}");
    }
}

#[tokio::test]
async fn an_array_is_taken_too_and_absurd_bodies_are_refused() {
    let (world, admin) = World::with_organization().await;
    let done = world.post(&admin, "/keys/import", json!([row("one", VALUE), 7])).await;
    assert_eq!((&done.body["imported"], errors(&done)), (&json!(1), vec![(2, "body".to_owned())]), "{done:?}");
    for body in [json!([]), json!({}), json!("text"), json!(vec![0; 10_001])] {
        assert_eq!(world.post(&admin, "/keys/import", body).await.problem(400, "invalid_request"), ["body"]);
    }
    let broken = Request::post("/api/v1/keys/import")
        .header("authorization", format!("Bearer {admin}"))
        .header("content-type", "application/json")
        .body(Body::from("[{\"name\": \"sk-secret-0123456789abcdef\","));
    let broken = world.send(broken.expect("a request")).await;
    assert_eq!(broken.problem(400, "invalid_request"), ["body"]);
    assert!(!broken.body.to_string().contains("sk-secret"));
    let typed = Request::post("/api/v1/keys/import")
        .header("authorization", format!("Bearer {admin}"))
        .header("content-type", "text/plain")
        .body(Body::from("name"));
    world.send(typed.expect("a request")).await.problem(415, "unsupported_media_type");
    let table = Request::post("/api/v1/keys/import")
        .header("authorization", format!("Bearer {admin}"))
        .header("content-type", "text/csv")
        .body(Body::from("name,colour\nsk-secret-0123456789abcdef,red\n"));
    let table = world.send(table.expect("a request")).await;
    assert_eq!(table.problem(400, "invalid_request"), ["body"]);
    assert!(!table.body.to_string().contains("sk-secret"));
    let query = world.post(&admin, "/keys/import?dry_run=perhaps", json!([7])).await;
    assert_eq!(query.problem(400, "invalid_request"), ["dry_run"]);
}
