//! Row W-14: users with static tokens, and applications that sign, behind real gateways.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::Secret;
use claviger_domain::signature::Signer;
use serde_json::{Value, json};

use crate::harness::gateway::{Front, Kind, Running};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

const PATH: &str = "/repos/octocat/hello/issues";
const BODY: &[u8] = b"{\"title\": \"missed call \xf0\x9f\x93\x9e\", \"raw\": \"\xff\xfe\"}";

/// Makes something, and gives the answer.
async fn make(world: &World, path: &str, body: Value) -> Value {
    world.api("POST", path, Some(&body)).await.expect(201).json()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// An application whose users have static tokens, and one of them.
struct Sender {
    name: &'static str,
    /// None where its type knows no Basic.
    password: Option<String>,
    key: String,
    user: String,
    token: String,
}

// === impl Sender ===

impl Sender {
    async fn make(world: &World, name: &'static str, sign_in: &str) -> Self {
        let kind =
            make(world, "/application-types", json!({ "name": name, "sign_in": sign_in, "api_sets": ["full-access"] }));
        let made = make(world, "/applications", json!({ "name": name, "type": kind.await["slug"] })).await;
        let user = json!({ "application": made["application"]["id"], "user_name": "robot@example.com",
            "permission_type": 1, "profile_user": "ada@example.com" });
        let user = make(world, "/api-users", user).await;
        Self {
            name,
            password: made["password"].as_str().map(str::to_owned),
            key: text(&made["secret"]),
            user: text(&user["api_user"]["id"]),
            token: text(&user["token"]),
        }
    }

    /// The whole credential, but for the token.
    fn without_token(&self) -> Request {
        let request = Request::get(PATH).header("X-Api-Key", &self.key);
        match &self.password {
            Some(password) => request.basic(self.name, password),
            None => request,
        }
    }

    fn whole(&self) -> Request {
        self.without_token().header("X-Token", &self.token)
    }

    /// What `/v1/verify` says of the same.
    async fn verify(&self, world: &World, token: Option<&str>) -> Value {
        let basic = self.password.as_ref().map(|password| STANDARD.encode(format!("{}:{password}", self.name)));
        let question = json!({ "authorization": basic.map(|basic| format!("Basic {basic}")), "x_api_key": self.key,
            "x_token": token, "api": "github", "method": "GET", "path": PATH, "client_ip": "203.0.113.7" });
        Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json()
    }
}

/// An application that signs, its key, and Envoy, which sends bodies to be judged.
struct Switchboard {
    key: String,
    secret: String,
    envoy: Running,
}

// === impl Switchboard ===

impl Switchboard {
    async fn make(world: &World) -> Self {
        world.import_github().await;
        let kind = json!({ "name": "PBX", "sign_in": "signature", "api_sets": ["full-access"] });
        make(world, "/application-types", kind).await;
        let anywhere = json!({ "name": "Switchboard", "type": "pbx" });
        let refused = world.api("POST", "/applications", Some(&anywhere)).await.expect(400).json();
        assert_eq!(refused["errors"][0]["field"], "allowed_ips");
        let mut listed = anywhere;
        // Envoy names its machine's address where a client is on the same one.
        listed["allowed_ips"] = json!(["0.0.0.0/0", "::/0"]);
        let made = make(world, "/applications", listed).await;
        let envoy = Kind::EnvoyGrpc.start(Front { sends_bodies: true, ..Front::of(world.doors, "github") }).await;
        Self { key: text(&made["key"]["id"]), secret: text(&made["secret"]), envoy }
    }

    /// A request with a body, and the signature of `signed` by a secret.
    fn request(secret: &str, signed: &[u8], body: &[u8]) -> Request {
        let signature = STANDARD.encode(Signer::new(&Secret::new(secret.to_owned())).sign(signed));
        let request = Request::new("POST", PATH).header("X-Api-Signature", &signature);
        request.header("Content-Type", "application/json").body(body.to_vec())
    }

    /// The status behind Envoy.
    async fn status(&self, secret: &str, signed: &[u8], body: &[u8]) -> u16 {
        self.envoy.send(Self::request(secret, signed, body)).await.status
    }
}

/// What the log of the organization says of the newest refusal that no key is named with.
async fn is_logged(world: &World, check: &str) {
    let is_there = async || {
        let log = world.api("GET", "/organization/requests?limit=100", None).await.expect(200).json();
        log["data"].as_array().is_some_and(|rows| rows.iter().any(|row| row["check"] == check))
    };
    wait_until(is_there, || format!("no refusal is logged as {check:?}")).await;
}

on_both_databases! {
    async fn w_14_static_tokens_of_manage_consents_and_sms_users_pass_every_door(world: &World) {
        world.import_github().await;
        let gateways = [Kind::Nginx, Kind::Caddy, Kind::HaProxy, Kind::EnvoyHttp, Kind::EnvoyGrpc];
        let mut running = Vec::new();
        for kind in gateways {
            running.push((kind, kind.start(Front::of(world.doors, "github")).await));
        }
        for (name, sign_in) in [("Manage consents", "static_token"), ("SMS", "key_and_token")] {
            let sender = Sender::make(world, name, sign_in).await;
            let ask = async |request: fn(&Sender) -> Request, status: u16| {
                for (kind, gateway) in &running {
                    let answer = gateway.send(request(&sender)).await;
                    assert_eq!(answer.status, status, "{name} behind {kind:?}: {}", answer.text());
                }
            };
            ask(Sender::whole, 200).await;
            ask(Sender::without_token, 401).await;
            let verdict = sender.verify(world, Some(&sender.token)).await;
            assert_eq!((&verdict["code"], &verdict["api_user"]["id"]), (&json!("VALID"), &json!(sender.user)), "{verdict}");
            assert_eq!(sender.verify(world, None).await["code"], "NOT_FOUND");
            let wrong = sender.verify(world, Some(&"0".repeat(64))).await;
            assert_eq!(wrong["code"], "NOT_FOUND");

            let off = json!({ "active": false });
            world.api("PATCH", &format!("/api-users/{}", sender.user), Some(&off)).await.expect(200);
            ask(Sender::whole, 401).await;
            assert_eq!(sender.verify(world, Some(&sender.token)).await["code"], "NOT_FOUND");
        }
    }

    async fn w_14_a_signature_of_the_body_passes_envoy_and_follows_its_key(world: &World) {
        let switchboard = Switchboard::make(world).await;
        let Switchboard { key, secret, envoy } = &switchboard;
        let passed = envoy.send(Switchboard::request(secret, BODY, BODY)).await.expect(200).json();
        let header = |name: &str| passed["headers"].as_array().and_then(|all| all.iter().find(|line| line[0] == name));
        assert_eq!(header("x-auth-key-id").map(|line| &line[1]), Some(&json!(key)));
        assert_eq!(header("x-api-signature"), None, "it could be sent again");
        assert_eq!(switchboard.status(secret, BODY, BODY).await, 200, "and again: it says nothing of when");

        for (signed, body) in [(BODY, &b"{}"[..]), (&b"{}"[..], BODY), (BODY, &b""[..])] {
            assert_eq!(switchboard.status(secret, signed, body).await, 401);
        }
        assert_eq!(switchboard.status("clv_live_nobody", BODY, BODY).await, 401);
        is_logged(world, "signature of no key").await;
        let largest = vec![b'x'; 65_535];
        assert_eq!(switchboard.status(secret, &largest, &largest).await, 200);
        let larger = vec![b'x'; 65_537];
        assert_eq!(switchboard.status(secret, &larger, &larger).await, 413, "Envoy's own");
        let forged = Switchboard::request(secret, BODY, BODY).header("X-Envoy-Auth-Partial-Body", "true");
        envoy.send(forged).await.expect(200);

        let rotate = json!({ "overlap_seconds": 3600 });
        let rotated = world.api("POST", &format!("/keys/{key}/rotate"), Some(&rotate)).await.expect(200).json();
        let next = text(&rotated["secret"]);
        for secret in [secret, &next] {
            assert_eq!(switchboard.status(secret, BODY, BODY).await, 200);
        }
        world.api("POST", &format!("/keys/{key}/end-overlap"), None).await.expect(200);
        assert_eq!(switchboard.status(secret, BODY, BODY).await, 401);
        assert_eq!(switchboard.status(&next, BODY, BODY).await, 200);
        world.api("POST", &format!("/keys/{key}/reveal"), None).await.expect(409);
        world.api("POST", &format!("/keys/{key}/disable"), None).await.expect(200);
        assert_eq!(switchboard.status(&next, BODY, BODY).await, 401);

        world.stop_serving().await;
        let dump = world.dump().await;
        for secret in [secret, &next] {
            let stored = dump.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!stored, "the copy is sealed");
        }
    }

    async fn w_14_a_gateway_that_sends_no_body_refuses_a_signature_and_the_log_says_why(world: &World) {
        let switchboard = Switchboard::make(world).await;
        for kind in [Kind::Nginx, Kind::Caddy, Kind::HaProxy, Kind::EnvoyGrpc] {
            let gateway = kind.start(Front::of(world.doors, "github")).await;
            let answer = gateway.send(Switchboard::request(&switchboard.secret, BODY, BODY)).await;
            assert_eq!(answer.status, 401, "{kind:?}: {}", answer.text());
            let keyed = Switchboard::request(&switchboard.secret, BODY, BODY).header("X-Api-Key", &switchboard.secret);
            gateway.send(keyed).await.expect(200);
        }
        is_logged(world, "signature at a door without the body").await;
    }
}
