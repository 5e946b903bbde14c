//! The clients of `clients/` against the real server: every golden verdict, and services behind their guards. The clients know
//! nothing of the database, so one is enough.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::response::IntoResponse;
use axum::{Extension, Json, Router};
use claviger_client::{Client, Code, Error, Guard, GuardLayer, OnOutage, Passed, Question};
use claviger_server::config::{Config, SecondFactor};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::gateways::spellings_are_judged;
use crate::golden::Golden;
use crate::harness::database::Kind;
use crate::harness::portal::Portal;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::{World, run, run_with};
use crate::webservice::senders::{Admin, Switchboard, signature};

/// A name, and a file of `e2e/golden`.
macro_rules! golden {
    ($($name:ident: $file:literal, $least:literal;)*) => {
        $(#[test]
        fn $name() {
            run(Kind::Sqlite, async |world| {
                let seen = judge_by_clients(world, include_str!(concat!("../../golden/", $file))).await;
                assert!(seen.len() >= $least, "too few codes: {seen:?}");
            });
        })*
    };
}

golden! {
    clients_read_the_golden_verdicts: "verdicts.json", 8;
    clients_read_the_golden_terms: "terms.json", 3;
    clients_read_the_golden_sharing: "sharing.json", 3;
    clients_read_the_golden_answers: "answers.json", 1;
    clients_read_the_golden_owners: "owners.json", 3;
    clients_read_the_golden_people: "people.json", 3;
    clients_read_the_golden_limits: "limits.json", 3;
    clients_read_the_golden_versions: "versions.json", 2;
    w_14_clients_read_the_golden_signatures: "signatures.json", 3;
}

#[test]
fn clients_read_the_golden_sign_ins() {
    let configure = |config: &mut Config| config.api_users.second_factor = SecondFactor::Obligatory;
    run_with(Kind::Sqlite, configure, async |world| {
        let seen = judge_by_clients(world, include_str!("../../golden/sign_ins.json")).await;
        assert!(seen.len() >= 3, "too few codes: {seen:?}");
    });
}

/// Asks every question of a file by both clients; the codes that were answered.
async fn judge_by_clients(world: &World, corpus: &str) -> BTreeSet<String> {
    let golden = Golden::make(world, corpus).await;
    let url = format!("http://{}", world.doors);
    let mut script = Script::start("ask.mjs", &url);
    let mut seen = BTreeSet::new();
    golden
        .ask_by(world, async |question, token| {
            let mut builder = Client::builder(&url);
            if let Some(token) = token {
                builder = builder.door_token(token);
            }
            let asked: Question = serde_json::from_value(question.clone()).expect("a question");
            let verdict = builder.build().expect("a client").verify(&asked).await.expect("a verdict");
            let is_allowed = verdict.is_allowed();
            assert!(!matches!(verdict.code, Code::Unknown(_)), "{}", verdict.code);
            seen.insert(verdict.code.to_string());
            let rust = serde_json::to_value(verdict).expect("JSON");
            let script = script.ask(&json!({ "question": question, "doorToken": token })).await;
            assert_eq!((script["isAllowed"].as_bool(), is_allowed), (Some(is_allowed), rust["valid"] == true));
            vec![rust, script["verdict"].clone()]
        })
        .await;
    seen
}

#[test]
fn everything_that_a_verdict_has_is_passed_on() {
    run(Kind::Sqlite, async |world| {
        world.import_github().await;
        let body = json!({ "name": "all", "operations": ["github:repos/get"], "external_id": "e", "metadata": { "plan": { "b": [1] } } });
        let key = world.create_key(body).await;
        let url = format!("http://{}", world.doors);
        let mut script = Script::start("ask.mjs", &url);
        let client = Client::builder(&url).build().expect("a client");
        for path in ["/repos/o/r", "/repos/o/r/pulls"] {
            let question = json!({ "credential": key.secret, "api": "github", "method": "GET", "path": path });
            let raw = Request::post("/v1/verify", &question).send(world.doors).await.expect(200).json();
            let asked: Question = serde_json::from_value(question.clone()).expect("a question");
            let rust = serde_json::to_value(client.verify(&asked).await.expect("a verdict")).expect("JSON");
            let typescript = script.ask(&json!({ "question": question })).await["verdict"].clone();
            let but_for_its_id = |mut verdict: Value| {
                let id = verdict["request_id"].take();
                assert!(id.as_str().is_some_and(|id| !id.is_empty()));
                verdict
            };
            let raw = but_for_its_id(raw);
            assert_eq!(but_for_its_id(rust), raw);
            assert_eq!(but_for_its_id(typescript), raw);
        }
    });
}

