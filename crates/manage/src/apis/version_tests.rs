//! Versions of APIs through the real router.

use serde_json::{Value, json};

use crate::testing::World;

/// An API with three versions, `v1` to `v3`, made by hand.
fn events_api() -> Value {
    json!({
        "name": "Events", "slug": "events-api", "version_pattern": "v#", "versions": ["v1", "v2", "v3"],
        "operations": [
            {"name": "createEvent", "method": "POST", "path": "/event"},
            {"name": "pastEvents", "method": "GET", "path": "/events", "versions": ["v1"]},
            {"name": "pastEvents", "method": "GET", "path": "/past_events", "versions": ["v2", "V03"]},
        ],
    })
}

#[tokio::test]
async fn an_api_lists_versions_and_sets_and_keys_name_them() {
    let (world, token) = World::with_organization().await;
    let made = world.post(&token, "/apis", events_api()).await;
    assert_eq!((made.status.as_u16(), &made.body["versions"]), (201, &json!(["v1", "v2", "v3"])), "{made:?}");
    let operations = world.get(&token, "/apis/events-api/operations").await;
    assert_eq!(operations.body["data"][0]["versions"], json!([]));
    assert_eq!(operations.body["data"][2]["versions"], json!(["v2", "v3"]), "spelled as the API lists it");

    let named = json!(["events-api:createEvent", "!events-api:createEvent@v3", "events-api:past*@v1"]);
    let set = world.post(&token, "/api-sets", json!({"name": "S", "operations": named})).await;
    assert_eq!((set.status.as_u16(), &set.body["operations"]), (201, &named), "{set:?}");
    let key = world.post(&token, "/keys", json!({"name": "k", "operations": named})).await;
    assert_eq!((key.status.as_u16(), &key.body["key"]["operations"]), (201, &named), "{key:?}");
    for (path, body) in [("/api-sets", json!({"name": "x"})), ("/keys", json!({"name": "x"}))] {
        for (name, status, code) in [
            ("events-api:createEvent@v4", 404, "not_found"),
            ("!events-api:createEvent@v4", 404, "not_found"),
            ("!events-api:nothing@v3", 404, "not_found"),
            ("events-api:pastEvents@none", 404, "not_found"),
            ("!other:createEvent", 404, "not_found"),
            ("events-api:!createEvent", 400, "invalid_request"),
            ("!!events-api:createEvent", 404, "not_found"),
            ("events-api:createEvent@", 400, "invalid_request"),
            ("events-api:createEvent@v3/x", 400, "invalid_request"),
        ] {
            let mut body = body.clone();
            body["operations"] = json!(["events-api:createEvent", name]);
            assert_eq!(world.post(&token, path, body).await.problem(status, code), ["operations[1]"], "{path} {name}");
        }
    }
    let many: Vec<_> = (0..201).map(|_| "!events-api:createEvent@v3").collect();
    let many = world.post(&token, "/api-sets", json!({"name": "x", "operations": many})).await;
    assert_eq!(many.problem(400, "invalid_request"), ["operations"]);
}

#[tokio::test]
async fn a_version_that_is_listed_no_more_takes_what_only_it_had() {
    let (world, token) = World::with_organization().await;
    let mut api = events_api();
    api["base_paths"] = json!(["/v1", "/v2", "/v3"]);
    assert_eq!(world.post(&token, "/apis", api).await.status, 201);
    let left = world.patch(&token, "/apis/events-api", json!({"versions": ["v2", "v3"]})).await;
    assert_eq!(left.body["base_paths"], json!(["/v2", "/v3"]));
    let operations = world.get(&token, "/apis/events-api/operations").await;
    let paths: Vec<_> =
        operations.body["data"].as_array().expect("a list").iter().map(|row| row["path"].clone()).collect();
    assert_eq!(paths, ["/event", "/past_events"]);
}

#[tokio::test]
async fn absurd_versions_are_refused_with_their_fields() {
    let (world, token) = World::with_organization().await;
    for (edit, field) in [
        (json!({"version_pattern": "v"}), "version_pattern"),
        (json!({"version_pattern": "../#"}), "version_pattern"),
        (json!({"version_pattern": "#".repeat(33)}), "version_pattern"),
        (json!({"version_pattern": null}), "versions[0]"),
        (json!({"versions": ["v1", "three"]}), "versions[1]"),
        (json!({"versions": ["v1", "V01"]}), "versions[1]"),
        (json!({"versions": [format!("v{}", "1".repeat(10_000))]}), "versions[0]"),
        (json!({"versions": ["v1/../v2"]}), "versions[0]"),
        (json!({"versions": ["v１"]}), "versions[0]"),
        (json!({"versions": (1..=61).map(|number| format!("v{number}")).collect::<Vec<_>>()}), "versions"),
        (json!({"operations": [{"method": "GET", "path": "/", "versions": ["v9"]}]}), "operations[0].versions[0]"),
        (
            json!({"operations": [{"name": "a", "method": "GET", "path": "/"}, {"name": "a", "method": "GET", "path": "/b", "versions": ["v1"]}]}),
            "operations[1].name",
        ),
    ] {
        let (world, token) = (&world, &token);
        if world.get(token, "/apis/events-api").await.status == 404 {
            world.post(token, "/apis", events_api()).await;
        }
        let refused = world.patch(token, "/apis/events-api", edit.clone()).await;
        assert_eq!(refused.problem(400, "invalid_request")[0], field, "{edit}");
    }
}
