//! What every gateway has to do.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::headers_of;
use crate::harness::gateway::{Front, Kind, Running, SERVER_NAME};
use crate::harness::patience::wait_until;
use crate::harness::portal::Portal;
use crate::harness::raw_http::{Request, Response, exchange};
use crate::harness::upstream::understandings;
use crate::harness::world::World;

/// How long a client waits at most, on a busy machine, where Claviger says nothing: Traefik waits 30 seconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(45);
pub(super) const SPELLINGS: &str = include_str!("../../../data/path-spellings.txt");
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

/// The keys of these tests.
struct Keys {
    /// `repos/get` and `issues/*`.
    limited: String,
    /// The same, from an address that is not ours.
    elsewhere: String,
    full: String,
    limited_id: String,
    organization: Value,
}

/// A key passes where it may, and goes no further; a refusal reaches the client as it is.
pub(super) async fn passes_and_refuses(kind: Kind, world: &World) {
    let keys = Keys::make(world).await;
    let gateway = kind.start(Front::of(world.doors, "github")).await;
    keys.pass(&gateway).await;
    keys.be_refused(kind, &gateway).await;
    // The administrator sees why, as soon as the log is written.
    let path = format!("/keys/{}/requests", keys.limited_id);
    let is_there = async || {
        let log = world.api("GET", &path, None).await.expect(200).json();
        log.to_string().contains("OPERATION_NOT_ALLOWED")
    };
    wait_until(is_there, || "the refusals are not in the log".to_owned()).await;
    assert!(!gateway.logs().contains("unexpected status"), "{}", gateway.logs());
}

/// No spelling of a path opens more than the path itself.
pub(super) async fn judges_spellings(kind: Kind, world: &World) {
    world.import_github().await;
    let key = world.create_key(json!({ "name": "list", "operations": ["github:issues/list-for-repo"] })).await;
    let gateway = kind.start(Front::of(world.doors, "github")).await;
    spellings_are_judged(gateway.address, &key.secret).await;
    // What would be the right path if the gateway made another one of it is judged as it came.
    for target in ["/repos/o/r/pulls/../issues", "//repos/o/r/issues", "/repos/o/r%2Fissues"] {
        let answer = gateway.send(Request::get(target).bearer(&key.secret)).await;
        assert!((400..500).contains(&answer.status), "{target}: {}", answer.text());
    }
}

/// Of two APIs the host is the other one's; the gateway asks for the one that it protects.
pub(super) async fn asks_for_its_own_api(kind: Kind, world: &World) {
    world.import_github().await;
    let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
    for api in ["default", "github"] {
        let gateway = kind.start(Front::of(world.doors, api)).await;
        let passed = gateway.send(Request::get("/repos/o/r").bearer(&key.secret)).await.expect(200).json();
        assert_eq!(headers_of(&passed)["x-auth-api"], api);
    }
}

/// A client sends every header that only a gateway may say.
pub(super) async fn overwrites_forged(kind: Kind, world: &World) {
    let keys = Keys::make(world).await;
    let gateway = kind.start(Front::of(world.doors, "github")).await;
    // It passes by its own right, and nothing forged reaches the upstream.
    let with_underscores = forged(Request::get("/repos/o/r")).header("x_auth_key_id", "203.0.113.7");
    let passed = if kind.refuses_underscores() {
        gateway.send(with_underscores.bearer(&keys.limited)).await.expect(400);
        gateway.send(forged(Request::get("/repos/o/r")).bearer(&keys.limited)).await
    } else {
        gateway.send(with_underscores.bearer(&keys.limited)).await
    };
    let passed = passed.expect(200).json();
    assert_eq!(headers_of(&passed)["x-auth-key-id"], keys.limited_id);
    for (name, value) in headers_of(&passed) {
        let own = matches!(name.as_str(), "x-forwarded-for" | "x-real-ip");
        assert!(!value.contains("203.0.113.7") && (own || !value.contains("/repos/o/r")), "{name}: {value}");
    }
    // No forged address helps, no forged path, no forged method.
    for (request, secret) in [
        (Request::get("/repos/o/r"), &keys.elsewhere),
        (Request::get("/repos/o/r/pulls"), &keys.limited),
        (Request::new("DELETE", "/repos/o/r"), &keys.limited),
    ] {
        gateway.send(forged(request).bearer(secret)).await.expect(403);
    }
}

