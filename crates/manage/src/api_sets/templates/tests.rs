//! Templates: the data, and applying it through the real router.

use std::collections::BTreeSet;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Reply, World};

const MAIL: &[u8] = include_bytes!("../../../../../e2e/data/openapi/yespo-like.yaml");

fn matcher(text: &str) -> OperationMatcher {
    serde_json::from_value(json!(text)).expect("a matcher")
}

fn means(text: &str, base_path: &str, method: &str, template: &str) -> bool {
    let operation = claviger_domain::operation::Operation {
        name: "x".into(),
        method: method.into(),
        template: template.into(),
        multi_segment: vec![],
        summary: "".into(),
        tags: vec!["Revenue management".into()],
        versions: vec![],
    };
    matcher(text).matches(&operation, base_path)
}

#[test]
fn a_path_of_a_template_means_operations() {
    for (text, template, expected) in [
        ("GET /contact/{}", "/contact/{contactId}", true),
        ("GET /contact/{}", "/contact/email", false),
        ("GET /contact/{}", "/contact/{a}/{b}", false),
        ("GET /contact/{}", "/contact/{a}-{b}", false),
        ("GET /contacts", "/Contacts/", true),
        ("POST /contacts", "/contacts", false),
        ("* /contacts", "/contacts", true),
        ("GET /broadcast/**", "/broadcast", true),
        ("GET /broadcast/**", "/broadcast/{id}/stop", true),
        ("GET /broadcast/**", "/broadcasts", false),
        ("GET /messages/email/**/viewLink", "/messages/email/{id}/{language}/viewLink", true),
        ("GET /messages/email/**/viewLink", "/messages/email/{id}", false),
        ("GET /c/*/Record", "/c/{module}/Record", true),
        ("GET /c/*/Record", "/c/Accounts/Record", true),
        ("GET /c/*/Record", "/c/Record", false),
        ("tag:Revenue Management", "/whatever", true),
        ("tag:Revenue", "/whatever", false),
    ] {
        assert_eq!(means(text, "", "GET", template), expected, "{text} {template}");
    }
    assert!(means("GET /c/Files", "/webservice", "GET", "/webservice/c/Files"));
    assert!(means("GET /c/Files", "/webservice", "GET", "/c/Files"), "where the base path has it");
    assert!(!means("GET /c/Files", "/webservice", "GET", "/other/c/Files"));
}

#[test]
fn the_data_is_whole() {
    let slugs: Vec<_> = TEMPLATES.iter().map(|template| template.slug.as_str()).collect();
    assert_eq!(slugs, ["yespo", "gotransverse", "cerrix", "yetiforce"]);
    for template in &*TEMPLATES {
        let used: BTreeSet<_> = template.sets.iter().flat_map(|set| &set.groups).collect();
        assert_eq!(used, template.groups.keys().collect(), "each group is in a set, and each of a set is there");
        for set in &template.sets {
            assert!(set.slug.parse::<claviger_domain::name::Slug>().is_ok() && !set.name.is_empty());
            assert_eq!(set.kind != ApiSetKind::Full, template.matchers(set).next().is_some());
        }
    }
    let sets = |slug: &str| find(slug).expect("there").sets.len();
    assert_eq!((sets("yespo"), sets("gotransverse"), sets("cerrix"), sets("yetiforce")), (6, 9, 12, 6));
}

async fn import(world: &World, token: &str, slug: &str, document: Vec<u8>) {
    let request = Request::builder().method("POST").uri(format!("/api/v1/apis/import?slug={slug}&name=Mail"));
    let request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/yaml");
    let made = world.send(request.body(Body::from(document)).expect("a request")).await;
    assert_eq!(made.status, 201, "{made:?}");
}

async fn apply(world: &World, token: &str, path: &str, body: Value) -> Reply {
    world.post(token, &format!("/api-sets/templates/{path}"), body).await
}

fn states(applied: &Reply) -> Vec<String> {
    let sets = applied.body["sets"].as_array().expect("a list");
    sets.iter()
        .map(|set| format!("{} {}", set["slug"].as_str().expect("a slug"), set["state"].as_str().expect("a state")))
        .collect()
}

#[tokio::test]
async fn a_template_is_applied_previewed_and_again_without_a_change() {
    let (world, token) = World::with_organization().await;
    import(&world, &token, "mail", MAIL.to_vec()).await;
    let listed = world.get(&token, "/api-sets/templates").await;
    assert_eq!(listed.body["data"][0]["sets"][2]["slug"], "events");

    let preview = apply(&world, &token, "yespo?dry_run=true", json!({"api": "mail"})).await;
    let made = [
        "mail-general changed",
        "full-access unchanged",
        "mail-events made",
        "mail-events-and-contacts made",
        "mail-events-and-contacts-update made",
        "mail-messages made",
    ];
    assert_eq!(states(&preview), made, "{preview:?}");
    assert_eq!((&preview.body["sets"][2]["id"], preview.header("x-claviger-change")), (&Value::Null, ""));
    world.get(&token, "/api-sets/mail-events").await.problem(404, "not_found");

    let done = apply(&world, &token, "yespo", json!({"api": "mail"})).await;
    assert_eq!(states(&done), made);
    assert_eq!(
        done.body["sets"][2]["added"],
        json!(["mail:createEvent", "mail:addPastEvents", "mail:deletePastEvents"])
    );
    for set in done.body["sets"].as_array().expect("a list") {
        assert_eq!(set["unmatched"], json!([]), "the document has all of it: {set}");
    }
    let events = world.get(&token, "/api-sets/mail-events").await;
    assert_eq!(
        (&events.body["template"], &events.body["name"]),
        (&json!("yespo/events"), &json!("Mail: Access to events"))
    );
    assert!(
        world.get(&token, "/api-sets/mail-general").await.body["operations"].as_array().expect("a list").len() > 15
    );

    let again = apply(&world, &token, "yespo", json!({"api": "mail"})).await;
    assert!(states(&again).iter().all(|state| state.ends_with(" unchanged")), "{again:?}");
    assert_eq!(again.header("x-claviger-change"), "");
    // What an administrator added stays, what was taken away comes back.
    world.patch(&token, "/api-sets/mail-events", json!({"operations": ["mail:getVersion", "mail:createEvent"]})).await;
    let more = apply(&world, &token, "yespo", json!({"api": "mail"})).await;
    assert_eq!(more.body["sets"][2]["added"], json!(["mail:addPastEvents", "mail:deletePastEvents"]));
    assert_eq!(more.body["sets"][2]["operations_count"], 4);
}

