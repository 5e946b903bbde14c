//! Manuals through the real router: kept with an import, by version, and read back.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::testing::{Reply, World};

/// A document whose one operation takes this payload.
fn document(base: &str, id: &str, member: &str) -> Value {
    let payload = json!({"type": "object", "properties": {member: {"type": "string"}}, "required": [member]});
    let operation = json!({
        "operationId": id, "summary": "Makes an order",
        "requestBody": {"required": true, "content": {"application/json": {"schema": payload}}},
        "responses": {"201": {"description": "Made"}},
    });
    let orders = json!({"post": operation, "get": {"operationId": "list", "responses": {}}});
    json!({"openapi": "3.1.0", "info": {"title": "Shop", "version": "1"}, "servers": [{"url": base}], "paths": {"/orders/{id}": orders}})
}

async fn import(world: &World, token: &str, query: &str, document: &Value) -> Reply {
    let request = Request::builder().method("POST").uri(format!("/api/v1/apis/import{query}"));
    let request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
    world.send(request.body(Body::from(document.to_string())).expect("a request")).await
}

/// The names of the payload's members.
fn members(manual: &Reply) -> Vec<String> {
    let fields = &manual.body["manual"]["request_body"]["content"][0]["schema"]["fields"];
    fields.as_array().into_iter().flatten().map(|field| field["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn an_import_brings_the_manual_and_the_next_one_replaces_it() {
    let (world, token) = World::with_organization().await;
    let first = document("https://shop.example.com", "create", "article");
    assert_eq!(import(&world, &token, "?slug=shop&dry_run=true", &first).await.status, 200);
    assert_eq!(import(&world, &token, "?slug=shop", &first).await.status, 201);
    let manual = world.get(&token, "/apis/shop/manual?operation=create").await;
    assert_eq!(members(&manual), ["article"]);
    assert_eq!(manual.body["operation"]["name"], "shop:create");
    assert_eq!(manual.body["manual"]["request_body"]["required"], true);
    assert_eq!(manual.body["manual"]["responses"], json!([{"status": "201", "description": "Made"}]));
    assert_eq!((&manual.body["version"], &manual.body["versions"]), (&Value::Null, &json!([])));
    assert_eq!(world.get(&token, "/apis/shop/manual?operation=shop:create").await.body, manual.body);
    let again = import(&world, &token, "?slug=shop", &first).await;
    assert_eq!(again.header("x-claviger-change"), "", "nothing changed");

    // Another payload alone is a change; another name of the operation is none of its manual.
    let second = document("https://shop.example.com", "create", "sku");
    assert_ne!(import(&world, &token, "?slug=shop", &second).await.header("x-claviger-change"), "");
    assert_eq!(members(&world.get(&token, "/apis/shop/manual?operation=create").await), ["sku"]);
    let renamed = json!({"operations": [{"name": "make", "method": "POST", "path": "/orders/{order}"}]});
    assert_eq!(world.call("PATCH", &token, "/apis/shop", Some(renamed)).await.status, 200);
    assert_eq!(members(&world.get(&token, "/apis/shop/manual?operation=make").await), ["sku"]);
    let moved = json!({"operations": [{"name": "make", "method": "POST", "path": "/bills/{order}"}]});
    assert_eq!(world.call("PATCH", &token, "/apis/shop", Some(moved)).await.status, 200);
    assert_eq!(world.get(&token, "/apis/shop/manual?operation=make").await.body["manual"], Value::Null);
    let back = json!({"operations": [{"name": "make", "method": "POST", "path": "/orders/{order}"}]});
    assert_eq!(world.call("PATCH", &token, "/apis/shop", Some(back)).await.status, 200);
    let forgotten = world.get(&token, "/apis/shop/manual?operation=make").await;
    assert_eq!(forgotten.body["manual"], Value::Null, "what no operation has is not kept");
}

#[tokio::test]
async fn each_version_has_its_own_manual() {
    let (world, token) = World::with_organization().await;
    let of = |base: &str, member: &str| document(&format!("https://shop.example.com{base}"), "create", member);
    assert_eq!(import(&world, &token, "?slug=shop", &of("/v1", "article")).await.status, 201);
    assert_eq!(import(&world, &token, "?slug=shop&version=v2", &of("/v2", "sku")).await.status, 200);
    let manual = async |query: &str| world.get(&token, &format!("/apis/shop/manual?operation=create{query}")).await;
    let newest = manual("").await;
    assert_eq!((members(&newest), &newest.body["version"]), (vec!["sku".to_owned()], &json!("v2")));
    assert_eq!(newest.body["versions"], json!(["v1", "v2"]));
    assert_eq!(members(&manual("&version=V1").await), ["article"]);
    assert_eq!(manual("&version=v3").await.status, 404);
    // One version is imported again: the other stays.
    assert_eq!(import(&world, &token, "?slug=shop", &of("/v1", "item")).await.status, 200);
    assert_eq!(members(&manual("&version=v1").await), ["item"]);
    assert_eq!(members(&manual("&version=v2").await), ["sku"]);
    // A version that is retired takes its manual along.
    let retired = json!({"versions": ["v2"]});
    assert_eq!(world.call("PATCH", &token, "/apis/shop", Some(retired)).await.status, 200);
    assert_eq!(manual("&version=v1").await.status, 404);
    assert_eq!(members(&manual("").await), ["sku"]);
}

#[tokio::test]
async fn an_api_that_had_no_versions_keeps_its_manual_when_it_gets_some() {
    let (world, token) = World::with_organization().await;
    assert_eq!(
        import(&world, &token, "?slug=shop", &document("https://s.example", "create", "article")).await.status,
        201
    );
    let second = document("https://s.example/v2", "create", "sku");
    assert_eq!(import(&world, &token, "?slug=shop&version=v2", &second).await.status, 200);
    let manual =
        async |version: &str| world.get(&token, &format!("/apis/shop/manual?operation=create&version={version}")).await;
    assert_eq!(members(&manual("none").await), ["article"]);
    assert_eq!(members(&manual("v2").await), ["sku"]);
}

#[tokio::test]
async fn paths_that_carry_their_versions_have_a_manual_for_each() {
    let (world, token) = World::with_organization().await;
    let operation = |id: &str| json!({"post": {"operationId": id, "description": id}});
    let paths = json!({"/v1/event": operation("createEventV1"), "/v2/event": operation("createEventV2"), "/ping": operation("ping")});
    let document = json!({"openapi": "3.1.0", "info": {"title": "Events", "version": "1"}, "paths": paths});
    assert_eq!(import(&world, &token, "?slug=events", &document).await.status, 201);
    let description = async |query: &str| {
        world.get(&token, &format!("/apis/events/manual?operation={query}")).await.body["manual"]["description"].clone()
    };
    assert_eq!(description("createEvent&version=v1").await, "createEventV1");
    assert_eq!(description("createEvent&version=v2").await, "createEventV2");
    assert_eq!(description("ping").await, "ping");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (world, token) = World::with_organization().await;
    import(&world, &token, "?slug=shop", &document("https://s.example", "create", "article")).await;
    for path in [
        "/apis/none/manual?operation=create",
        "/apis/shop/manual?operation=none",
        "/apis/shop/manual?operation=other:create",
    ] {
        assert_eq!(world.get(&token, path).await.status, 404, "{path}");
    }
    assert_eq!(world.get(&token, "/apis/shop/manual").await.status, 400);
    assert_eq!(world.get(&token, "/apis/shop/manual?operation=create&version=v1").await.status, 404);
}