#[test]
fn a_client_uses_its_connections_again_and_says_what_is_wrong() {
    run(Kind::Sqlite, async |world| {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "k", "api_sets": ["full-access"] })).await;
        let client =
            Client::builder(format!("http://{}", world.doors)).api("github").retries(0).build().expect("a client");
        let question = Question::of_key(key.secret.as_str()).request("GET", "/repos/o/r");
        for _ in 0..20 {
            assert!(client.verify(&question).await.expect("a verdict").is_allowed());
        }
        let metrics = Request::get("/metrics").send(world.telemetry).await.expect(200).text();
        let open = metrics.lines().find_map(|line| line.strip_prefix("claviger_door_connections "));
        // A second one may have been opened while the first was being put back.
        assert!(open.is_some_and(|open| ["1", "2"].contains(&open)), "{open:?}");

        let questions = [question.clone(), Question { path: None, ..question.clone() }, Question::of_key("x")];
        let answers = client.verify_batch(&questions).await.expect("answers");
        assert!(answers[0].as_ref().is_ok_and(claviger_client::Verdict::is_allowed));
        assert_eq!(answers[1].as_ref().expect_err("malformed").errors[0].field, "path");
        assert!(answers[2].as_ref().is_ok_and(|verdict| !verdict.valid));
        let error = client.verify(&questions[1]).await.expect_err("malformed");
        assert!(matches!(&error, Error::Malformed(problem) if problem.errors[0].field == "path"), "{error}");
        let wrong =
            Client::builder(format!("http://{}", world.doors)).door_token(key.secret).build().expect("a client");
        let error = wrong.verify(&question).await.expect_err("no door token");
        assert!(matches!(error, Error::DoorToken(_)), "{error}");
    });
}

#[test]
fn guards_let_pass_and_refuse_as_gateways_do() {
    run(Kind::Sqlite, async |world| {
        let rights = json!(["github:repos/get", "github:issues/*"]);
        world.import_github().await;
        let limited = world.create_key(json!({ "name": "limited", "operations": rights })).await;
        let body = json!({ "name": "far", "operations": rights, "allowed_ips": ["203.0.113.0/24"] });
        let far = world.create_key(body).await;
        let gone = world.create_key(json!({ "name": "gone", "operations": rights })).await;
        world.api("POST", &format!("/keys/{}/disable", gone.id), Some(&json!({}))).await.expect(200);
        let services = Services::start(world, OnOutage::Refuse).await;
        for (name, address) in services.all() {
            let get = async |path: &str, secret: &str| Request::get(path).bearer(secret).send(address).await;
            let passed = get("/repos/o/r?x=%2f", &limited.secret).await.expect(200);
            assert_eq!(passed.header("x-upstream-target").as_deref(), Some("/repos/o/r?x=%2f"), "{name}");
            assert_eq!((&passed.json()["key"]["name"], &passed.json()["code"]), (&json!("limited"), &json!("VALID")));
            Request::get("/repos/o/r/issues").basic("any", &limited.secret).send(address).await.expect(200);
            Request::get("/repos/o/r/issues").header("X-Api-Key", &limited.secret).send(address).await.expect(200);
            for (path, secret, status, code) in [
                ("/repos/o/r/pulls", limited.secret.as_str(), 403, "OPERATION_NOT_ALLOWED"),
                ("/repos/o/r", far.secret.as_str(), 403, "IP_NOT_ALLOWED"),
                ("/repos/o/r", gone.secret.as_str(), 401, "DISABLED"),
                ("/repos/o/r", "clv_live_00000000000000000000000000000000000000", 401, "MALFORMED"),
                ("/repos/o/r", "some-other-token-of-another-system", 401, "NOT_FOUND"),
            ] {
                refused(&get(path, secret).await, status, code, name);
            }
            let missing = Request::get("/repos/o/r").send(address).await;
            refused(&missing, 401, "MISSING", name);
            let challenge = missing.header("www-authenticate").expect("a challenge");
            assert!(challenge.contains("Basic") && challenge.contains("Bearer"), "{name}: {challenge}");
            // The loopback is a trusted proxy here: its word counts, and what stands further left does not.
            let by_proxy = |list: &str| Request::get("/repos/o/r").bearer(&far.secret).header("X-Forwarded-For", list);
            by_proxy("198.51.100.1, 203.0.113.7").send(address).await.expect(200);
            refused(&by_proxy("203.0.113.7, 198.51.100.1").send(address).await, 403, "IP_NOT_ALLOWED", name);
            let overridden =
                Request::get("/repos/o/r").bearer(&limited.secret).header("X-HTTP-Method-Override", "DELETE");
            refused(&overridden.send(address).await, 403, "OPERATION_NOT_ALLOWED", name);
        }
        world.stop_serving().await;
        for (name, address) in services.all() {
            let answer = Request::get("/repos/o/r").bearer(&limited.secret).send(address).await;
            refused(&answer, 503, "busy", name);
            assert!(answer.header("retry-after").is_some());
        }
    });
}