#[tokio::test]
async fn what_matches_nothing_is_said_and_not_made() {
    let (world, token) = World::with_organization().await;
    let document = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /v1/event: {post: {operationId: e}}\n";
    import(&world, &token, "small", document.into()).await;
    let done = apply(&world, &token, "yespo", json!({"api": "small"})).await;
    assert_eq!(
        states(&done)[2..],
        [
            "small-events made",
            "small-events-and-contacts made",
            "small-events-and-contacts-update made",
            "small-messages empty"
        ]
    );
    assert_eq!(done.body["sets"][2]["unmatched"], json!(["POST /past_events", "DELETE /past_events"]));
    assert_eq!(done.body["sets"][5]["id"], Value::Null);
    world.get(&token, "/api-sets/small-messages").await.problem(404, "not_found");
}

#[tokio::test]
async fn services_and_groups_go_by_tag_or_path() {
    let (world, token) = World::with_organization().await;
    let document = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /v1/invoices: {get: {operationId: listInvoices, tags: [billing]}}\n  /v2/dunning/runs: {get: {operationId: listRuns}}\n  /v2/dunning/runs/{id}: {get: {operationId: getRun}}\n  /v1/other: {get: {operationId: other}}\n";
    import(&world, &token, "gt", document.into()).await;
    let done = apply(&world, &token, "gotransverse", json!({"api": "gt", "prefix": "gotransverse"})).await;
    assert_eq!(
        states(&done)[..3],
        ["gotransverse-billing made", "gotransverse-dunning made", "gotransverse-revenue-management empty"]
    );
    assert_eq!(done.body["sets"][1]["added"], json!(["gt:listRuns", "gt:getRun"]));
    assert_eq!(
        done.body["sets"][2]["unmatched"],
        json!(["tag:Revenue Management or * /revenue-management/** or * /revenuemanagement/**"])
    );
    let api = json!({"name": "W", "slug": "w", "base_paths": ["/webservice"], "operations": [
        {"name": "login", "method": "POST", "path": "/WebserviceStandard/Users/Login"},
        {"name": "record", "method": "GET", "path": "/WebserviceStandard/{module}/Record/{id}"},
        {"name": "dashboard", "method": "GET", "path": "/WebservicePremium/{module}/Dashboard"},
        {"name": "sms", "method": "POST", "path": "/SMS/Reception"},
        {"name": "token", "method": "GET", "path": "/Token/{token}"},
    ]});
    world.post(&token, "/apis", api).await;
    let done = apply(&world, &token, "yetiforce", json!({"api": "w"})).await;
    assert_eq!(
        states(&done),
        ["w-standard made", "w-premium made", "w-consents empty", "w-sms made", "w-pbx empty", "w-token made"]
    );
    assert_eq!(done.body["sets"][0]["added"], json!(["w:record", "w:login"]));
    assert_eq!(done.body["sets"][1]["added"], json!(["w:dashboard"]));
}

#[tokio::test]
async fn a_template_or_api_that_is_not_there_is_said_so() {
    let (world, token) = World::with_organization().await;
    apply(&world, &token, "none", json!({"api": "default"})).await.problem(404, "not_found");
    assert_eq!(apply(&world, &token, "yespo", json!({"api": "none"})).await.problem(404, "not_found"), ["api"]);
    assert_eq!(apply(&world, &token, "yespo", json!({})).await.problem(400, "invalid_request"), ["api"]);
    assert_eq!(
        apply(&world, &token, "yespo?dry_run=yes", json!({"api": "default"})).await.problem(400, "invalid_request"),
        ["dry_run"]
    );
    let reserved = json!({"api": "default", "prefix": "claviger"});
    assert_eq!(apply(&world, &token, "yespo", reserved).await.problem(400, "invalid_request"), ["prefix"]);
    world.post(&token, "/api-sets", json!({"name": "Mine", "slug": "default-events"})).await;
    let refused = apply(&world, &token, "yespo", json!({"api": "default"})).await;
    assert_eq!(refused.problem(409, "name_taken"), ["prefix"]);
    let (_, viewer) = world.key(&token, "viewer", &["claviger-keys-read"]).await;
    apply(&world, &viewer, "yespo", json!({"api": "default"})).await.problem(403, "forbidden");
    assert_eq!(world.get(&viewer, "/api-sets/templates").await.status, 200);
}
