//! Keys of applications that sign: what they need, how many there are, and what becomes of their copies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::Secret;
use claviger_domain::signature::Signer;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_engine::{Presented, Question};
use serde_json::{Value, json};

use crate::testing::World;

const BODY: &[u8] = b"a call has ended";

/// An organization with an application that signs: its id, its first key's id and secret.
struct Switchboard {
    world: World,
    admin: String,
    application: String,
    key: String,
    secret: String,
}

// === impl Switchboard ===

impl Switchboard {
    async fn new() -> Self {
        let (world, admin) = World::with_organization().await;
        let kind = json!({"name": "PBX", "sign_in": "signature", "api_sets": ["full-access"]});
        assert_eq!(world.post(&admin, "/application-types", kind).await.status, 201);
        let nowhere = json!({"name": "Switchboard", "type": "pbx"});
        let refused = world.post(&admin, "/applications", nowhere.clone()).await;
        assert_eq!(refused.problem(400, "invalid_request"), ["allowed_ips"]);
        let mut listed = nowhere;
        listed["allowed_ips"] = json!(["203.0.113.0/24"]);
        let made = world.post(&admin, "/applications", listed).await;
        assert_eq!(made.status, 201, "{made:?}");
        let id = |of: &Value| of["id"].as_str().expect("an id").to_owned();
        let (application, key) = (id(&made.body["application"]), id(&made.body["key"]));
        Self { secret: made.text("secret"), world, admin, application, key }
    }

    /// What a signature of `secret` over the body gets.
    fn ask(&self, secret: &str) -> (Code, Option<String>) {
        let signature = STANDARD.encode(Signer::new(&Secret::new(secret.to_owned())).sign(BODY));
        let engine = &self.world.manage.engine;
        let provider = engine.door_token(
            None,
            false,
            claviger_engine::Caller { ip: None, agent: None, request_id: engine.new_request_id() },
        );
        let verdict = engine.decide(&Question {
            provider: provider.expect("one organization"),
            credentials: &Presented::new().with_x_api_signature(signature.as_bytes()).with_body(Ok(BODY)),
            client_ip: Some("203.0.113.9".parse().expect("an address")),
            request: None,
            pin: None,
            requires: &[],
            cost: 1,
            preflight: false,
            door: Door::Verify,
            agent: None,
            request_id: engine.new_request_id(),
        });
        (verdict.code, verdict.key().map(|key| key.id().to_string()))
    }

    fn is_good(&self, secret: &str) -> bool {
        let (code, key) = self.ask(secret);
        assert!(
            code == Code::Valid && key.as_deref() == Some(&*self.key) || code == Code::NotFound,
            "{code:?} {key:?}"
        );
        code == Code::Valid
    }

    async fn another_key(&self, name: &str, more: Value) -> crate::testing::Reply {
        let mut key = json!({"name": name, "api_sets": [], "owner": {"type": "application", "id": self.application}});
        for (field, value) in more.as_object().into_iter().flatten() {
            key[field] = value.clone();
        }
        self.world.post(&self.admin, "/keys", key).await
    }

    async fn act(&self, action: &str, body: Value) -> crate::testing::Reply {
        self.world.post(&self.admin, &format!("/keys/{}/{action}", self.key), body).await
    }
}

#[tokio::test]
async fn w_14_signatures_follow_their_key_through_rotation_and_its_end() {
    let switchboard = Switchboard::new().await;
    let first = switchboard.secret.clone();
    assert!(switchboard.is_good(&first));
    assert_eq!(switchboard.ask("clv_live_a-key-that-nobody-has").0, Code::NotFound);

    let second = switchboard.act("rotate", json!({"overlap_seconds": 3600})).await.text("secret");
    assert!(switchboard.is_good(&first) && switchboard.is_good(&second));
    switchboard.world.clock.advance(std::time::Duration::from_hours(1));
    assert!(!switchboard.is_good(&first) && switchboard.is_good(&second));
    let third = switchboard.act("rotate", json!({"overlap_seconds": 3600})).await.text("secret");
    assert!(!switchboard.is_good(&first) && switchboard.is_good(&second) && switchboard.is_good(&third));
    switchboard.act("end-overlap", json!({})).await;
    assert!(!switchboard.is_good(&second) && switchboard.is_good(&third));
    let fourth = switchboard.act("rotate", json!({"overlap_seconds": 0})).await.text("secret");
    assert!(!switchboard.is_good(&third) && switchboard.is_good(&fourth));

    switchboard.act("disable", json!({})).await;
    assert_eq!(switchboard.ask(&fourth).0, Code::Disabled);
    switchboard.act("enable", json!({})).await;
    let path = format!("/applications/{}", switchboard.application);
    switchboard.world.patch(&switchboard.admin, &path, json!({"active": false})).await;
    assert_eq!(switchboard.ask(&fourth).0, Code::OwnerDisabled);
    let path = format!("/keys/{}", switchboard.key);
    assert_eq!(switchboard.world.call("DELETE", &switchboard.admin, &path, None).await.status, 204);
    assert_eq!(switchboard.ask(&fourth), (Code::NotFound, None));
}

