//! Limits on keys, applications and API sets.

use serde_json::{Value, json};

use crate::testing::World;

fn minute(limit: u64) -> Value {
    json!({"name": "minute", "kind": "rate", "limit": limit, "window_seconds": 60})
}

fn shown(limit: u64, scope: &str) -> Value {
    json!({"name": "minute", "kind": "rate", "limit": limit, "window_seconds": 60, "burst": limit, "cost": 1,
           "scope": scope})
}

#[tokio::test]
async fn limits_are_set_changed_taken_away_and_audited_on_each_kind_of_record() {
    let (world, admin) = World::with_organization().await;
    let kind = json!({"name": "Partner", "sign_in": "key_only", "api_sets": []});
    assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
    let application = json!({"name": "Portal", "type": "partner", "limits": [minute(5)]});
    let application = world.post(&admin, "/applications", application).await;
    let set = world.post(&admin, "/api-sets", json!({"name": "Orders", "limits": [minute(5)]})).await;
    let key = json!({"name": "k", "api_sets": [], "limits": [minute(5)]});
    let key = world.post(&admin, "/keys", key).await;
    for (made, path, scope) in [
        (&application.body["application"], "/applications/portal".to_owned(), "owner"),
        (&set.body, "/api-sets/orders".to_owned(), "set"),
        (&key.body["key"], format!("/keys/{}", key.body["key"]["id"].as_str().expect("an id")), "key"),
    ] {
        assert_eq!(made["limits"], json!([shown(5, scope)]), "{path}: {made}");
        assert_eq!(world.get(&admin, &path).await.body["limits"], json!([shown(5, scope)]), "{path}");
        let quota = json!({"name": "credits", "kind": "quota", "limit": 9, "period": "total",
                           "refill": {"amount": 2, "every": "month"}, "cost": 3, "scope": "external_id"});
        let edited = world.patch(&admin, &path, json!({"limits": [minute(6), quota]})).await;
        assert_eq!(edited.body["limits"], json!([shown(6, scope), quota]), "{path}: {edited:?}");
        let same = world.patch(&admin, &path, json!({"limits": [minute(6), quota]})).await;
        assert_eq!((same.status.as_u16(), same.header("x-claviger-change")), (200, ""), "nothing changed");
        let refused = world.patch(&admin, &path, json!({"limits": [minute(6), minute(7)]})).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["limits[1].name"], "{path}");
        assert_eq!(world.patch(&admin, &path, json!({"limits": null})).await.body["limits"], json!([]), "{path}");
        let id = made["id"].as_str().expect("an id");
        let audit = world.get(&admin, &format!("/audit?object={id}")).await;
        let entries = audit.body["data"].as_array().expect("rows");
        assert_eq!(entries[0]["after"]["limits"], json!([]), "{path}: {}", entries[0]);
        assert_eq!(entries[1]["before"]["limits"], json!([shown(5, scope)]), "{path}: {}", entries[1]);
    }
}

#[tokio::test]
async fn a_persons_key_has_no_larger_rate_than_their_roles_grant() {
    let (world, admin) = World::with_organization().await;
    let desk = json!({"name": "Desk", "authorities": ["keys.manage_own"], "levels": {"max_rate": 100}});
    assert_eq!(world.post(&admin, "/roles", desk).await.status, 201);
    let (_, bob) = world.user_with_key(&admin, "bob", &["desk"], &["claviger-own-keys"]).await;
    let create = async |name: &str, limits: Value| {
        world.post(&bob, "/me/keys", json!({"name": name, "api_sets": [], "limits": limits})).await
    };
    let more = create("more", json!([minute(101)])).await;
    assert_eq!(more.problem(400, "invalid_request"), ["limits[0].limit"]);
    let made = create("as much", json!([minute(100)])).await;
    assert_eq!(made.body["key"]["limits"], json!([shown(100, "key")]), "{made:?}");
    let path = format!("/keys/{}", made.body["key"]["id"].as_str().expect("an id"));
    let without = world.patch(&bob, &path, json!({"limits": null})).await;
    assert_eq!(
        (&without.body["limits"][0]["name"], &without.body["limits"][0]["limit"]),
        (&json!("level"), &json!(100))
    );
    let more = world.patch(&bob, &path, json!({"limits": [minute(200)]})).await;
    assert_eq!(more.problem(400, "invalid_request"), ["limits[0].limit"]);
    let free = create("nothing said", json!([])).await;
    assert_eq!(free.body["key"]["limits"][0]["limit"], json!(100), "{free:?}");
    let unbounded = json!({"name": "of the organization", "api_sets": [], "limits": [minute(1_000_000)]});
    assert_eq!(world.post(&admin, "/keys", unbounded).await.status, 201, "who has no level");
}

#[tokio::test]
async fn the_limits_of_a_shared_right_are_changed_by_those_alone_who_may_give_any_set() {
    let (world, admin) = World::with_organization().await;
    assert_eq!(world.post(&admin, "/api-sets", json!({"name": "Orders", "limits": [minute(5)]})).await.status, 201);
    let levels = json!({"api_sets": ["orders", "claviger-admin"]});
    let desk =
        json!({"name": "Desk", "authorities": ["keys.manage_own", "apis.read", "apis.manage"], "levels": levels});
    let made = world.post(&admin, "/roles", desk).await;
    assert_eq!(made.status, 201, "{made:?}");
    let (_, bob) = world.user_with_key(&admin, "bob", &["desk"], &["claviger-admin"]).await;
    world.patch(&bob, "/api-sets/orders", json!({"limits": []})).await.problem(403, "forbidden");
    world.patch(&admin, "/api-sets/full-access", json!({"limits": [minute(5)]})).await.problem(409, "conflict");
    let general = world.patch(&admin, "/api-sets/default-general", json!({"limits": [minute(5)]})).await;
    assert_eq!(general.body["limits"], json!([shown(5, "set")]), "{general:?}");
}
