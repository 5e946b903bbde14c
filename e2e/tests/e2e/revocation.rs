//! `POST /revoke` on the public listener: whoever holds a key may end it.

use serde_json::{Value, json};

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::World;

/// What one address may ask in a minute.
const REVOCATIONS_MAX: usize = 60;

fn asking(form: &str) -> Request {
    Request::new("POST", "/revoke")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form.as_bytes().to_vec())
}

async fn revoke(world: &World, token: &str) -> Response {
    asking(&format!("token={token}&token_type_hint=access_token")).send(world.public).await
}

/// What became of the key, and its entry in the audit log.
async fn audited(world: &World, action: &str) -> Vec<Value> {
    let log = world.api("GET", &format!("/audit?action={action}"), None).await.expect(200).json();
    log["data"].as_array().expect("a list").clone()
}

async fn code(world: &World, secret: &str) -> Value {
    world.verdict(secret, "default", "GET", "/x").await["code"].clone()
}

on_both_databases! {
    async fn ends_what_its_holder_revokes(world: &World) {
        let key = world.create_key(json!({ "name": "leaked", "api_sets": ["full-access"] })).await;
        assert_eq!(code(world, &key.secret).await, "VALID");
        let done = revoke(world, &key.secret).await.expect(200);
        assert_eq!((done.text().as_str(), done.header("cache-control").as_deref()), ("", Some("no-store")));
        assert_eq!(code(world, &key.secret).await, "DISABLED", "in force before the call returned");
        let entries = audited(world, "key.revoke").await;
        let [entry] = entries.as_slice() else { panic!("one entry: {entries:?}") };
        assert_eq!(entry["actor"], json!({ "type": "key", "id": key.id, "name": "leaked" }));
        assert_eq!((&entry["object"]["id"], &entry["ip"]), (&json!(key.id), &json!("127.0.0.1")));
        let record = world.get_key(&key.id).await;
        assert_eq!((&record["state"], &record["state_reason"]), (&json!("disabled"), &json!("revoked by its holder")));
        // Once more changes nothing, and an administrator may take it back.
        revoke(world, &key.secret).await.expect(200);
        assert_eq!(audited(world, "key.revoke").await.len(), 1);
        world.api("POST", &format!("/keys/{}/enable", key.id), Some(&json!({}))).await.expect(200);
        assert_eq!(code(world, &key.secret).await, "VALID");
        world.api("DELETE", &format!("/keys/{}", key.id), None).await.expect(204);
        revoke(world, &key.secret).await.expect(200);
        assert_eq!(audited(world, "key.revoke").await.len(), 1);
    }

    async fn answers_values_that_are_nobodys_alike(world: &World) {
        let other = world.create_key(json!({ "name": "other", "api_sets": ["full-access"] })).await;
        let bad =
            format!("{}{}", &other.secret[..other.secret.len() - 1], if other.secret.ends_with('0') { '1' } else { '0' });
        for token in [
            "clv_live_00000000000000000000000000000000000000",
            &bad,
            &other.id,
            "short",
            "some-other-token-of-another-system",
            &"x".repeat(9_000),
        ] {
            let done = revoke(world, token).await.expect(200);
            assert_eq!(done.text(), "", "{token}");
        }
        assert_eq!(code(world, &other.secret).await, "VALID");
        assert_eq!(audited(world, "key.revoke").await, Vec::<Value>::new());
    }

    async fn ends_of_a_rotated_key_the_value_that_is_held(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        let rotate = json!({ "overlap_seconds": 3600 });
        let rotated = world.api("POST", &format!("/keys/{}/rotate", key.id), Some(&rotate)).await.expect(200).json();
        let new = rotated["secret"].as_str().expect("a secret");
        revoke(world, &key.secret).await.expect(200);
        assert_eq!((code(world, &key.secret).await, code(world, new).await), (json!("NOT_FOUND"), json!("VALID")));
        // What has ended ends nothing any more.
        revoke(world, &key.secret).await.expect(200);
        assert_eq!(code(world, new).await, "VALID");
        revoke(world, new).await.expect(200);
        assert_eq!(code(world, new).await, "DISABLED");
        // Of a pair both parts are held, or nothing is.
        let pair = json!({ "name": "pair", "shape": "pair", "api_sets": ["full-access"] });
        let pair = world.api("POST", "/keys", Some(&pair)).await.expect(201).json();
        let (identifier, password) = (pair["identifier"].as_str().expect("text"), pair["password"].as_str().expect("text"));
        let state = async || world.get_key(pair["key"]["id"].as_str().expect("an id")).await["state"].clone();
        for part in [identifier, password, &format!("{identifier}:{new}"), &format!("{identifier}:")] {
            revoke(world, part).await.expect(200);
            assert_eq!(state().await, "active", "{part}");
        }
        revoke(world, &format!("{identifier}%3A{password}")).await.expect(200);
        assert_eq!(state().await, "disabled");
    }

    async fn refuses_what_is_no_revocation(world: &World) {
        let address = world.public;
        let form = |body: &str| asking(body).send(address);
        for (body, field) in [("", "token"), ("token=", "token"), ("token=a&token=b", "token"), ("tokens=a", "token")] {
            let refused = form(body).await.expect(400).json();
            assert_eq!((&refused["code"], &refused["errors"][0]["field"]), (&json!("invalid_request"), &json!(field)));
        }
        form(&format!("token={}", "x".repeat(20_000))).await.expect(413);
        Request::post("/revoke", &json!({ "token": "x" })).send(address).await.expect(415);
        Request::new("POST", "/revoke").body(b"token=x".to_vec()).send(address).await.expect(415);
        Request::get("/revoke?token=x").send(address).await.expect(405);
        for path in ["/", "/api/v1/keys", "/sign-in", "/v1/verify", "/metrics", "/revoke/"] {
            Request::get(path).bearer(&world.token).send(address).await.expect(404);
        }
        asking("token=x").header("Host", "evil.example").send(address).await.expect(421);
    }

    async fn turns_an_address_away_that_asks_too_often(world: &World) {
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        for _ in 0..REVOCATIONS_MAX {
            revoke(world, "some-other-token-of-another-system").await.expect(200);
        }
        let busy = revoke(world, &key.secret).await.expect(503);
        assert_eq!(busy.json()["code"], "busy");
        assert!(busy.header("retry-after").is_some());
        assert_eq!(code(world, &key.secret).await, "VALID");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_revoked_at_one_node_is_refused_at_the_other() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let world = World::start_on(&database).await;
    let other = world.second_node(&database).await;
    let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
    wait_until(async || code(&other, &key.secret).await == "VALID", || "it never came to the other".to_owned()).await;
    revoke(&world, &key.secret).await.expect(200);
    wait_until(async || code(&other, &key.secret).await == "DISABLED", || "the other goes on".to_owned()).await;
    other.stop_serving().await;
    world.stop_serving().await;
}
