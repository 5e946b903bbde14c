//! Recoverable keys: revealed, rotated, and made `once` for good.

use serde_json::{Value, json};

use crate::testing::World;

async fn policy(world: &World, admin: &str, organization: &str) {
    let changed = world.patch(admin, "/policy", json!({"reveal": {"organization": organization}})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
}

async fn make(world: &World, admin: &str, body: Value) -> (String, String) {
    let made = world.post(admin, "/keys", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let secret = made.body["secret"].as_str().unwrap_or_default().to_owned();
    (made.body["key"]["id"].as_str().expect("an id").to_owned(), secret)
}

async fn mode(world: &World, admin: &str, id: &str) -> String {
    world.get(admin, &format!("/keys/{id}")).await.text("reveal")
}

#[tokio::test]
async fn the_mode_is_fixed_when_the_key_is_made() {
    let (world, admin) = World::with_organization().await;
    let (before, _) = make(&world, &admin, json!({"name": "before", "api_sets": []})).await;
    policy(&world, &admin, "recoverable").await;
    let (id, secret) = make(&world, &admin, json!({"name": "k", "api_sets": []})).await;
    assert_eq!(
        (mode(&world, &admin, &id).await, mode(&world, &admin, &before).await),
        ("recoverable".into(), "once".into())
    );
    let shown = world.call("POST", &admin, &format!("/keys/{id}/reveal"), None).await;
    assert_eq!((shown.status.as_u16(), shown.text("secret"), shown.header("cache-control")), (200, secret, "no-store"));
    world.call("POST", &admin, &format!("/keys/{before}/reveal"), None).await.problem(409, "conflict");
}

#[tokio::test]
async fn a_rotation_seals_the_new_secret() {
    let (world, admin) = World::with_organization().await;
    policy(&world, &admin, "recoverable").await;
    let (id, first) = make(&world, &admin, json!({"name": "k", "api_sets": []})).await;
    let rotated = world.post(&admin, &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 60})).await;
    let shown = world.call("POST", &admin, &format!("/keys/{id}/reveal"), None).await;
    assert!(shown.text("secret") == rotated.text("secret") && shown.text("secret") != first, "{shown:?}");
}

#[tokio::test]
async fn pairs_and_hashed_imports_are_once_whatever_the_policy_says() {
    let (world, admin) = World::with_organization().await;
    policy(&world, &admin, "recoverable").await;
    let pair = json!({"name": "pair", "api_sets": [], "shape": "pair"});
    let hashed = json!({"name": "hashed", "api_sets": [], "import": {"sha256": "ab".repeat(32)}});
    for body in [pair, hashed] {
        let (id, _) = make(&world, &admin, body).await;
        assert_eq!(mode(&world, &admin, &id).await, "once");
        world.call("POST", &admin, &format!("/keys/{id}/reveal"), None).await.problem(409, "conflict");
    }
    let value = "sk-0123456789abcdefghij";
    let (id, _) = make(&world, &admin, json!({"name": "v", "api_sets": [], "import": {"value": value}})).await;
    let shown = world.call("POST", &admin, &format!("/keys/{id}/reveal"), None).await;
    assert_eq!((shown.status.as_u16(), shown.text("secret").as_str()), (200, value));
}

#[tokio::test]
async fn switching_to_once_destroys_the_copies_for_good() {
    let (world, admin) = World::with_organization().await;
    policy(&world, &admin, "recoverable").await;
    let kind = json!({"name": "Partner", "sign_in": "key_only", "api_sets": []});
    world.post(&admin, "/application-types", kind).await;
    let both = json!({"reveal": {"application": "recoverable"}});
    assert_eq!(world.patch(&admin, "/policy", both).await.status, 200);
    let owned = world.post(&admin, "/applications", json!({"name": "Portal", "type": "partner"})).await;
    let owned = owned.body["key"]["id"].as_str().expect("an id").to_owned();
    let (id, secret) = make(&world, &admin, json!({"name": "k", "api_sets": ["claviger-keys-read"]})).await;
    policy(&world, &admin, "once").await;
    assert_eq!(
        (mode(&world, &admin, &id).await, mode(&world, &admin, &owned).await),
        ("once".into(), "recoverable".into())
    );
    world.call("POST", &admin, &format!("/keys/{id}/reveal"), None).await.problem(409, "conflict");
    policy(&world, &admin, "recoverable").await;
    assert_eq!(mode(&world, &admin, &id).await, "once", "it cannot be undone");
    world.call("POST", &admin, &format!("/keys/{id}/reveal"), None).await.problem(409, "conflict");
    world.post(&admin, &format!("/keys/{id}/rotate"), json!({"overlap_seconds": 60})).await;
    assert_eq!(mode(&world, &admin, &id).await, "once", "a rotation does not bring it back");
    assert_eq!(world.get(&secret, "/keys").await.status, 200, "the key itself is untouched");
}

#[tokio::test]
async fn who_may_not_reveal_is_refused_before_anything_is_told() {
    let (world, admin) = World::with_organization().await;
    policy(&world, &admin, "recoverable").await;
    let (id, _) = make(&world, &admin, json!({"name": "k", "api_sets": []})).await;
    let (_, writer) = world.key(&admin, "writer", &["claviger-keys-write"]).await;
    world.call("POST", &writer, &format!("/keys/{id}/reveal"), None).await.problem(403, "forbidden");
    world.call("DELETE", &admin, &format!("/keys/{id}"), None).await;
    world.call("POST", &admin, &format!("/keys/{id}/reveal"), None).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_preview_says_how_many_copies_a_change_to_once_destroys() {
    let (world, admin) = World::with_organization().await;
    policy(&world, &admin, "recoverable").await;
    for name in ["a", "b", "gone"] {
        let (id, _) = make(&world, &admin, json!({"name": name, "api_sets": []})).await;
        if name == "gone" {
            world.call("DELETE", &admin, &format!("/keys/{id}"), None).await;
        }
    }
    let destroyed = async |reveal: Value| {
        let preview = world.patch(&admin, "/policy?dry_run=true", json!({"reveal": reveal})).await;
        assert_eq!(preview.status, 200, "{preview:?}");
        preview.body["affected"]["copies_destroyed"].clone()
    };
    assert_eq!(destroyed(json!({"organization": "once"})).await, 2, "a deleted key has none any more");
    assert_eq!(destroyed(json!({"application": "once", "organization": "recoverable"})).await, 0);
    assert_eq!(destroyed(json!({"organization": "once"})).await, 2, "the preview destroyed none");
    policy(&world, &admin, "once").await;
    assert_eq!(destroyed(json!({"organization": "once"})).await, 0, "there is nothing left");
}