#[test]
fn guards_pass_the_token_of_an_api_user_and_a_body_is_signed_by_the_clients() {
    run(Kind::Sqlite, async |world| {
        world.import_github().await;
        let portal = Portal::make(world, "con_1", "pro_1").await;
        let services = Services::start(world, OnOutage::Refuse).await;
        for (name, address) in services.all() {
            let passed = portal.present(Request::get("/repos/o/r")).send(address).await.expect(200).json();
            assert_eq!(passed["api_user"]["id"], portal.user["id"], "{name}");
            let without = portal.present_without_token(Request::get("/repos/o/r")).send(address).await;
            refused(&without, 401, "NOT_FOUND", name);
        }
        portal.sign_out(world).await;
        for (name, address) in services.all() {
            refused(&portal.present(Request::get("/repos/o/r")).send(address).await, 401, "NOT_FOUND", name);
        }

        let switchboard = Switchboard::make(Admin::of(world)).await;
        let client = Client::builder(format!("http://{}", world.doors)).api("github").build().expect("a client");
        let code = async |signature: &str, body: &[u8]| {
            let question = Question::default().signed(signature, body).request("POST", "/repos/o/r/issues");
            let question = question.client_ip("203.0.113.7".parse().expect("an address"));
            client.verify(&question).await.expect("a verdict").code
        };
        let body = b"{\"raw\": \"\xff\xfe\x00\"}";
        let signature = signature(&switchboard.secret, body);
        assert_eq!(code(&signature, body).await, Code::Valid);
        assert_eq!(code(&signature, b"{}").await, Code::NotFound);
    });
}

#[test]
fn guards_that_fail_open_pass_during_an_outage_and_at_no_other_time() {
    run(Kind::Sqlite, async |world| {
        world.import_github().await;
        let services = Services::start(world, OnOutage::Pass).await;
        for (name, address) in services.all() {
            refused(&Request::get("/repos/o/r").send(address).await, 401, "MISSING", name);
        }
        world.stop_serving().await;
        for (name, address) in services.all() {
            let passed = Request::get("/repos/o/r").send(address).await.expect(200);
            assert_eq!(passed.json(), Value::Null, "{name}: there is no verdict");
        }
    });
}

#[test]
fn no_spelling_of_a_path_slips_past_a_guard() {
    run(Kind::Sqlite, async |world| {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "list", "operations": ["github:issues/list-for-repo"] })).await;
        let services = Services::start(world, OnOutage::Refuse).await;
        for (_, address) in services.all() {
            spellings_are_judged(address, &key.secret).await;
        }
    });
}