/// A door token names the organization that a gateway asks for. It never leaves the gateway, and a client's is none.
pub(super) async fn keeps_its_door_token(kind: Kind, world: &World) {
    let keys = Keys::make(world).await;
    let door = world.create_key(json!({ "name": "door", "api_sets": ["claviger-verify"] })).await;
    world.second_organization("other").await;
    let get = |secret: &str| Request::get("/repos/o/r").bearer(secret).header("X-Claviger-Door", &door.secret);
    let front = Front::of(world.doors, "github");
    // Without a token of the gateway's nobody passes, though a client sends a right one.
    let without = kind.start(front).await;
    let refused = if kind.says_not_active_alone() { 401 } else { 403 };
    without.send(get(&keys.limited)).await.expect(refused);
    let with = kind.start(Front { token: &door.secret, ..front }).await;
    let forging = Request::get("/repos/o/r").bearer(&keys.limited).header("X-Claviger-Door", "forged");
    let echoed = with.send(forging).await.expect(200).json();
    assert!(!echoed.to_string().contains(&door.secret), "the token stays at the gateway");
    let left = headers_of(&echoed).get("x-claviger-door").cloned().unwrap_or_default();
    assert_eq!(left, "", "and so does a forged one");
    // A door token opens no API by itself.
    with.send(Request::get("/repos/o/r").bearer(&door.secret)).await.expect(403);
    let wrong = kind.start(Front { token: &keys.limited, ..front }).await;
    wrong.send(get(&keys.limited)).await.expect(refused);
}

/// By the name of the gateway the API is the test environment's; a client would like it to be the other.
pub(super) async fn says_its_own_name(kind: Kind, world: &World) {
    world.import_github().await;
    let hosts = json!({ "hosts": [
        { "host": SERVER_NAME, "environment": "test" }, { "host": "live.example.com", "environment": "live" },
    ] });
    world.api("PATCH", "/apis/github", Some(&hosts)).await.expect(200);
    let of =
        |environment: &str| json!({ "name": environment, "environment": environment, "api_sets": ["full-access"] });
    let (live, test) = (world.create_key(of("live")).await, world.create_key(of("test")).await);
    let gateway = kind.start(Front::of(world.doors, "github")).await;
    for host in [SERVER_NAME, "live.example.com", "live.example.com:443", "other.example.com"] {
        let get = |secret: &str| Request::get("/repos/o/r").header("Host", host).bearer(secret).send(gateway.address);
        if host != SERVER_NAME && kind.answers_its_own_name_alone() {
            get(&live.secret).await.expect(404);
            get(&test.secret).await.expect(404);
            continue;
        }
        let refused = get(&live.secret).await.expect(403);
        assert_eq!(refused.json()["code"], "OPERATION_NOT_ALLOWED", "{host}");
        let passed = get(&test.secret).await.expect(200).json();
        assert_eq!(headers_of(&passed)["host"], SERVER_NAME, "the upstream hears the gateway's own name too");
    }
}

