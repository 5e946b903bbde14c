//! A server that restarts while PostgreSQL is away knows sessions, signatures and static tokens out of its snapshot.

use std::path::Path;

use serde_json::{Value, json};

use super::senders::{Admin, Sender, Switchboard, text};
use crate::harness::cluster::{Cluster, Stop};
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, free_address};
use crate::harness::raw_http::Request;

const PASSWORD: &str = "a walk by the lake";

/// The administrator's token.
async fn set_up(node: &Serving, data: &Path) -> String {
    let local = std::fs::read_to_string(data.join("local-token")).expect("the local token");
    let body = json!({ "organization": "Acme", "email": "ada@example.com" });
    let made = Request::post("/api/v1/setup", &body).bearer(local.trim()).send(node.control).await.expect(201).json();
    text(&made["token"])
}

/// An application with a user in a session.
struct Member {
    password: String,
    key: String,
    token: String,
}

// === impl Member ===

impl Member {
    async fn sign_in(admin: Admin<'_>, public: std::net::SocketAddr) -> Self {
        let kind = json!({ "name": "Portal", "sign_in": "session", "api_sets": ["full-access"] });
        admin.make("/application-types", kind).await;
        let made = admin.make("/applications", json!({ "name": "Shop", "type": "portal" })).await;
        let (password, key) = (text(&made["password"]), text(&made["secret"]));
        let user = json!({ "application": made["application"]["id"], "user_name": "carol@example.com",
            "permission_type": 1, "profile_user": "ada@example.com", "password": PASSWORD });
        admin.make("/api-users", user).await;
        let body = json!({ "userName": "carol@example.com", "password": PASSWORD });
        let login = Request::post("/webservice/Portal/Users/Login", &body).basic("Shop", &password);
        let result = login.header("X-API-KEY", &key).send(public).await.expect(200).json();
        Self { password, key, token: text(&result["result"]["token"]) }
    }

    async fn code(&self, node: &Serving) -> String {
        let request = Request::get("/v1/authorize/api/default").basic("Shop", &self.password);
        let request = request.header("X-Api-Key", &self.key).header("X-Token", &self.token);
        let request = request.header("X-Forwarded-Method", "GET").header("X-Forwarded-Uri", "/x");
        let request = request.header("X-Forwarded-Host", "shop.example.com").header("X-Forwarded-For", "203.0.113.7");
        let answer = request.send(node.doors).await;
        if answer.status == 200 { "VALID".to_owned() } else { text(&answer.json()["code"]) }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn w_14_a_server_that_restarts_while_the_database_is_away_knows_sessions_signatures_and_static_tokens() {
    let cluster = Cluster::start().expect("PostgreSQL starts");
    let folder = tempfile::Builder::new().prefix("claviger-outage-").tempdir().expect("a temporary folder");
    let (data, url, public) = (folder.path().join("data"), cluster.url(), free_address());
    let start = async || {
        let public = public.to_string();
        let variables = [
            ("CLAVIGER_DATABASE_URL", url.as_str()),
            ("CLAVIGER_DATABASE_CONNECT_TIMEOUT_SECONDS", "1"),
            ("CLAVIGER_PUBLIC_LISTEN", public.as_str()),
        ];
        Serving::start_with(&data, &variables).await
    };
    let node = start().await;
    let token = set_up(&node, &data).await;
    let admin = Admin { control: node.control, token: &token };
    // These are in the load that the snapshot begins with, the others in its steps.
    let loaded = Switchboard::make(admin).await;
    let consents = Sender::make(admin, "Manage consents", "static_token").await;
    wait_until(async || data.join("snapshot").exists(), || "no snapshot is written".to_owned()).await;
    let (texts, member) = (Sender::make(admin, "SMS", "key_and_token").await, Member::sign_in(admin, public).await);
    let rotate = json!({ "overlap_seconds": 3600 });
    let rotate = Request::post(&format!("/api/v1/keys/{}/rotate", loaded.key), &rotate).bearer(&token);
    let next = text(&rotate.send(node.control).await.expect(200).json()["secret"]);

    let codes = async |node: &Serving| {
        let mut codes = vec![member.code(node).await];
        for secret in [&loaded.secret, &next, "clv_live_nobody"] {
            codes.push(Switchboard::code(node.doors, secret).await);
        }
        for sender in [&consents, &texts] {
            codes.push(text(&sender.verify(node.doors, Some(&sender.token)).await["code"]));
        }
        codes
    };
    let expected = ["VALID", "VALID", "VALID", "NOT_FOUND", "VALID", "VALID"];
    assert_eq!(codes(&node).await, expected);
    cluster.stop(Stop::Immediate).expect("it stops");
    node.stop();

    let bytes = std::fs::read(data.join("snapshot")).expect("readable");
    let secrets = [&loaded.secret, &next, &consents.token, &texts.token, &member.token, &member.password, &member.key];
    for secret in secrets {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "no secret is in it");
    }
    let node = start().await;
    assert!(node.log().contains("started from the local snapshot"), "{}", node.log());
    assert_eq!(codes(&node).await, expected);
    let login = json!({ "userName": "carol@example.com", "password": PASSWORD });
    let login = Request::post("/webservice/Portal/Users/Login", &login).basic("Shop", &member.password);
    let refused = login.header("X-API-KEY", &member.key).send(public).await;
    assert_eq!((refused.status, &refused.json()["status"]), (503, &Value::from(0)), "nobody signs in meanwhile");
    node.stop();
}
