//! Requests over time, and rights that a key never uses.

use std::time::Duration;

use claviger_domain::RequestId;
use claviger_domain::usage::{Door, UsageBatch};
use claviger_domain::verdict::Code;
use claviger_engine::{Presented, Provider, Question, RequestLine};
use claviger_store::usage::{Writer, subjects_of};
use http::{Request, header};
use serde_json::{Value, json};

use crate::testing::World;

/// An API with operations, a set of some of them, and a key: its id and secret.
async fn with_api(world: &World, admin: &str, sets: &[&str]) -> (String, String) {
    let path = |name: &str| json!({"get": {"operationId": format!("{name}/list")}, "post": {"operationId": format!("{name}/create")}});
    let document = json!({
        "openapi": "3.1.0", "info": {"title": "Shop", "version": "1"},
        "paths": {"/orders": path("orders"), "/orders/{id}": {"get": {"operationId": "orders/get"}}, "/bills": path("bills")},
    });
    let imported = world.post(admin, "/apis/import?slug=shop&name=Shop", document).await;
    assert_eq!(imported.status, 201, "{imported:?}");
    for (slug, operation) in [("orders", "shop:orders/*"), ("bills", "shop:bills/*")] {
        let made = world.post(admin, "/api-sets", json!({"slug": slug, "name": slug, "operations": [operation]})).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    world.key(admin, "k", sets).await
}

/// Asks a door, and writes down what came of it as a server does.
async fn ask(world: &World, secret: &str, method: &str, target: &str, requires: &[&str]) -> Code {
    let presented = Presented::new().with_x_api_key(secret.as_bytes());
    let organization = organization(world).await;
    let question = Question {
        provider: Provider { organization },
        credentials: &presented,
        client_ip: None,
        request: Some(RequestLine { method, target, host: None, method_overrides: &[] }),
        pin: Some("shop"),
        requires,
        cost: 1,
        preflight: false,
        door: Door::Verify,
        agent: None,
        request_id: RequestId::from_raw(1),
    };
    let code = world.manage.engine.decide(&question).code;
    write(world).await;
    code
}

async fn organization(world: &World) -> claviger_domain::OrganizationId {
    let mut snapshot = world.manage.store.read().await.expect("a snapshot");
    claviger_store::organizations::default(&mut snapshot).await.expect("read").expect("there is one").id
}

async fn write(world: &World) {
    let store = &world.manage.store;
    let mut batch = world.manage.engine.drain_usage();
    batch.subjects.extend(subjects_of(store, &batch.keys).await.expect("read"));
    Writer::new(&*world.manage.random).record(store, &batch).await.expect("written");
    assert!(world.manage.engine.drain_usage() == UsageBatch::default(), "drained once");
}

fn numbers(value: &Value) -> Vec<u64> {
    value.as_array().expect("a list").iter().map(|number| number.as_u64().expect("a number")).collect()
}

/// The series of this id or name: its total.
fn total_of(usage: &Value, id: &str) -> Option<u64> {
    let series = usage["series"].as_array().expect("series").iter();
    series.clone().find(|series| series["id"] == id || series["name"] == id).and_then(|series| series["total"].as_u64())
}

#[tokio::test]
async fn requests_over_time_are_there_step_by_step_and_by_each_subject() {
    let (world, admin) = World::with_organization().await;
    let (id, secret) = with_api(&world, &admin, &["orders"]).await;
    for _ in 0..3 {
        assert_eq!(ask(&world, &secret, "GET", "/orders", &[]).await, Code::Valid);
    }
    world.clock.advance(Duration::from_hours(2));
    assert_eq!(ask(&world, &secret, "GET", "/bills", &[]).await, Code::OperationNotAllowed);
    assert_eq!(ask(&world, "nobody-knows-this-one-at-all", "GET", "/bills", &[]).await, Code::NotFound);
    write(&world).await;

    let usage = world.get(&admin, &format!("/keys/{id}/usage?from=2026-01-15T12:00:00Z&to=2026-01-15T15:00:00Z")).await;
    assert_eq!((usage.status.as_u16(), &usage.body["step"], &usage.body["total"]), (200, &json!("hour"), &json!(4)));
    assert_eq!(usage.body["steps"].as_array().map(Vec::len), Some(3));
    let counts = |code: &str| {
        let series = usage.body["series"].as_array().expect("series");
        numbers(&series.iter().find(|series| series["id"] == code).expect(code)["counts"])
    };
    assert_eq!((counts("VALID"), counts("OPERATION_NOT_ALLOWED")), (vec![3, 0, 0], vec![0, 0, 1]));

    let by = async |query: &str| {
        let reply = world.get(&admin, &format!("/usage?{query}")).await;
        assert_eq!(reply.status, 200, "{query}: {reply:?}");
        reply.body
    };
    assert_eq!(total_of(&by("").await, "NOT_FOUND"), Some(1), "those without a key too");
    assert_eq!(total_of(&by("by=key&code=VALID").await, &id), Some(3));
    assert_eq!(total_of(&by("by=key").await, "k"), Some(4), "by its name");
    assert_eq!(total_of(&by("by=api").await, "Shop"), Some(4));
    assert_eq!(total_of(&by("by=api&step=minute&api=shop").await, "Shop"), Some(4));
    assert_eq!(total_of(&by("by=set").await, "orders"), Some(4));
    assert_eq!(total_of(&by("by=code&set=orders").await, "VALID"), Some(3));
    assert_eq!(total_of(&by("by=code&step=day").await, "VALID").map(|it| it >= 3), Some(true));
    let owner = organization(&world).await;
    assert_eq!(total_of(&by(&format!("by=key&owner={owner}")).await, &id), Some(4));
    assert!(
        total_of(&by(&format!("by=owner&owner={owner}")).await, &owner.to_string()).is_some_and(|total| total >= 4)
    );
}

#[tokio::test]
async fn what_cannot_be_counted_is_refused_and_says_so() {
    let (world, admin) = World::with_organization().await;
    let (id, _) = with_api(&world, &admin, &["orders"]).await;
    for (query, field) in [
        ("from=2020-01-01&step=hour", "step"),
        ("step=minute", "step"),
        ("by=key&step=minute", "step"),
        ("by=key&top=0", "top"),
        ("by=key&top=101", "top"),
        ("from=2026-01-02&to=2026-01-01", "from"),
        ("from=soon", "from"),
        ("by=api&set=orders", "set"),
        ("api=shop&set=orders", "set"),
    ] {
        let problem = world.get(&admin, &format!("/usage?{query}")).await;
        assert_eq!(problem.problem(400, "invalid_request"), [field], "{query}");
    }
    for query in ["key=key_00000000000000000000000000", "api=nothing", "set=nothing", "owner=nobody"] {
        world.get(&admin, &format!("/usage?{query}")).await.problem(404, "not_found");
    }
    let minutes = world.get(&admin, &format!("/keys/{id}/usage?step=minute")).await;
    assert_eq!(minutes.problem(400, "invalid_request"), ["step"]);
}

#[tokio::test]
async fn usage_is_for_who_may_see_it_and_of_ones_own_organization() {
    let (world, admin) = World::with_organization().await;
    let (id, secret) = with_api(&world, &admin, &["orders"]).await;
    ask(&world, &secret, "GET", "/orders", &[]).await;
    let (_, reader) = world.key(&admin, "reader", &["claviger-keys-read"]).await;
    assert_eq!(world.get(&reader, &format!("/keys/{id}/usage")).await.status, 200);
    let other = world.another_organization("other", "eve@example.com").await;
    for path in [format!("/keys/{id}/usage"), format!("/keys/{id}/unused-rights"), format!("/usage?key={id}")] {
        world.get(&other, &path).await.problem(404, "not_found");
    }
    assert_eq!(total_of(&world.get(&other, "/usage?by=key").await.body, &id), None);
}

#[tokio::test]
async fn series_are_exported_as_the_other_lists_are() {
    let (world, admin) = World::with_organization().await;
    let (id, secret) = with_api(&world, &admin, &["orders"]).await;
    ask(&world, &secret, "GET", "/orders", &[]).await;
    world.patch(&admin, &format!("/keys/{id}"), json!({"name": "=1+1"})).await;
    let request = Request::get("/api/v1/usage?by=key&from=2026-01-15T12:00:00Z")
        .header(header::AUTHORIZATION, format!("Bearer {admin}"))
        .header(header::ACCEPT, "text/csv")
        .body(axum::body::Body::empty())
        .expect("a request");
    let csv = world.send(request).await;
    assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
    let text = csv.body.as_str().expect("text").to_owned();
    assert!(text.starts_with("\"id\",\"name\",\"at\",\"count\"\r\n"), "{text}");
    assert!(text.contains(&format!("\"{id}\",\"'=1+1\",\"2026-01-15T12:00:00Z\",\"1\"\r\n")), "{text}");
}

async fn unused(world: &World, admin: &str, id: &str, query: &str) -> Value {
    let reply = world.get(admin, &format!("/keys/{id}/unused-rights{query}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.body
}

fn slugs(unused: &Value) -> Vec<&str> {
    unused["sets"].as_array().expect("sets").iter().filter_map(|set| set["slug"].as_str()).collect()
}

#[tokio::test]
async fn c_20_least_privilege_rights_that_a_key_never_used_are_named() {
    let (world, admin) = World::with_organization().await;
    let (id, secret) = with_api(&world, &admin, &["orders", "bills"]).await;
    let before = unused(&world, &admin, &id, "").await;
    assert_eq!(slugs(&before), ["orders", "bills"]);
    assert_eq!((&before["operations_unused"], &before["operations_held"]), (&json!(5), &json!(5)));
    assert_eq!(before["since"], "2026-01-15T12:00:00Z", "it is no older");

    assert_eq!(ask(&world, &secret, "GET", "/orders/7", &[]).await, Code::Valid);
    assert_eq!(ask(&world, &secret, "DELETE", "/bills", &[]).await, Code::OperationNotAllowed, "no use");
    let after = unused(&world, &admin, &id, "").await;
    assert_eq!(slugs(&after), ["bills"]);
    let operations = ["shop:bills/create", "shop:bills/list", "shop:orders/create", "shop:orders/list"];
    assert_eq!(after["operations"], json!(operations));
    assert_eq!(after["complete"], true);

    // A set that a door required is used, whatever was asked for.
    assert_eq!(ask(&world, &secret, "GET", "/orders/7", &["bills"]).await, Code::Valid);
    assert_eq!(slugs(&unused(&world, &admin, &id, "").await), [""; 0]);
    // Long after, nothing of it counts any more.
    world.clock.advance(Duration::from_hours(24 * 10));
    assert_eq!(slugs(&unused(&world, &admin, &id, "?days=10").await), ["orders", "bills"]);
    assert_eq!(slugs(&unused(&world, &admin, &id, "?days=11").await), [""; 0]);
    assert_eq!(ask(&world, &secret, "GET", "/orders/7", &[]).await, Code::Valid);
    assert_eq!(slugs(&unused(&world, &admin, &id, "?days=1").await), ["bills"], "each day anew");
    for days in ["0", "1096", "x"] {
        world.get(&admin, &format!("/keys/{id}/unused-rights?days={days}")).await.problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_method_that_others_may_put_in_the_place_of_the_own_is_a_use_too() {
    let (world, admin) = World::with_organization().await;
    let (id, secret) = with_api(&world, &admin, &["orders"]).await;
    assert_eq!(ask(&world, &secret, "GET", "/orders?_method=POST", &[]).await, Code::Valid);
    assert_eq!(unused(&world, &admin, &id, "").await["operations"], json!(["shop:orders/get"]));
}
