//! The doors behind real gateways, with the snippets that users paste.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::harness::gateway::{Caddy, Nginx, SERVER_NAME};
use crate::harness::on_both_databases;
use crate::harness::patience::wait_until;
use crate::harness::raw_http::{Request, exchange};
use crate::harness::upstream::understandings;
use crate::harness::world::World;

const SPELLINGS: &str = include_str!("../../data/path-spellings.txt");
const IDENTITY_HEADERS: [&str; 16] = [
    "x-auth-organization",
    "x-auth-key-id",
    "x-auth-key-name",
    "x-auth-owner-type",
    "x-auth-owner-id",
    "x-auth-owner-name",
    "x-auth-external-id",
    "x-auth-environment",
    "x-auth-api",
    "x-auth-api-sets",
    "x-auth-operation",
    "x-auth-user",
    "x-auth-profile",
    "x-auth-profile-external",
    "x-auth-permission-type",
    "x-auth-contact",
];

on_both_databases! {
    async fn nginx_passes_and_refuses_for_the_right_reason(world: &World) {
        let keys = Keys::make(world).await;
        let nginx = Nginx::start(world.doors, "github").await;
        keys.pass_and_refuse(world, nginx.address).await;
        assert!(!nginx.logs().contains("unexpected status"), "{}", nginx.logs());
    }

    async fn caddy_passes_and_refuses_for_the_right_reason(world: &World) {
        let keys = Keys::make(world).await;
        let caddy = Caddy::start(world.doors, "github").await;
        keys.pass_and_refuse(world, caddy.address).await;
    }

    async fn no_spelling_of_a_path_slips_past_nginx(world: &World) {
        let secret = list_only_key(world).await;
        let nginx = Nginx::start(world.doors, "github").await;
        spellings_are_judged(nginx.address, &secret).await;
    }

    async fn no_spelling_of_a_path_slips_past_caddy(world: &World) {
        let secret = list_only_key(world).await;
        let caddy = Caddy::start(world.doors, "github").await;
        spellings_are_judged(caddy.address, &secret).await;
    }

    async fn forged_headers_reach_nobody_through_nginx(world: &World) {
        let keys = Keys::make(world).await;
        let nginx = Nginx::start(world.doors, "github").await;
        keys.forge(nginx.address).await;
    }

    async fn forged_headers_reach_nobody_through_caddy(world: &World) {
        let keys = Keys::make(world).await;
        let caddy = Caddy::start(world.doors, "github").await;
        keys.forge(caddy.address).await;
    }

    async fn the_gateway_s_own_name_tells_the_environment_and_never_the_client_s_host(world: &World) {
        world.import_github().await;
        // By the name of the gateways the API is the test environment's; a client would like it to be the other.
        let hosts = json!({ "hosts": [
            { "host": SERVER_NAME, "environment": "test" }, { "host": "live.example.com", "environment": "live" },
        ] });
        world.api("PATCH", "/apis/github", Some(&hosts)).await.expect(200);
        let of = |environment: &str| json!({ "name": environment, "environment": environment, "api_sets": ["full-access"] });
        let (live, test) = (world.create_key(of("live")).await, world.create_key(of("test")).await);
        let nginx = Nginx::start(world.doors, "github").await;
        let caddy = Caddy::start(world.doors, "github").await;
        for gateway in [nginx.address, caddy.address] {
            for host in [SERVER_NAME, "live.example.com", "live.example.com:443", "other.example.com"] {
                let get = |secret: &str| Request::get("/repos/o/r").header("Host", host).bearer(secret).send(gateway);
                let refused = get(&live.secret).await.expect(403);
                assert_eq!(refused.json()["code"], "OPERATION_NOT_ALLOWED", "{host}");
                let passed = get(&test.secret).await.expect(200).json();
                assert_eq!(headers_of(&passed)["host"], SERVER_NAME, "the upstream hears the gateway's own name too");
            }
        }
    }

    async fn a_credential_that_nobody_knows_stands_in_the_organization_s_log(world: &World) {
        world.import_github().await;
        let caddy = Caddy::start(world.doors, "github").await;
        let unknown = Request::get("/repos/o/r?token=1").header("User-Agent", "probe/1").bearer("some-other-token-of-another-system");
        let refused = unknown.send(caddy.address).await.expect(401).json();
        let log = async || world.api("GET", "/organization/requests", None).await.expect(200).json()["data"].clone();
        wait_until(async || log().await != json!([]), || "the log stays empty".to_owned()).await;
        let mut log = log().await;
        let entry = log[0].as_object_mut().expect("an entry");
        assert!(entry.remove("at").is_some());
        assert_eq!(log, json!([{
            "key": null, "door": "authorize", "code": "NOT_FOUND", "check": "unknown", "ip": "127.0.0.1", "agent": "probe/1",
            "method": "GET", "path": "/repos/o/r", "api": null, "operation": null,
            "request_id": refused["request_id"], "report_only": false,
        }]));
    }

    async fn the_longest_identity_fits_through_both(world: &World) {
        world.import_github().await;
        let widest = |characters: usize| "\u{17c}".repeat(characters);
        world.api("PATCH", "/organization", Some(&json!({ "name": widest(120) }))).await.expect(200);
        let mut sets = Vec::new();
        for number in 0..12 {
            let slug = format!("{}-{number}", "s".repeat(55));
            let set = json!({ "slug": slug, "name": slug, "operations": ["github:repos/get"] });
            world.api("POST", "/api-sets", Some(&set)).await.expect(201);
            sets.push(slug);
        }
        let key = json!({ "name": widest(120), "external_id": widest(60), "api_sets": sets });
        let key = world.create_key(key).await;
        let nginx = Nginx::start(world.doors, "github").await;
        let caddy = Caddy::start(world.doors, "github").await;
        for gateway in [nginx.address, caddy.address] {
            let echoed = Request::get("/repos/o/r").bearer(&key.secret).send(gateway).await.expect(200).json();
            let headers = headers_of(&echoed);
            let identity = headers.iter().filter(|(name, _)| name.starts_with("x-auth-"));
            let lengths: Vec<usize> = identity.map(|(_, value)| value.len()).collect();
            assert!(lengths.iter().all(|length| *length <= 256) && lengths.iter().sum::<usize>() <= 3_072, "{headers:?}");
            for name in ["x-auth-key-name", "x-auth-owner-name", "x-auth-external-id"] {
                // 42 whole characters of six bytes.
                assert_eq!(headers[name], "%C5%BC".repeat(42), "{name}");
            }
            let cut = &headers["x-auth-api-sets"];
            assert!(cut.ends_with(",...") && cut.len() > 200, "{cut}");
            assert_eq!(headers["x-auth-key-id"], key.id);
        }
        assert!(!nginx.logs().contains("too big header"), "{}", nginx.logs());
    }

    async fn with_claviger_down_nobody_passes(world: &World) {
        let keys = Keys::make(world).await;
        let nginx = Nginx::start(world.doors, "github").await;
        let caddy = Caddy::start(world.doors, "github").await;
        world.stop_serving().await;
        for address in [nginx.address, caddy.address] {
            let answer = Request::get("/repos/o/r").bearer(&keys.limited).send(address).await;
            assert!((500..600).contains(&answer.status), "{}", answer.text());
            assert!(!answer.text().contains("\"upstream\""));
        }
    }

    async fn a_door_token_names_the_organization_that_a_gateway_asks_for(world: &World) {
        let keys = Keys::make(world).await;
        let door = world.create_key(json!({ "name": "door", "api_sets": ["claviger-verify"] })).await;
        world.second_organization("other").await;
        let without = Nginx::start(world.doors, "github").await;
        Request::get("/repos/o/r").bearer(&keys.limited).send(without.address).await.expect(403);
        let with = Nginx::start_with_token(world.doors, "github", &door.secret).await;
        let caddy = Caddy::start_for_header(world.doors, "github", &door.secret, None).await;
        for gateway in [with.address, caddy.address] {
            let passed = Request::get("/repos/o/r").bearer(&keys.limited).header("X-Claviger-Door", "forged").send(gateway).await;
            let echoed = passed.expect(200).json();
            assert!(!echoed.to_string().contains(&door.secret), "the token stays at the gateway");
            assert_eq!(headers_of(&echoed).get("x-claviger-door").map_or("", String::as_str), "", "and so does a forged one");
        }
        // A door token opens no API by itself.
        Request::get("/repos/o/r").bearer(&door.secret).send(with.address).await.expect(403);
        let wrong = Nginx::start_with_token(world.doors, "github", &keys.limited).await;
        Request::get("/repos/o/r").bearer(&keys.limited).send(wrong.address).await.expect(403);
    }
}

