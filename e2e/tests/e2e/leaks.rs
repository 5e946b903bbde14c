//! `POST /leaks` on the public listener: what scanners find is out of service at once.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::database::Kind;
use crate::harness::raw_http::{Request, Response};
use crate::harness::world::{World, run_with};
use crate::harness::{on_both_databases, world};

/// What one address may ask in a minute.
const REPORTS_MAX: usize = 120;

async fn code(world: &World, secret: &str) -> Value {
    world.verdict(secret, "default", "GET", "/x").await["code"].clone()
}

async fn audited(world: &World) -> Vec<Value> {
    let log = world.api("GET", "/audit?action=key.leak", None).await.expect(200).json();
    log["data"].as_array().expect("a list").clone()
}

/// A key that may report leaks and nothing else.
async fn scanner(world: &World) -> String {
    world.create_key(json!({"name": "scanner", "api_sets": ["claviger-leaks-report"]})).await.secret
}

async fn key(world: &World, name: &str) -> world::CreatedKey {
    world.create_key(json!({"name": name, "api_sets": ["full-access"]})).await
}

async fn report(world: &World, token: &str, body: &Value) -> Response {
    Request::post("/leaks", body).bearer(token).send(world.public).await
}

fn labels(answer: &Value) -> Vec<&str> {
    answer.as_array().expect("findings").iter().map(|found| found["label"].as_str().expect("a label")).collect()
}

