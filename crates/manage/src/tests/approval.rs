//! Keys that a second person has to approve.

use axum::body::Body;
use claviger_domain::Clock as _;
use http::Request;
use serde_json::{Value, json};

use crate::testing::{OPERATOR, Reply, World};

/// An organization with the sets `refunds` (on the policy's list) and `orders`, and keys of the administrators bob and eve.
struct Office {
    world: World,
    /// An organization's key.
    admin: String,
    bob_id: String,
    bob: String,
    eve: String,
}

// === impl Office ===

impl Office {
    async fn new() -> Self {
        let (world, admin) = World::with_organization().await;
        let (bob_id, bob) = world.user_with_key(&admin, "bob", &["admin"], &["claviger-admin"]).await;
        let (_, eve) = world.user_with_key(&admin, "eve", &["admin"], &["claviger-admin"]).await;
        let operations = json!([{"name": "refund", "method": "POST", "path": "/refunds"}, {"name": "list", "method": "GET", "path": "/"}]);
        let api = json!({"slug": "shop", "name": "Shop", "operations": operations});
        assert_eq!(world.post(&admin, "/apis", api).await.status, 201);
        for (slug, operation) in [("refunds", "shop:refund"), ("orders", "shop:list")] {
            let set = json!({"name": slug, "slug": slug, "operations": [operation]});
            assert_eq!(world.post(&admin, "/api-sets", set).await.status, 201);
        }
        let edited = world.patch(&admin, "/policy", json!({"approval": ["refunds"]})).await;
        assert_eq!((edited.status.as_u16(), &edited.body["approval"]), (200, &json!(["refunds"])), "{edited:?}");
        Self { world, admin, bob_id, bob, eve }
    }

    /// The path of a new key.
    async fn key(&self, maker: &str, body: Value) -> String {
        let made = self.world.post(maker, "/keys", body).await;
        assert_eq!(made.status, 201, "{made:?}");
        format!("/keys/{}", made.body["key"]["id"].as_str().expect("an id"))
    }

    async fn state(&self, path: &str) -> Value {
        self.world.get(&self.admin, path).await.body["state"].clone()
    }

    async fn decide(&self, who: &str, path: &str, decision: &str) -> Reply {
        self.world.post(who, &format!("{path}/{decision}"), json!({"reason": "as agreed"})).await
    }
}

#[tokio::test]
async fn a_key_waits_until_a_second_person_approves_it() {
    let office = Office::new().await;
    let path = office.key(&office.bob, json!({"name": "k", "api_sets": ["refunds"]})).await;
    let waits = office.world.get(&office.admin, &path).await.body;
    assert_eq!((&waits["state"], &waits["state_by"]["name"]), (&json!("pending"), &json!("bob")), "{waits}");
    assert_eq!((&waits["state_at"], &waits["idle_at"]), (&waits["created_at"], &Value::Null));
    assert_eq!(waits["approval"]["approved_at"], Value::Null);
    let explained = office.world.post(&office.admin, &format!("{path}/check"), json!({})).await;
    assert_eq!(explained.body["code"], "PENDING", "{explained:?}");
    let listed = office.world.get(&office.admin, "/keys?state=pending").await;
    assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(1), "{listed:?}");

    office.world.clock.advance(std::time::Duration::from_hours(24 * 80));
    let approved = office.decide(&office.eve, &path, "approve").await;
    assert_eq!((approved.status.as_u16(), &approved.body["state"]), (200, &json!("active")), "{approved:?}");
    let approval = &approved.body["approval"];
    assert_eq!((&approval["approved_by"]["name"], &approval["reason"]), (&json!("eve"), &json!("as agreed")));
    let idle: claviger_domain::Timestamp = approved.text("idle_at").parse().expect("an instant");
    let days = std::time::Duration::from_hours(24 * 90);
    assert_eq!(idle, office.world.clock.now().saturating_add(days), "the idle clock begins now");
    let entry = office.world.audited(&office.admin, "key.approve").await;
    assert_eq!((&entry["before"]["state"], &entry["after"]["state"]), (&json!("pending"), &json!("active")));
    assert_eq!(entry["actor"]["name"], "eve");
    for decision in ["approve", "deny"] {
        office.decide(&office.eve, &path, decision).await.problem(409, "conflict");
    }
}