/// The keys of these tests.
struct Keys {
    /// `repos/get` and `issues/*`.
    limited: String,
    /// The same, from an address that is not ours.
    elsewhere: String,
    /// Everything, from the loopback.
    here: String,
    limited_id: String,
    organization: Value,
}

impl Keys {
    async fn make(world: &World) -> Self {
        world.import_github().await;
        let rights = json!(["github:repos/get", "github:issues/*"]);
        let limited = world.create_key(json!({ "name": "Zażółć, \"key\"", "operations": rights })).await;
        let body = json!({ "name": "elsewhere", "operations": rights, "allowed_ips": ["203.0.113.0/24"] });
        let elsewhere = world.create_key(body).await;
        let body = json!({ "name": "here", "api_sets": ["full-access"], "allowed_ips": ["127.0.0.0/8", "::1"] });
        let here = world.create_key(body).await;
        Self {
            organization: limited.record["organization"].clone(),
            limited: limited.secret,
            limited_id: limited.id,
            elsewhere: elsewhere.secret,
            here: here.secret,
        }
    }

    async fn pass_and_refuse(&self, world: &World, gateway: SocketAddr) {
        let get = |path: &str, secret: &str| Request::get(path).bearer(secret).send(gateway);
        let passed = get("/repos/o/r?x=1", &self.limited).await.expect(200).json();
        assert_eq!(passed["target"], "/repos/o/r?x=1", "the upstream gets the target as it was sent");
        let headers = headers_of(&passed);
        assert_eq!(headers["x-auth-key-id"], self.limited_id);
        assert_eq!(json!(headers["x-auth-organization"]), self.organization);
        assert_eq!(headers["x-auth-operation"], "github:repos%2Fget", "percent-encoded outside [A-Za-z0-9 ._~@:,-]");
        assert_eq!(headers["x-auth-key-name"], "Za%C5%BC%C3%B3%C5%82%C4%87, %22key%22");
        assert!(!passed.to_string().contains(&self.limited), "the key stays at the gateway");
        let passed =
            Request::get("/repos/o/r/issues").basic("any", &self.limited).send(gateway).await.expect(200).json();
        assert_eq!(headers_of(&passed).get("authorization"), None, "also in Basic");
        let passed =
            Request::get("/repos/o/r/issues").header("X-Api-Key", &self.limited).send(gateway).await.expect(200).json();
        assert!(!passed.to_string().contains(&self.limited));
        Request::new("POST", "/repos/o/r/issues")
            .bearer(&self.limited)
            .body(b"{}".to_vec())
            .send(gateway)
            .await
            .expect(200);
        get("/anything", &self.here).await.expect(200);

        for (path, secret, status, code) in [
            ("/repos/o/r/pulls", self.limited.as_str(), 403, "OPERATION_NOT_ALLOWED"),
            ("/no/such", self.limited.as_str(), 403, "OPERATION_NOT_ALLOWED"),
            ("/repos/o/r", self.elsewhere.as_str(), 403, "IP_NOT_ALLOWED"),
            ("/repos/o/r", "clv_live_00000000000000000000000000000000000000", 401, "MALFORMED"),
            ("/repos/o/r", "some-other-token-of-another-system", 401, "NOT_FOUND"),
        ] {
            let refused = get(path, secret).await.expect(status);
            assert_eq!(refused.header("content-type").as_deref(), Some("application/problem+json"));
            assert_eq!(refused.json()["code"], code, "{path}");
        }
        let missing = Request::get("/repos/o/r").send(gateway).await.expect(401);
        assert_eq!(missing.json()["code"], "MISSING");
        let challenge = missing.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("Basic") && challenge.contains("Bearer"), "{challenge}");
        // An override of the method is judged by both.
        for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
            let overridden = Request::get("/repos/o/r").bearer(&self.limited).header(name, "DELETE");
            overridden.send(gateway).await.expect(403);
        }
        // The administrator sees why, as soon as the log is written.
        let path = format!("/keys/{}/requests", self.limited_id);
        let is_there = async || {
            let log = world.api("GET", &path, None).await.expect(200).json();
            log.to_string().contains("OPERATION_NOT_ALLOWED")
        };
        wait_until(is_there, || "the refusals are not in the log".to_owned()).await;
    }

    /// Sends every header that only a gateway may say.
    async fn forge(&self, gateway: SocketAddr) {
        let forged = IDENTITY_HEADERS.iter().copied().chain([
            "x-forwarded-for",
            "x-forwarded-method",
            "x-forwarded-uri",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-original-method",
            "x-original-uri",
            "x-original-host",
            "x-original-url",
            "x-rewrite-url",
            "x-real-ip",
            "x-claviger-door",
            "forwarded",
            "x_auth_key_id",
            "x-auth-credential",
            "x-auth-status",
            "x-auth-code",
            "x-auth-detail",
            "x-forwarded-port",
            "x-forwarded-prefix",
        ]);
        let with_forged = |mut request: Request| {
            for name in forged.clone() {
                request = request.header(name, "203.0.113.7").header(&name.to_uppercase(), "/repos/o/r");
            }
            request
        };
        // It passes by its own right, and nothing forged reaches the upstream.
        let passed =
            with_forged(Request::get("/repos/o/r")).bearer(&self.limited).send(gateway).await.expect(200).json();
        assert_eq!(headers_of(&passed)["x-auth-key-id"], self.limited_id);
        for (name, value) in headers_of(&passed) {
            let own = matches!(name.as_str(), "x-forwarded-for" | "x-real-ip");
            assert!(!value.contains("203.0.113.7") && (own || !value.contains("/repos/o/r")), "{name}: {value}");
        }
        // No forged address helps, no forged path, no forged method.
        with_forged(Request::get("/repos/o/r")).bearer(&self.elsewhere).send(gateway).await.expect(403);
        with_forged(Request::get("/repos/o/r/pulls")).bearer(&self.limited).send(gateway).await.expect(403);
        with_forged(Request::new("DELETE", "/repos/o/r")).bearer(&self.limited).send(gateway).await.expect(403);
    }
}

