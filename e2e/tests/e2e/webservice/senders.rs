//! Who calls without signing in: users with static tokens, and applications that sign.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::Secret;
use claviger_domain::signature::Signer;
use serde_json::{Value, json};

use crate::harness::raw_http::Request;
use crate::harness::world::World;

/// Who makes them, at which server.
#[derive(Clone, Copy)]
pub struct Admin<'a> {
    pub control: SocketAddr,
    pub token: &'a str,
}

/// An application whose users have static tokens, and one of them.
pub struct Sender {
    name: &'static str,
    /// None where its type knows no Basic.
    password: Option<String>,
    key: String,
    pub user: String,
    pub token: String,
}

/// An application that signs.
pub struct Switchboard {
    /// Its key's id.
    pub key: String,
    pub secret: String,
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The signature of a body by a secret.
pub fn signature(secret: &str, signed: &[u8]) -> String {
    STANDARD.encode(Signer::new(&Secret::new(secret.to_owned())).sign(signed))
}

// === impl Admin ===

impl<'a> Admin<'a> {
    pub fn of(world: &'a World) -> Self {
        Self { control: world.control, token: &world.token }
    }

    /// Makes something, and gives the answer.
    pub async fn make(self, path: &str, body: Value) -> Value {
        let request = Request::post(&format!("/api/v1{path}"), &body).bearer(self.token);
        request.send(self.control).await.expect(201).json()
    }
}

// === impl Sender ===

impl Sender {
    pub async fn make(admin: Admin<'_>, name: &'static str, sign_in: &str) -> Self {
        let kind = json!({ "name": name, "sign_in": sign_in, "api_sets": ["full-access"] });
        let kind = admin.make("/application-types", kind).await;
        let made = admin.make("/applications", json!({ "name": name, "type": kind["slug"] })).await;
        let user = json!({ "application": made["application"]["id"], "user_name": "robot@example.com",
            "permission_type": 1, "profile_user": "ada@example.com" });
        let user = admin.make("/api-users", user).await;
        Self {
            name,
            password: made["password"].as_str().map(str::to_owned),
            key: text(&made["secret"]),
            user: text(&user["api_user"]["id"]),
            token: text(&user["token"]),
        }
    }

    /// The whole credential, but for the token.
    pub fn without_token(&self, path: &str) -> Request {
        let request = Request::get(path).header("X-Api-Key", &self.key);
        match &self.password {
            Some(password) => request.basic(self.name, password),
            None => request,
        }
    }

    pub fn whole(&self, path: &str) -> Request {
        self.without_token(path).header("X-Token", &self.token)
    }

    /// What `/v1/verify` says of the same.
    pub async fn verify(&self, doors: SocketAddr, token: Option<&str>) -> Value {
        let basic = self.password.as_ref().map(|password| STANDARD.encode(format!("{}:{password}", self.name)));
        let question = json!({ "authorization": basic.map(|basic| format!("Basic {basic}")), "x_api_key": self.key,
            "x_token": token, "api": "default", "method": "GET", "path": "/x", "client_ip": "203.0.113.7" });
        Request::post("/v1/verify", &question).send(doors).await.expect(200).json()
    }
}

// === impl Switchboard ===

impl Switchboard {
    /// One that may call from anywhere.
    pub async fn make(admin: Admin<'_>) -> Self {
        let kind = json!({ "name": "PBX", "sign_in": "signature", "api_sets": ["full-access"] });
        admin.make("/application-types", kind).await;
        // Envoy names its machine's address where a client is on the same one.
        let body = json!({ "name": "Switchboard", "type": "pbx", "allowed_ips": ["0.0.0.0/0", "::/0"] });
        let made = admin.make("/applications", body).await;
        Self { key: text(&made["key"]["id"]), secret: text(&made["secret"]) }
    }

    /// The code of the verdict on a body that this secret signed.
    pub async fn code(doors: SocketAddr, secret: &str) -> String {
        let body = b"{\"title\": \"missed call\"}";
        let question = json!({ "x_api_signature": signature(secret, body), "body": STANDARD.encode(body),
            "api": "default", "method": "POST", "path": "/x", "client_ip": "203.0.113.7" });
        text(&Request::post("/v1/verify", &question).send(doors).await.expect(200).json()["code"])
    }
}