#[test]
fn the_examples_run_as_they_stand() {
    run(Kind::Sqlite, async |world| {
        world.import_github().await;
        let key = world.create_key(json!({ "name": "Issue bot", "operations": ["github:issues/*"] })).await;
        for file in ["express.mjs", "hono.mjs"] {
            let mut command = node(&typescript().join("examples").join(file));
            command.env("CLAVIGER_DOORS_URL", format!("http://{}", world.doors)).env("PORT", "0");
            let (_child, mut lines) = started(command);
            let line = lines.next_line().await.expect("output").expect("a line");
            let address: SocketAddr = line.rsplit("//").next().and_then(|text| text.parse().ok()).expect(&line);
            let get = async |path: &str| Request::get(path).bearer(&key.secret).send(address).await;
            let said = get("/repos/o/r/issues").await.expect(200).text();
            assert_eq!(said, "issues, for Issue bot\n", "{file}");
            get("/repos/o/r/pulls").await.expect(403);
            Request::get("/healthz").send(address).await.expect(200);
        }
    });
}

#[track_caller]
fn refused(answer: &Response, status: u16, code: &str, service: &str) {
    assert_eq!(answer.status, status, "{service}: {}", answer.text());
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/problem+json"), "{service}: {kind}");
    assert_eq!(answer.json()["code"], code, "{service}");
    assert!(answer.header("x-upstream-target").is_none(), "{service}: it reached the service");
}

/// One service a framework, each behind a guard, each echoing what it saw.
struct Services {
    axum: SocketAddr,
    express: SocketAddr,
    hono: SocketAddr,
    _script: Child,
}

// === impl Services ===

impl Services {
    async fn start(world: &World, on_outage: OnOutage) -> Self {
        let url = format!("http://{}", world.doors);
        let choice = if on_outage == OnOutage::Pass { "pass" } else { "refuse" };
        let options = json!({ "url": url, "api": "github", "trustedProxies": ["127.0.0.0/8"], "onOutage": choice });
        let mut command = node(&typescript().join("tests/services.mjs"));
        command.arg(options.to_string());
        let (script, mut lines) = started(command);
        let line = lines.next_line().await.expect("output").expect("a line with ports");
        let ports: Vec<u16> = serde_json::from_str(&line).expect("ports");
        let loopback = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let (express, hono) = (loopback(ports[0]), loopback(ports[1]));
        Self { axum: of_axum(&url, on_outage).await, express, hono, _script: script }
    }

    fn all(&self) -> [(&str, SocketAddr); 3] {
        [("axum", self.axum), ("express", self.express), ("hono", self.hono)]
    }
}

async fn of_axum(url: &str, on_outage: OnOutage) -> SocketAddr {
    let client = Client::builder(url).api("github").deadline(Duration::from_secs(5)).build().expect("a client");
    let guard = Guard::new(client).on_outage(on_outage).host("api.github.com");
    let guard = guard.trusted_proxies(["127.0.0.0/8"]).expect("ranges");
    let echo = async |Extension(passed): Extension<Passed>, request: axum::extract::Request| {
        let target = request.uri().path_and_query().map_or("", |target| target.as_str());
        let seen = [("X-Upstream-Target", target.to_owned()), ("X-Upstream-Method", request.method().to_string())];
        (seen, Json(passed.verdict().cloned())).into_response()
    };
    let router = Router::new().fallback(echo).layer(GuardLayer::new(guard));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// A script that answers a line with a line.
struct Script {
    _child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

// === impl Script ===

impl Script {
    fn start(file: &str, url: &str) -> Self {
        let mut command = node(&typescript().join("tests").join(file));
        command.arg(url);
        let (mut child, from) = started(command);
        Self { to: child.stdin.take().expect("a pipe"), _child: child, from }
    }

    async fn ask(&mut self, question: &Value) -> Value {
        self.to.write_all(format!("{question}\n").as_bytes()).await.expect("the script reads");
        let line = self.from.next_line().await.expect("output").expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }
}

/// The TypeScript client with what its tests need, as `cargo xtask clients` leaves it.
fn typescript() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/typescript");
    let built = folder.join("dist/index.js").exists() && folder.join("node_modules/express").exists();
    assert!(built, "the TypeScript client is not built: run `cargo xtask clients`");
    folder
}

fn node(file: &Path) -> Command {
    let mut command = Command::new("node");
    command.arg(file);
    command
}

/// Starts it; it ends with the value.
fn started(mut command: Command) -> (Child, Lines<BufReader<ChildStdout>>) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("node is installed");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    (child, lines)
}
