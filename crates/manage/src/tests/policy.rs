//! The policy: what it may say, and that a stale edit does not overwrite.

use claviger_domain::audit::Chain;
use claviger_store::audit::Verified;
use http::Request;
use serde_json::{Value, json};

use crate::testing::{Reply, World};

/// What a new organization has.
fn defaults() -> Value {
    json!({
        "max_lifetime": {"user": {"years": 1}, "application": null, "organization": null},
        "idle_days": 90,
        "ip_list_required": false,
        "reveal": {"organization": "once", "application": "once"},
        "max_keys": {"user": null, "application": null, "organization": null},
        "unique_names": "owner",
        "status_profile": "default", "old_secret_use": "alert", "delegated_creation": false, "approval": [],
        "updated_at": null,
    })
}

async fn edit_of_version(world: &World, token: &str, version: &str, body: Value) -> Reply {
    let request = Request::builder().method("PATCH").uri("/api/v1/policy").header("if-match", version);
    let request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
    world.send(request.body(body.to_string().into()).expect("a request")).await
}

#[tokio::test]
async fn an_edit_merges_and_what_is_not_named_stays() {
    let (world, admin) = World::with_organization().await;
    let read = world.get(&admin, "/policy").await;
    assert_eq!((read.status.as_u16(), &read.body, read.header("etag")), (200, &defaults(), "\"1\""));
    let edit = json!({
        "max_lifetime": {"organization": {"days": 30}}, "idle_days": 0, "reveal": {"application": "recoverable"},
        "max_keys": {"user": 5}, "status_profile": "gotransverse", "old_secret_use": "disable", "ip_list_required": true,
        "unique_names": "organization", "delegated_creation": true,
    });
    let edited = world.patch(&admin, "/policy", edit).await;
    let expected = json!({
        "max_lifetime": {"user": {"years": 1}, "application": null, "organization": {"days": 30}},
        "idle_days": 0,
        "ip_list_required": true,
        "reveal": {"organization": "once", "application": "recoverable"},
        "max_keys": {"user": 5, "application": null, "organization": null},
        "unique_names": "organization",
        "status_profile": "gotransverse",
        "old_secret_use": "disable",
        "delegated_creation": true,
        "approval": [],
        "updated_at": "2026-01-15T12:00:00Z",
    });
    assert_eq!((edited.status.as_u16(), &edited.body, edited.header("etag")), (200, &expected, "\"2\""));
    assert!(!edited.header("x-claviger-change").is_empty());
    let cleared =
        world.patch(&admin, "/policy", json!({"max_lifetime": {"user": null}, "max_keys": {"user": null}})).await;
    assert_eq!(cleared.body["max_lifetime"], json!({"user": null, "application": null, "organization": {"days": 30}}));
    assert_eq!(world.get(&admin, "/policy").await.body, cleared.body);
    assert_eq!(world.get(&admin, "/organization").await.header("etag"), "\"1\"", "the organization itself is the same");
}

#[tokio::test]
async fn a_stale_edit_is_refused_and_one_without_effect_changes_nothing() {
    let (world, admin) = World::with_organization().await;
    assert_eq!(edit_of_version(&world, &admin, "\"1\"", json!({"idle_days": 7})).await.status, 200);
    edit_of_version(&world, &admin, "\"1\"", json!({"idle_days": 8})).await.problem(412, "stale");
    assert_eq!(world.get(&admin, "/policy").await.body["idle_days"], 7);
    let same = edit_of_version(&world, &admin, "\"2\"", json!({"idle_days": 7})).await;
    assert_eq!((same.status.as_u16(), same.header("etag"), same.header("x-claviger-change")), (200, "\"2\"", ""));
}

#[tokio::test]
async fn every_number_has_its_bounds() {
    let (world, admin) = World::with_organization().await;
    for (body, field) in [
        (json!({"idle_days": 3_651}), "idle_days"),
        (json!({"idle_days": -1}), "idle_days"),
        (json!({"idle_days": 1e30}), "idle_days"),
        (json!({"idle_days": null}), "idle_days"),
        (json!({"max_lifetime": {"user": {"years": 0}}}), "max_lifetime.user"),
        (json!({"max_lifetime": {"user": {"years": 101}}}), "max_lifetime.user"),
        (json!({"max_lifetime": {"organization": {"days": 36_501}}}), "max_lifetime.organization"),
        (json!({"max_lifetime": {"application": {"months": 4_294_967_295_u32}}}), "max_lifetime.application"),
        (json!({"max_lifetime": {"application": {"days": 4_294_967_296_u64}}}), "max_lifetime.application"),
        (json!({"max_lifetime": {"user": {"years": 1, "days": 1}}}), "max_lifetime.user"),
        (json!({"max_lifetime": {"user": {"weeks": 1}}}), "max_lifetime.user"),
        (json!({"max_lifetime": {"user": 1}}), "max_lifetime.user"),
        (json!({"max_lifetime": {"robot": {"years": 1}}}), "max_lifetime.robot"),
        (json!({"max_keys": {"organization": 1_000_001}}), "max_keys.organization"),
        (json!({"max_keys": {"organization": 1.5}}), "max_keys.organization"),
        (json!({"reveal": {"user": "recoverable"}}), "reveal.user"),
        (json!({"reveal": {"application": "always"}}), "reveal.application"),
        (json!({"status_profile": "teapot"}), "status_profile"),
        (json!({"unique_names": "nobody"}), "unique_names"),
        (json!({"unique_names": false}), "unique_names"),
        (json!({"name_unique": false}), "name_unique"),
    ] {
        let fields = world.patch(&admin, "/policy", body.clone()).await.problem(400, "invalid_request");
        let named = fields.first().is_some_and(|named| named.starts_with(field));
        assert!(named, "{body}: {fields:?}");
    }
    assert_eq!(world.get(&admin, "/policy").await.body, defaults());
}

#[tokio::test]
async fn an_edit_is_audited_once() {
    let (world, admin) = World::with_organization().await;
    let id = world.get(&admin, "/organization").await.text("id").parse().expect("an id");
    let entries = async || match world.manage.store.verify_audit(Chain::Organization(id)).await {
        Ok(Verified::Intact(head)) => head.seq,
        other => panic!("{other:?}"),
    };
    let before = entries().await;
    world.patch(&admin, "/policy", json!({"idle_days": 30})).await;
    world.patch(&admin, "/policy", json!({"idle_days": 30})).await;
    assert_eq!(entries().await, before + 1);
}
