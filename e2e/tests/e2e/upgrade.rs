//! A rolling upgrade: the program of the schema before, beside this one on the same database.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::database::{Kind, TestDatabase};
use crate::harness::patience::wait_until;
use crate::harness::process::{Serving, command_of, run, text};
use crate::harness::raw_http::{Request, Response};
use crate::harness::storm::Verdicts;

/// Where the program of the schema before is; `cargo xtask test` builds it from git and sets this.
const VARIABLE: &str = "CLAVIGER_TEST_PREVIOUS_PROGRAM";

/// `None`: `cargo xtask test` has found no history to build it from, and says so at its end.
#[allow(clippy::disallowed_methods, reason = "the tests' own switch, not the product's configuration")]
fn previous_program() -> Option<PathBuf> {
    let given = std::env::var_os(VARIABLE).unwrap_or_else(|| {
        panic!(
            "{VARIABLE} is not set: run `cargo xtask test`, or set it to a `claviger` of before the newest migration"
        )
    });
    Some(PathBuf::from(given)).filter(|path| path != Path::new("none"))
}

async fn api(node: &Serving, token: &str, method: &str, path: &str, body: Option<&Value>) -> Response {
    let request = Request::new(method, &format!("/api/v1{path}")).bearer(token);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    request.send(node.control).await
}

async fn make(node: &Serving, token: &str, name: &str) -> (String, String) {
    let body = json!({ "name": name, "api_sets": ["full-access"] });
    let made = api(node, token, "POST", "/keys", Some(&body)).await.expect(201).json();
    let of = |value: &Value| value.as_str().expect("a text").to_owned();
    (of(&made["key"]["id"]), of(&made["secret"]))
}

async fn say(nodes: &[&Serving], secret: &str, code: &str) {
    let body = json!({ "credential": secret, "api": "default", "method": "GET", "path": "/x" });
    for node in nodes {
        let is_so = async || {
            let answer = Request::post("/v1/verify", &body).send(node.doors).await;
            answer.status == 200 && answer.json()["code"] == code
        };
        wait_until(is_so, || format!("never {code}:\n{}", node.log())).await;
    }
}

/// Where each node keeps its things, and what all of them need.
struct Place {
    folder: tempfile::TempDir,
    database: TestDatabase,
}

// === impl Place ===

impl Place {
    async fn start(&self, program: &Path, name: &str) -> Serving {
        let secret = self.folder.path().join("master-secret");
        let secret = secret.to_str().expect("a plain path");
        let variables =
            [("CLAVIGER_DATABASE_URL", self.database.url.as_str()), ("CLAVIGER_MASTER_SECRET_FILE", secret)];
        Serving::start_program(program, &self.folder.path().join(name), &variables).await
    }

    async fn schema(&self, column: &str) -> i64 {
        self.database.number(format!("SELECT {column} FROM schema_state")).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_of_the_schema_before_runs_beside_this_one() {
    let Some(previous) = previous_program() else { return };
    let folder = tempfile::Builder::new().prefix("claviger-upgrade-").tempdir().expect("a temporary folder");
    let place = Place { folder, database: TestDatabase::new(Kind::Postgres).await };
    let old = place.start(&previous, "old").await;
    let data = place.folder.path().join("old");
    let setup =
        command_of(&previous, &data, &["setup", "--organization", "Acme", "--email", "a@example.com", "--json"]);
    let setup: Value = serde_json::from_str(&text(&run(setup, "").stdout)).expect("what setup printed");
    let token = setup["token"].as_str().expect("a token");
    let (steady_id, steady) = make(&old, token, "steady").await;
    say(&[&old], &steady, "VALID").await;
    let schema_before = place.schema("version").await;

    let verdicts = Verdicts::ask(vec![old.doors], &steady);
    let new = place.start(crate::harness::process::binary(), "new").await;
    assert!(place.schema("version").await > schema_before, "the new program has migrated");
    say(&[&new], &steady, "VALID").await;
    if place.schema("oldest_reader").await > schema_before {
        // The old one would judge by other rules: it gives no verdicts any more, and says so.
        let is_told = async || Request::get("/readyz").send(old.telemetry).await.status == 503;
        wait_until(is_told, || format!("the old program goes on:\n{}", old.log())).await;
        drop(verdicts);
    } else {
        // Whatever either does, both follow.
        let (by_old, by_new) = (make(&old, token, "by the old").await, make(&new, token, "by the new").await);
        for (_, secret) in [&by_old, &by_new] {
            say(&[&old, &new], secret, "VALID").await;
        }
        for (node, (id, secret)) in [(&new, &by_old), (&old, &by_new)] {
            api(node, token, "POST", &format!("/keys/{id}/disable"), None).await.expect(200);
            say(&[&old, &new], secret, "DISABLED").await;
        }
        let (id, secret) = by_old;
        let enabled = api(&old, token, "POST", &format!("/keys/{id}/enable"), None).await;
        assert_eq!(enabled.status, 200, "{}", enabled.text());
        say(&[&old, &new], &secret, "VALID").await;
        verdicts.all_were_valid().await;
    }

    old.stop();
    say(&[&new], &steady, "VALID").await;
    api(&new, token, "POST", &format!("/keys/{steady_id}/disable"), None).await.expect(200);
    say(&[&new], &steady, "DISABLED").await;
    let verified = api(&new, token, "GET", "/audit/verify", None).await.expect(200).json();
    assert_eq!(verified["intact"], true, "what both wrote is one chain: {verified}");
    new.stop();
}