#[tokio::test]
async fn w_14_a_key_that_signs_is_shown_once_whatever_the_policy_says() {
    let switchboard = Switchboard::new().await;
    let recoverable = json!({"reveal": {"application": "recoverable"}});
    assert_eq!(switchboard.world.patch(&switchboard.admin, "/policy", recoverable).await.status, 200);
    let made = switchboard.another_key("second", json!({})).await;
    assert_eq!((made.status.as_u16(), &made.body["key"]["reveal"]), (201, &json!("once")), "{made:?}");
    let id = made.body["key"]["id"].as_str().expect("an id");
    for path in [format!("/keys/{id}"), format!("/keys/{}", switchboard.key)] {
        let revealed = switchboard.world.post(&switchboard.admin, &format!("{path}/reveal"), json!({})).await;
        revealed.problem(409, "conflict");
        let read = switchboard.world.get(&switchboard.admin, &path).await;
        assert!(!read.body.to_string().contains("signing"), "{read:?}");
    }
}

#[tokio::test]
async fn w_14_a_key_that_could_not_sign_is_none_of_an_application_that_signs() {
    let switchboard = Switchboard::new().await;
    for (more, field) in
        [(json!({"shape": "pair"}), "shape"), (json!({"import": {"sha256": "a".repeat(64)}}), "import.sha256")]
    {
        let refused = switchboard.another_key("second", more).await;
        assert_eq!(refused.problem(400, "invalid_request"), [field]);
    }
    let value = "the key of the old switchboard";
    let imported = switchboard.another_key("imported", json!({"import": {"value": value}})).await;
    assert_eq!(imported.status, 201, "{imported:?}");
    assert_eq!(switchboard.ask(value).0, Code::Valid);

    let admin = &switchboard.admin;
    let made =
        switchboard.world.post(admin, "/users", json!({"email": "bob@example.com", "roles": ["developer"]})).await;
    let (user, key) = (made.text("id"), switchboard.world.key_of_user(admin, &made.text("id"), "own", &[]).await);
    let found = switchboard.world.post(admin, "/keys/lookup", json!({"credential": key})).await;
    let moved = json!({"move_keys": {"application": switchboard.application, "keys": [found.body["key"]["id"]]}});
    switchboard.world.post(admin, &format!("/users/{user}/disable"), moved).await.problem(409, "conflict");
}

#[tokio::test]
async fn w_14_an_organization_has_sixteen_keys_that_sign_and_no_more() {
    let switchboard = Switchboard::new().await;
    for number in 2..=16 {
        let made = switchboard.another_key(&format!("key {number}"), json!({})).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert!(switchboard.ask(&made.text("secret")).0 == Code::Valid);
    }
    switchboard.another_key("key 17", json!({})).await.problem(409, "limit_reached");
    let other = json!({"name": "Second", "type": "pbx", "allowed_ips": ["203.0.113.0/24"]});
    switchboard.world.post(&switchboard.admin, "/applications", other).await.problem(409, "limit_reached");
    let path = format!("/keys/{}", switchboard.key);
    assert_eq!(switchboard.world.call("DELETE", &switchboard.admin, &path, None).await.status, 204);
    assert_eq!(switchboard.another_key("key 17", json!({})).await.status, 201, "a deleted one does not count");
}