async fn list_only_key(world: &World) -> String {
    world.import_github().await;
    world.create_key(json!({ "name": "list", "operations": ["github:issues/list-for-repo"] })).await.secret
}

/// Each line: what an upstream could take for anything but the one operation must have been refused.
async fn spellings_are_judged(gateway: SocketAddr, secret: &str) {
    let (mut passed, mut refused) = (0, 0);
    for line in SPELLINGS.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (must_pass, asked) = line.strip_prefix("ok ").map_or((false, line), |asked| (true, asked));
        let (method, target) = asked.split_once(' ').expect("METHOD target");
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: api.github.com\r\nAuthorization: Bearer {secret}\r\nConnection: close\r\n\r\n"
        );
        let answer = exchange(gateway, request.as_bytes()).await.expect("an answer or a closed connection");
        let text = String::from_utf8_lossy(&answer).into_owned();
        let status: u16 = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(400);
        let understood = text.lines().find_map(|line| {
            line.to_ascii_lowercase()
                .starts_with("x-upstream-target:")
                .then(|| line.split_once(':').map(|(_, target)| target.trim().to_owned()).unwrap_or_default())
        });
        if let Some(target) = understood {
            passed += 1;
            let upstream_method =
                text.lines().find_map(|line| line.strip_prefix("X-Upstream-Method: ")).unwrap_or_default();
            assert!(matches!(upstream_method.trim(), "GET" | "HEAD"), "{line}: {upstream_method}");
            assert!(!target.to_lowercase().contains("_method="), "{line}: an upstream could take the override");
            for path in understandings(&target) {
                let segments: Vec<_> = path.split('/').collect();
                let listed = matches!(segments.as_slice(), ["", "repos", _, _, "issues"]);
                assert!(listed, "{line}: an upstream could take it for {path}");
            }
        } else {
            refused += 1;
            assert!((400..500).contains(&status), "{line}: {text}");
        }
        assert!(!must_pass || status == 200, "{line} must pass: {text}");
    }
    assert!(passed >= 5 && refused >= 45, "{passed} passed, {refused} refused");
}

/// The headers that the upstream saw.
pub fn headers_of(echoed: &Value) -> BTreeMap<String, String> {
    let pairs = echoed["headers"].as_array().into_iter().flatten();
    pairs.filter_map(|pair| Some((pair[0].as_str()?.to_owned(), pair[1].as_str()?.to_owned()))).collect()
}