fn sha256(value: &str) -> String {
    Sha256::digest(value).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

on_both_databases! {
    async fn y_44_what_a_scanner_reports_is_out_of_service_before_it_is_answered(world: &World) {
        let scanner = scanner(world).await;
        let (leaked, other) = (key(world, "leaked").await, key(world, "other").await);
        let body = json!([
            {"token": leaked.secret, "type": "acme_key", "url": format!("https://github.com/a/b?x={}", leaked.secret), "source": "commit"},
            {"token": "clv_live_00000000000000000000000000000000000000", "type": "acme_key", "url": "", "source": ""},
            {"token": "some-other-token-of-another-system"},
        ]);
        let answer = report(world, &scanner, &body).await.expect(200).json();
        assert_eq!(labels(&answer), ["true_positive", "false_positive", "false_positive"]);
        assert_eq!(answer[0]["token_hash"], json!(sha256(&leaked.secret)));
        assert_eq!(answer[0]["token_type"], "acme_key");
        assert!(!answer.to_string().contains(&leaked.secret));
        assert_eq!((code(world, &leaked.secret).await, code(world, &other.secret).await), (json!("DISABLED"), json!("VALID")));
        let record = world.get_key(&leaked.id).await;
        assert_eq!(record["state_reason"], "leaked: commit https://github.com/a/b");
        let entries = audited(world).await;
        let [entry] = entries.as_slice() else { panic!("one entry: {entries:?}") };
        assert_eq!((&entry["actor"]["name"], &entry["object"]["id"]), (&json!("scanner"), &json!(leaked.id)));
        // Once more changes nothing.
        assert_eq!(labels(&report(world, &scanner, &body).await.expect(200).json())[0], "true_positive");
        assert_eq!(audited(world).await.len(), 1);
    }

    async fn a_leak_is_known_by_its_sha256_too_and_found_by_it(world: &World) {
        let scanner = scanner(world).await;
        let leaked = key(world, "leaked").await;
        let found = world.api("POST", "/keys/lookup", Some(&json!({"credential": sha256(&leaked.secret)}))).await;
        assert_eq!(found.expect(200).json()["key"]["id"], json!(leaked.id));
        let body = json!([{"token_hash": sha256(&leaked.secret)}, {"token_hash": sha256("nobody's")}]);
        let answer = report(world, &scanner, &body).await.expect(200).json();
        assert_eq!(labels(&answer), ["true_positive", "false_positive"]);
        assert_eq!(code(world, &leaked.secret).await, "DISABLED");
    }

    async fn of_a_rotated_key_the_value_ends_that_leaked(world: &World) {
        let scanner = scanner(world).await;
        let rotated = key(world, "rotated").await;
        let path = format!("/keys/{}/rotate", rotated.id);
        let new = world.api("POST", &path, Some(&json!({"overlap_seconds": 3600}))).await.expect(200).json();
        let new = new["secret"].as_str().expect("a secret");
        report(world, &scanner, &json!([{"token": rotated.secret}])).await.expect(200);
        assert_eq!((code(world, &rotated.secret).await, code(world, new).await), (json!("NOT_FOUND"), json!("VALID")));
    }

    async fn a_disabled_key_that_leaked_says_so(world: &World) {
        let scanner = scanner(world).await;
        let leaked = key(world, "leaked").await;
        world.api("POST", &format!("/keys/{}/disable", leaked.id), Some(&json!({"reason": "a holiday"}))).await.expect(200);
        report(world, &scanner, &json!([{"token": leaked.secret}])).await.expect(200);
        assert_eq!(world.get_key(&leaked.id).await["state_reason"], "leaked");
        world.api("DELETE", &format!("/keys/{}", leaked.id), None).await.expect(204);
        let answer = report(world, &scanner, &json!([{"token": leaked.secret}])).await.expect(200).json();
        assert_eq!(labels(&answer), ["true_positive"], "it was one");
    }

    async fn who_may_not_report_ends_nothing(world: &World) {
        let leaked = key(world, "leaked").await;
        let body = json!([{"token": leaked.secret}]);
        report(world, &leaked.secret, &body).await.expect(403);
        report(world, "clv_live_00000000000000000000000000000000000000", &body).await.expect(401);
        Request::post("/leaks", &body).send(world.public).await.expect(401);
        report(world, &world.local_token(), &body).await.expect(401);
        Request::post("/leaks", &body).header("Github-Public-Key-Signature", "AA==").send(world.public).await.expect(401);
        let scanner = scanner(world).await;
        let wrong = report(world, &scanner, &json!([{"token": 1}])).await.expect(400).json();
        assert_eq!(wrong["errors"][0]["field"], "[0].token");
        let text = Request::new("POST", "/leaks").bearer(&scanner).body(b"[]".to_vec());
        text.send(world.public).await.expect(415);
        // A scanner's key is good for nothing else.
        Request::get("/api/v1/keys").bearer(&scanner).send(world.control).await.expect(403);
        assert_eq!(code(world, &leaked.secret).await, "VALID");
        assert_eq!(audited(world).await, Vec::<Value>::new());
    }

    async fn reports_of_one_address_are_counted(world: &World) {
        for _ in 0..REPORTS_MAX {
            Request::post("/leaks", &json!([])).send(world.public).await.expect(401);
        }
        let busy = Request::post("/leaks", &json!([])).send(world.public).await.expect(503);
        assert_eq!(busy.header("retry-after").as_deref(), Some("1"));
    }

    async fn scanners_get_the_rules_of_the_organizations_prefix(world: &World) {
        let leaked = key(world, "leaked").await;
        for (scanner, sort) in [("gitleaks", "application/toml"), ("trufflehog", "application/yaml")] {
            let rules = world.api("GET", &format!("/leaks/rules/{scanner}"), None).await.expect(200);
            assert_eq!(rules.header("content-type").as_deref(), Some(sort));
            let text = rules.text();
            let expression = text.split('\'').find(|part| part.starts_with(r"\b(clv")).expect("a rule");
            let expression = regex::Regex::new(expression).expect("an expression");
            assert_eq!(&expression.captures(&format!("KEY={}\n", leaked.secret)).expect("it is found")[1], leaked.secret);
            assert!(!expression.is_match(&format!("KEY={}x", leaked.secret)));
        }
        world.api("GET", "/leaks/rules/other", None).await.expect(404);
    }
}

/// GitHub's list of its keys with this one alone.
fn published(pair: &EcdsaKeyPair) -> String {
    let der = pair.public_key().as_der().expect("a public key");
    let key = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.as_ref()));
    json!({"public_keys": [{"key_identifier": "gh-1", "key": key, "is_current": true}]}).to_string()
}

