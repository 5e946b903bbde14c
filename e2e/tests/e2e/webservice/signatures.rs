//! Row W-14: users with static tokens, and applications that sign, behind real gateways.

use serde_json::json;

use super::senders::{Admin, Sender, Switchboard, signature, text};
use crate::harness::gateway::{Front, Kind, Running};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::Request;
use crate::harness::world::World;

const PATH: &str = "/repos/octocat/hello/issues";
const BODY: &[u8] = b"{\"title\": \"missed call \xf0\x9f\x93\x9e\", \"raw\": \"\xff\xfe\"}";

/// An application that signs, its key, and Envoy, which sends bodies to be judged.
struct Site {
    switchboard: Switchboard,
    envoy: Running,
}

// === impl Site ===

impl Site {
    async fn start(world: &World) -> Self {
        world.import_github().await;
        let switchboard = Switchboard::make(Admin::of(world)).await;
        let anywhere = json!({ "name": "Anywhere", "type": "pbx" });
        let refused = world.api("POST", "/applications", Some(&anywhere)).await.expect(400).json();
        assert_eq!(refused["errors"][0]["field"], "allowed_ips");
        let envoy = Kind::EnvoyGrpc.start(Front { sends_bodies: true, ..Front::of(world.doors, "github") }).await;
        Self { switchboard, envoy }
    }

    /// A request with a body, and the signature of `signed` by a secret.
    fn request(secret: &str, signed: &[u8], body: &[u8]) -> Request {
        let request = Request::new("POST", PATH).header("X-Api-Signature", &signature(secret, signed));
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
            let sender = Sender::make(Admin::of(world), name, sign_in).await;
            let ask = async |request: fn(&Sender) -> Request, status: u16| {
                for (kind, gateway) in &running {
                    let answer = gateway.send(request(&sender)).await;
                    assert_eq!(answer.status, status, "{name} behind {kind:?}: {}", answer.text());
                }
            };
            ask(|sender| sender.whole(PATH), 200).await;
            ask(|sender| sender.without_token(PATH), 401).await;
            let verdict = sender.verify(world.doors, Some(&sender.token)).await;
            assert_eq!((&verdict["code"], &verdict["api_user"]["id"]), (&json!("VALID"), &json!(sender.user)), "{verdict}");
            assert_eq!(sender.verify(world.doors, None).await["code"], "NOT_FOUND");
            let wrong = sender.verify(world.doors, Some(&"0".repeat(64))).await;
            assert_eq!(wrong["code"], "NOT_FOUND");

            let off = json!({ "active": false });
            world.api("PATCH", &format!("/api-users/{}", sender.user), Some(&off)).await.expect(200);
            ask(|sender| sender.whole(PATH), 401).await;
            assert_eq!(sender.verify(world.doors, Some(&sender.token)).await["code"], "NOT_FOUND");
        }
    }

    async fn w_14_a_signature_of_the_body_passes_envoy_and_follows_its_key(world: &World) {
        let site = Site::start(world).await;
        let Site { switchboard: Switchboard { key, secret }, envoy } = &site;
        let passed = envoy.send(Site::request(secret, BODY, BODY)).await.expect(200).json();
        let header = |name: &str| passed["headers"].as_array().and_then(|all| all.iter().find(|line| line[0] == name));
        assert_eq!(header("x-auth-key-id").map(|line| &line[1]), Some(&json!(key)));
        assert_eq!(header("x-api-signature"), None, "it could be sent again");
        assert_eq!(site.status(secret, BODY, BODY).await, 200, "and again: it says nothing of when");

        for (signed, body) in [(BODY, &b"{}"[..]), (&b"{}"[..], BODY), (BODY, &b""[..])] {
            assert_eq!(site.status(secret, signed, body).await, 401);
        }
        assert_eq!(site.status("clv_live_nobody", BODY, BODY).await, 401);
        is_logged(world, "signature of no key").await;
        let largest = vec![b'x'; 65_535];
        assert_eq!(site.status(secret, &largest, &largest).await, 200);
        let larger = vec![b'x'; 65_537];
        assert_eq!(site.status(secret, &larger, &larger).await, 413, "Envoy's own");
        let forged = Site::request(secret, BODY, BODY).header("X-Envoy-Auth-Partial-Body", "true");
        envoy.send(forged).await.expect(200);

        let rotate = json!({ "overlap_seconds": 3600 });
        let rotated = world.api("POST", &format!("/keys/{key}/rotate"), Some(&rotate)).await.expect(200).json();
        let next = text(&rotated["secret"]);
        for secret in [secret, &next] {
            assert_eq!(site.status(secret, BODY, BODY).await, 200);
        }
        world.api("POST", &format!("/keys/{key}/end-overlap"), None).await.expect(200);
        assert_eq!(site.status(secret, BODY, BODY).await, 401);
        assert_eq!(site.status(&next, BODY, BODY).await, 200);
        world.api("POST", &format!("/keys/{key}/reveal"), None).await.expect(409);
        world.api("POST", &format!("/keys/{key}/disable"), None).await.expect(200);
        assert_eq!(site.status(&next, BODY, BODY).await, 401);

        world.stop_serving().await;
        let dump = world.dump().await;
        for secret in [secret, &next] {
            let stored = dump.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!stored, "the copy is sealed");
        }
    }

    async fn w_14_a_gateway_that_sends_no_body_refuses_a_signature_and_the_log_says_why(world: &World) {
        let Site { switchboard, envoy: _envoy } = Site::start(world).await;
        for kind in [Kind::Nginx, Kind::Caddy, Kind::HaProxy, Kind::EnvoyGrpc] {
            let gateway = kind.start(Front::of(world.doors, "github")).await;
            let answer = gateway.send(Site::request(&switchboard.secret, BODY, BODY)).await;
            assert_eq!(answer.status, 401, "{kind:?}: {}", answer.text());
            let keyed = Site::request(&switchboard.secret, BODY, BODY).header("X-Api-Key", &switchboard.secret);
            gateway.send(keyed).await.expect(200);
        }
        is_logged(world, "signature at a door without the body").await;
    }
}