#[tokio::test]
async fn nobody_decides_about_a_key_that_they_have_a_hand_in() {
    let office = Office::new().await;
    let refunds = || json!({"name": "k", "api_sets": ["refunds"]});
    let by_bob = office.key(&office.bob, refunds()).await;
    // A key of one's own that somebody else made.
    office.world.patch(&office.admin, "/policy", json!({"delegated_creation": true})).await;
    let owner = json!({"type": "user", "id": office.bob_id});
    let of_bob = office.key(&office.eve, json!({"name": "k", "api_sets": ["refunds"], "owner": owner})).await;
    office.decide(&office.eve, &of_bob, "approve").await.problem(403, "forbidden");
    // One that a management key made that bob made.
    let made =
        office.world.post(&office.bob, "/keys", json!({"name": "ci", "api_sets": ["claviger-keys-write"]})).await;
    let by_key = office.key(&made.text("secret"), json!({"name": "by key", "api_sets": ["refunds"]})).await;
    // One that bob gave what waits, and one that he rotated while it waited.
    let edited = office.key(&office.eve, json!({"name": "edited", "api_sets": ["orders"]})).await;
    office.world.patch(&office.bob, &edited, json!({"api_sets": ["orders", "refunds"]})).await;
    let rotated = office.key(&office.admin, json!({"name": "rotated", "api_sets": ["refunds"]})).await;
    let done = office.world.post(&office.bob, &format!("{rotated}/rotate"), json!({"overlap_seconds": 0})).await;
    assert_eq!(done.status, 200, "{done:?}");
    for path in [&by_bob, &of_bob, &by_key, &edited, &rotated] {
        for decision in ["approve", "deny"] {
            office.decide(&office.bob, path, decision).await.problem(403, "forbidden");
        }
        assert_eq!(office.state(path).await, "pending", "{path}");
    }
    // One that bob made by a key of eve's that he has made: he knows its secret, so what it does may be his.
    let eves = office.world.get(&office.admin, "/users/eve@example.com").await.text("id");
    let owner = json!({"type": "user", "id": eves});
    let shared = json!({"name": "eve's ci", "api_sets": ["claviger-admin"], "owner": owner});
    let shared = office.world.post(&office.bob, "/keys", shared).await.text("secret");
    let by_shared = office.key(&shared, json!({"name": "by shared", "api_sets": ["refunds"]})).await;
    office.decide(&office.bob, &by_shared, "approve").await.problem(403, "forbidden");
    // Nor does he decide by it about his own.
    office.decide(&shared, &by_bob, "approve").await.problem(403, "forbidden");
    // One that a management key made whose secret bob has renewed.
    let old =
        office.world.post(&office.admin, "/keys", json!({"name": "old ci", "api_sets": ["claviger-keys-write"]})).await;
    let path = format!("/keys/{}/rotate", old.body["key"]["id"].as_str().expect("an id"));
    let renewed = office.world.post(&office.bob, &path, json!({"overlap_seconds": 0})).await.text("secret");
    let by_renewed = office.key(&renewed, json!({"name": "by renewed", "api_sets": ["refunds"]})).await;
    office.decide(&office.bob, &by_renewed, "approve").await.problem(403, "forbidden");
    assert_eq!(office.decide(&office.eve, &by_renewed, "approve").await.status, 200);
    // Neither do keys that are nobody's, the operator, and who does not manage keys.
    let (_, tom) = office.world.user_with_key(&office.admin, "tom", &["auditor"], &["claviger-admin"]).await;
    for who in [&office.admin, OPERATOR, &tom, &made.text("secret")] {
        office.decide(who, &by_bob, "approve").await.problem(403, "forbidden");
    }
    for path in [&by_bob, &by_key, &rotated] {
        assert_eq!(office.decide(&office.eve, path, "approve").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_denied_key_is_disabled_and_waits_again_once_it_is_put_back() {
    let office = Office::new().await;
    let path = office.key(&office.bob, json!({"name": "k", "api_sets": ["refunds"]})).await;
    let without = office.world.post(&office.eve, &format!("{path}/deny"), json!({"reason": ""})).await;
    assert_eq!(without.problem(400, "invalid_request"), ["reason"]);
    let denied = office.decide(&office.eve, &path, "deny").await;
    assert_eq!(
        (&denied.body["state"], &denied.body["state_reason"]),
        (&json!("disabled"), &json!("denied: as agreed"))
    );
    assert_eq!(denied.body["state_by"]["name"], "eve");
    let entry = office.world.audited(&office.admin, "key.deny").await;
    assert_eq!((&entry["before"]["state"], &entry["after"]["state"]), (&json!("pending"), &json!("disabled")));
    office.decide(&office.eve, &path, "approve").await.problem(409, "conflict");
    office.world.post(&office.bob, &format!("{path}/enable"), json!({})).await;
    assert_eq!(office.state(&path).await, "pending");
    assert_eq!(office.decide(&office.eve, &path, "approve").await.body["state"], "active");
    office.world.post(&office.bob, &format!("{path}/disable"), json!({})).await;
    office.world.post(&office.bob, &format!("{path}/enable"), json!({})).await;
    assert_eq!(office.state(&path).await, "active", "what is approved stays so");
}

#[tokio::test]
async fn an_edit_that_adds_what_has_to_be_approved_makes_a_key_wait() {
    let office = Office::new().await;
    let path = office.key(&office.bob, json!({"name": "k", "api_sets": ["orders"]})).await;
    let edit = async |body: Value| office.world.patch(&office.bob, &path, body).await.body["state"].clone();
    assert_eq!(edit(json!({"description": "d", "operations": ["shop:list"]})).await, "active");
    for gained in [json!({"operations": ["shop:refund"]}), json!({"operations": [], "api_sets": ["full-access"]})] {
        assert_eq!(edit(gained).await, "pending");
        assert_eq!(edit(json!({"description": "e"})).await, "pending");
        assert_eq!(office.decide(&office.eve, &path, "approve").await.body["state"], "active");
        assert_eq!(edit(json!({"description": "f"})).await, "active");
    }
    // What is given back waits no less.
    assert_eq!(edit(json!({"api_sets": ["refunds"]})).await, "pending");
    assert_eq!(edit(json!({"api_sets": []})).await, "pending");
}

#[tokio::test]
async fn what_was_changed_since_it_was_looked_at_is_not_approved() {
    let office = Office::new().await;
    let path = office.key(&office.bob, json!({"name": "k", "api_sets": ["refunds"]})).await;
    let seen = office.world.get(&office.eve, &path).await;
    office.world.patch(&office.bob, &path, json!({"api_sets": ["refunds", "full-access"]})).await;
    let approve = Request::builder().method("POST").uri(format!("/api/v1{path}/approve"));
    let approve =
        approve.header("if-match", seen.header("etag")).header("authorization", format!("Bearer {}", office.eve));
    office.world.send(approve.body(Body::empty()).expect("a request")).await.problem(412, "stale");
    assert_eq!(office.state(&path).await, "pending");
}

#[tokio::test]
async fn keys_wait_however_they_are_made_and_keys_from_before_do_not() {
    let office = Office::new().await;
    let Office { world, admin, bob, .. } = &office;
    let import = json!({"value": "a-value-that-others-have-made"});
    let row = json!([{"name": "imported", "api_sets": ["refunds"], "import": import},
                     {"name": "other", "api_sets": ["orders"], "import": {"value": "another-value-of-somebody-else"}}]);
    let done = world.post(bob, "/keys/import", row).await;
    let id = |row: usize| format!("/keys/{}", done.body["keys"][row]["id"].as_str().expect("an id"));
    assert_eq!((office.state(&id(0)).await, office.state(&id(1)).await), (json!("pending"), json!("active")));
    let kind = json!({"name": "Desk", "slug": "desk", "sign_in": "key_only", "api_sets": ["refunds"]});
    assert_eq!(world.post(admin, "/application-types", kind).await.status, 201);
    let application = world.post(bob, "/applications", json!({"name": "a", "type": "desk"})).await;
    assert_eq!(application.body["key"]["state"], "pending", "{application:?}");
    // A set of the policy cannot go away; and a change of the policy reaches new keys alone.
    let unused = json!({"name": "unused", "slug": "unused", "operations": ["shop:list"]});
    world.post(admin, "/api-sets", unused).await;
    let before = office.key(bob, json!({"name": "before", "api_sets": ["orders"]})).await;
    let edited = world.patch(admin, "/policy", json!({"approval": ["unused", "orders"]})).await;
    assert_eq!(edited.body["approval"], json!(["unused", "orders"]));
    world.call("DELETE", admin, "/api-sets/unused", None).await.problem(409, "conflict");
    assert_eq!((office.state(&before).await, office.state(&id(0)).await), (json!("active"), json!("pending")));
    let entry = world.audited(admin, "policy.edit").await;
    assert_eq!(
        (&entry["before"]["approval"], &entry["after"]["approval"]),
        (&json!(["refunds"]), &json!(["unused", "orders"]))
    );
    let wrong = world.patch(admin, "/policy", json!({"approval": ["nothing"]})).await;
    assert_eq!(wrong.problem(404, "not_found"), ["approval[0]"]);
    assert_eq!(world.patch(admin, "/policy", json!({"approval": []})).await.body["approval"], json!([]));
    let after = office.key(bob, json!({"name": "after", "api_sets": ["orders"]})).await;
    assert_eq!(office.state(&after).await, "active");
}