/// What the balancer wrote stands at the right; what its client claimed, left of it.
pub(super) async fn sees_through_a_balancer(kind: Kind, world: &World) {
    let key = json!({ "name": "k", "api_sets": ["full-access"], "allowed_ips": ["203.0.113.7"] });
    let key = world.create_key(key).await;
    let front = Front::of(world.doors, "default");
    let gateway = kind.start(Front { behind_balancer: true, ..front }).await;
    for (list, status) in [("203.0.113.7", 200), ("198.51.100.1, 203.0.113.7", 200), ("203.0.113.7, 198.51.100.1", 403)]
    {
        let request = Request::get("/x").bearer(&key.secret).header("X-Forwarded-For", list);
        let answer = gateway.send(request).await;
        assert_eq!(answer.status, status, "{list}: {}", answer.text());
        assert!(status == 200 || answer.json()["code"] == "IP_NOT_ALLOWED", "{}", answer.text());
    }
    gateway.send(Request::get("/x").bearer(&key.secret)).await.expect(403);
    // Without one in front of it, whatever a client claims is its claim.
    let alone = kind.start(front).await;
    for name in ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Client-IP", "True-Client-IP"] {
        let refused = alone.send(Request::get("/x").bearer(&key.secret).header(name, "203.0.113.7")).await.expect(403);
        assert_eq!(refused.json()["code"], "IP_NOT_ALLOWED", "{name}");
    }
}

/// Names and lists are cut so that all of them together fit into the gateway's buffers.
pub(super) async fn passes_the_longest_identity(kind: Kind, world: &World) {
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
    let gateway = kind.start(Front::of(world.doors, "github")).await;
    let echoed = gateway.send(Request::get("/repos/o/r").bearer(&key.secret)).await.expect(200).json();
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
    assert!(!gateway.logs().contains("too big header"), "{}", gateway.logs());
}

/// A key in a header that the API names passes, and that header goes no further.
pub(super) async fn takes_keys_in_a_header_of_its_own(kind: Kind, world: &World) {
    let keys = Keys::make(world).await;
    let sources = json!({ "credential_sources": ["x-company-key"] });
    world.api("PATCH", "/apis/github", Some(&sources)).await.expect(200);
    let gateway = kind.start(Front { header: Some("x-company-key"), ..Front::of(world.doors, "github") }).await;
    let get = || Request::get("/repos/o/r").header("X-Api-Key", "of-the-service-s-own-users");
    let echoed = gateway.send(get().header("X-Company-Key", &keys.full)).await.expect(200).json();
    assert!(!echoed.to_string().contains(&keys.full), "the key stays at the gateway");
    assert_eq!(headers_of(&echoed)["x-api-key"], "of-the-service-s-own-users");
    gateway.send(get().bearer(&keys.full)).await.expect(401);
    if kind.hears_one_header_of_keys() {
        return;
    }
    // An API that takes them in the usual one too: the key stays here as well.
    let sources = json!({ "credential_sources": ["x-company-key", "x-api-key"] });
    world.api("PATCH", "/apis/github", Some(&sources)).await.expect(200);
    let usual = Request::get("/repos/o/r").header("X-Api-Key", &keys.full);
    let echoed = gateway.send(usual).await.expect(200).json();
    assert!(!echoed.to_string().contains(&keys.full), "the key stays at the gateway");
}

/// Name and password, key and token are one credential: the service hears who has signed in, and gets none of the parts.
pub(super) async fn passes_a_session_on(kind: Kind, world: &World) {
    world.import_github().await;
    let portal = Portal::make(world, "C/7 ż", "U-1").await;
    let gateway = kind.start(Front::of(world.doors, "github")).await;
    let get = || Request::get("/repos/o/r");
    let passed = gateway.send(portal.present(forged(get()))).await.expect(200).json();
    let headers = headers_of(&passed);
    for (name, value) in [
        ("x-auth-key-id", json!(portal.key.id)),
        ("x-auth-owner-type", json!("application")),
        ("x-auth-user", portal.user["id"].clone()),
        ("x-auth-profile", portal.user["profile_user"]["id"].clone()),
        ("x-auth-profile-external", json!("U-1")),
        ("x-auth-permission-type", json!("3")),
        ("x-auth-contact", json!("C%2F7 %C5%BC")),
    ] {
        assert_eq!(json!(headers[name]), value, "{name}");
    }
    for name in ["authorization", "x-api-key", "x-token"] {
        assert_eq!(headers.get(name).map(String::as_str).unwrap_or_default(), "", "{name} stays at the gateway");
    }
    let without = gateway.send(portal.present_without_token(get())).await.expect(401);
    let code = if kind.says_not_active_alone() { "unauthenticated" } else { "NOT_FOUND" };
    assert_eq!(without.json()["code"], code);
    gateway.send(get().bearer(&portal.key.secret)).await.expect(401);
    portal.sign_out(world).await;
    gateway.send(portal.present(get())).await.expect(401);
}