#[test]
fn githubs_reports_are_known_by_their_signature() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("github.json");
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
    std::fs::write(&file, published(&pair)).expect("the keys");
    let configured = file.clone();
    run_with(
        Kind::Sqlite,
        |config| config.public.github_keys_file = Some(configured),
        async |world| {
            let leaked = key(world, "leaked").await;
            let body =
                json!([{"token": leaked.secret, "type": "t", "url": "https://github.com/a/b", "source": "content"}]);
            let body = body.to_string().into_bytes();
            let send = async |body: &[u8], signed: &[u8]| {
                let signature = pair.sign(&SystemRandom::new(), signed).expect("a signature");
                let request = Request::new("POST", "/leaks").header("Content-Type", "application/json");
                let request = request.header("Github-Public-Key-Identifier", "gh-1");
                let request = request.header("Github-Public-Key-Signature", &STANDARD.encode(signature.as_ref()));
                request.body(body.to_vec()).send(world.public).await
            };
            send(&body, b"[]").await.expect(401);
            assert_eq!(code(world, &leaked.secret).await, "VALID");
            assert_eq!(labels(&send(&body, &body).await.expect(200).json()), ["true_positive"]);
            assert_eq!(code(world, &leaked.secret).await, "DISABLED");
            assert_eq!(audited(world).await[0]["actor"]["name"], "GitHub secret scanning");
            // Keys that were renewed count at once.
            let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
            std::fs::write(&file, published(&other)).expect("the keys");
            send(&body, &body).await.expect(401);
            std::fs::write(&file, "?").expect("the keys");
            send(&body, &body).await.expect(500);
        },
    );
}

#[test]
#[ignore = "takes gitleaks: cargo xtask gitleaks builds it and runs this"]
fn gitleaks_finds_keys_by_the_rules_of_the_organizations_prefix() {
    let program = std::env::var_os("CLAVIGER_TEST_GITLEAKS").expect("the program's path");
    run_with(
        Kind::Sqlite,
        |_| (),
        async |world| {
            let (live, test) =
                (key(world, "live").await, json!({"name": "test", "api_sets": ["full-access"], "environment": "test"}));
            let test = world.create_key(test).await;
            let pair = json!({"name": "pair", "api_sets": ["full-access"], "shape": "pair"});
            let pair = world.api("POST", "/keys", Some(&pair)).await.expect(201).json();
            let part = |name: &str| pair[name].as_str().expect("a part").to_owned();
            let pair = format!("{}:{}", part("identifier"), part("password"));
            let folder = tempfile::tempdir().expect("a temporary folder");
            let path = |name: &str| folder.path().join(name);
            std::fs::create_dir(path("code")).expect("a folder");
            let write = |name: &str, text: String| std::fs::write(path(name), text).expect("written");
            write("rules.toml", world.api("GET", "/leaks/rules/gitleaks", None).await.expect(200).text());
            write("code/.env", format!("SHOP={}\nOTHER=clv_live_short\n", live.secret));
            write("code/main.py", format!("token = \"{}\"\nuser = '{pair}'\nclv_live_is_a_prefix = 1\n", test.secret));
            let ran = std::process::Command::new(program)
                .args(["dir", "--no-banner", "--exit-code", "7", "--report-format", "json", "--config"])
                .arg(path("rules.toml"))
                .arg("--report-path")
                .arg(path("report.json"))
                .arg(path("code"))
                .output()
                .expect("gitleaks runs");
            assert_eq!(ran.status.code(), Some(7), "{}", String::from_utf8_lossy(&ran.stderr));
            let told: Value =
                serde_json::from_slice(&std::fs::read(path("report.json")).expect("a report")).expect("JSON");
            let findings = told.as_array().expect("findings").iter();
            let mut found: Vec<_> = findings
                .filter(|found| found["RuleID"].as_str().is_some_and(|rule| rule.starts_with("clv-")))
                .map(|found| (found["RuleID"].as_str().expect("a rule"), found["Secret"].as_str().expect("a secret")))
                .collect();
            found.sort_unstable();
            let mut expected =
                [("clv-api-key", &*live.secret), ("clv-api-key", &*test.secret), ("clv-api-key-pair", &*pair)];
            expected.sort_unstable();
            assert_eq!(found, expected);
            // What it found is reported as it stands there.
            let tokens: Value = found.iter().map(|(_, secret)| json!({"token": secret})).collect();
            let answer = report(world, &scanner(world).await, &tokens).await.expect(200).json();
            assert_eq!(labels(&answer), ["true_positive"; 3]);
            assert_eq!(code(world, &live.secret).await, "DISABLED");
        },
    );
}