/// Fail closed.
pub(super) async fn passes_nobody_without_claviger(kind: Kind, world: &World) {
    let keys = Keys::make(world).await;
    let gateway = kind.start(Front::of(world.doors, "github")).await;
    gateway.send(Request::get("/repos/o/r").bearer(&keys.full)).await.expect(200);
    world.stop_serving().await;
    let answer = gateway.send(Request::get("/repos/o/r").bearer(&keys.full)).await;
    is_closed(kind, &answer);
}

/// What stands for a verdict where there is none.
fn is_closed(kind: Kind, answer: &Response) {
    let statuses = if kind.says_not_active_alone() { 401..402 } else { 500..600 };
    assert!(statuses.contains(&answer.status), "{}", answer.text());
    assert!(!answer.text().contains("\"upstream\""));
}

/// Fail closed, and in time: connections to Claviger are taken, and nothing is ever said.
pub(super) async fn passes_nobody_without_an_answer(kind: Kind) {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let doors = silent.local_addr().expect("a bound address");
    let gateway = kind.start(Front::of(doors, "default")).await;
    let request = Request::get("/x").bearer("some-token-of-nobody-here");
    let answer = timeout(ANSWER_WITHIN, gateway.send(request)).await.expect("an answer in time");
    is_closed(kind, &answer);
}

// === impl Keys ===

impl Keys {
    async fn make(world: &World) -> Self {
        world.import_github().await;
        let rights = json!(["github:repos/get", "github:issues/*"]);
        let limited = world.create_key(json!({ "name": "Zażółć, \"key\"", "operations": rights })).await;
        let body = json!({ "name": "elsewhere", "operations": rights, "allowed_ips": ["203.0.113.0/24"] });
        let elsewhere = world.create_key(body).await;
        let full = world.create_key(json!({ "name": "full", "api_sets": ["full-access"] })).await;
        Self {
            organization: limited.record["organization"].clone(),
            limited: limited.secret,
            limited_id: limited.id,
            elsewhere: elsewhere.secret,
            full: full.secret,
        }
    }

    async fn pass(&self, gateway: &Running) {
        let passed = gateway.send(Request::get("/repos/o/r?x=1").bearer(&self.limited)).await.expect(200).json();
        assert_eq!(passed["target"], "/repos/o/r?x=1", "the upstream gets the target as it was sent");
        let headers = headers_of(&passed);
        assert_eq!(headers["x-auth-key-id"], self.limited_id);
        assert_eq!(json!(headers["x-auth-organization"]), self.organization);
        assert_eq!(headers["x-auth-operation"], "github:repos%2Fget", "percent-encoded outside [A-Za-z0-9 ._~@:,-]");
        assert_eq!(headers["x-auth-key-name"], "Za%C5%BC%C3%B3%C5%82%C4%87, %22key%22");
        assert!(!passed.to_string().contains(&self.limited), "the key stays at the gateway");
        let basic = Request::get("/repos/o/r/issues").basic("any", &self.limited);
        let passed = gateway.send(basic).await.expect(200).json();
        assert_eq!(headers_of(&passed).get("authorization"), None, "also in Basic");
        let key = Request::get("/repos/o/r/issues").header("X-Api-Key", &self.limited);
        // A token of the service's own users in the other header is none of ours.
        let passed = gateway.send(key.bearer("a.users.jwt")).await.expect(200).json();
        assert!(!passed.to_string().contains(&self.limited));
        assert_eq!(headers_of(&passed)["authorization"], "Bearer a.users.jwt");
        let post = Request::new("POST", "/repos/o/r/issues").bearer(&self.limited).body(b"{}".to_vec());
        gateway.send(post).await.expect(200);
        gateway.send(Request::get("/anything").bearer(&self.full)).await.expect(200);
    }

    async fn be_refused(&self, kind: Kind, gateway: &Running) {
        let told = |code| if kind.says_not_active_alone() { "unauthenticated" } else { code };
        for (path, secret, status, code) in [
            ("/repos/o/r/pulls", self.limited.as_str(), 403, "OPERATION_NOT_ALLOWED"),
            ("/no/such", self.limited.as_str(), 403, "OPERATION_NOT_ALLOWED"),
            ("/repos/o/r", self.elsewhere.as_str(), 403, "IP_NOT_ALLOWED"),
            ("/repos/o/r", "clv_live_00000000000000000000000000000000000000", 401, "MALFORMED"),
            ("/repos/o/r", "some-other-token-of-another-system", 401, "NOT_FOUND"),
        ] {
            let refused = gateway.send(Request::get(path).bearer(secret)).await.expect(status);
            assert_eq!(refused.header("content-type").as_deref(), Some("application/problem+json"));
            let code = if status == 401 { told(code) } else { code };
            assert_eq!(refused.json()["code"], code, "{path}");
        }
        let missing = gateway.send(Request::get("/repos/o/r")).await.expect(401);
        assert_eq!(missing.json()["code"], told("MISSING"));
        let challenge = missing.header("www-authenticate").expect("a challenge");
        assert!(challenge.contains("Basic") && challenge.contains("Bearer"), "{challenge}");
        // An override of the method is judged by both.
        for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
            let overridden = Request::get("/repos/o/r").bearer(&self.limited).header(name, "DELETE");
            gateway.send(overridden).await.expect(403);
        }
    }
}

/// The request with forged headers, each of them twice.
pub(super) fn forged(mut request: Request) -> Request {
    let names = IDENTITY_HEADERS.iter().copied().chain([
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
        "x-auth-credential",
        "x-auth-status",
        "x-auth-code",
        "x-auth-detail",
        "x-forwarded-port",
        "x-forwarded-prefix",
    ]);
    for name in names {
        request = request.header(name, "203.0.113.7").header(&name.to_uppercase(), "/repos/o/r");
    }
    request
}

/// Each line: what an upstream could take for anything but the one operation must have been refused.
pub async fn spellings_are_judged(gateway: SocketAddr, secret: &str) {
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
        let told = |name: &str| {
            let lines = text.lines().filter_map(|line| line.split_once(": "));
            lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
        };
        if let Some(target) = told("x-upstream-target") {
            passed += 1;
            assert_understood_as_listed(line, told("x-upstream-method").unwrap_or_default(), target);
        } else {
            refused += 1;
            assert!((400..500).contains(&status), "{line}: {text}");
        }
        assert!(!must_pass || status == 200, "{line} must pass: {text}");
    }
    assert!(passed >= 5 && refused >= 45, "{passed} passed, {refused} refused");
}

/// No upstream can take what passed for anything but `GET /repos/{owner}/{repo}/issues`.
pub(super) fn assert_understood_as_listed(line: &str, method: &str, target: &str) {
    assert!(matches!(method, "GET" | "HEAD"), "{line}: {method}");
    assert!(!target.to_lowercase().contains("_method="), "{line}: an upstream could take the override");
    for path in understandings(target) {
        let segments: Vec<_> = path.split('/').collect();
        let listed = matches!(segments.as_slice(), ["", "repos", _, _, "issues"]);
        assert!(listed, "{line}: an upstream could take it for {path}");
    }
}
