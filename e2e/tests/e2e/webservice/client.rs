//! A client that was not written for this project, unmodified: `YetiForce-Python` 0.2.0 of `PyPI`, with Debian's Python.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use super::portal::{PASSWORD, Portal, USER};
use crate::harness::gateway::Nginx;
use crate::harness::on_both_databases;
use crate::harness::world::World;

/// Signs in, says what it is told, reads a record behind the gateway with the session it has, waits for a line, and reads again.
const PROGRAM: &str = r#"
import json, os, sys, requests
from yetiforce_python import YetiForceAPI, YetiForceAPIException
told = os.environ
api = YetiForceAPI(told["URL"], told["NAME"], told["PASS"], told["KEY"], told["USER"], told["PASSWORD"])
def tell(value):
    print(json.dumps(value), flush=True)
try:
    tell(api.login())
except YetiForceAPIException as refused:
    tell([refused.code, refused.message])
    sys.exit()
def read():
    answer = api._session.get(told["RECORD"], headers={"Host": "api.github.com"})
    tell([answer.status_code, answer.json()])
read()
sys.stdin.readline()
read()
try:
    api.list_modules()
except YetiForceAPIException as refused:
    tell([refused.code, refused.message])
"#;

struct Client {
    process: tokio::process::Child,
    lines: tokio::io::Lines<tokio::io::BufReader<tokio::process::ChildStdout>>,
}

// === impl Client ===

impl Client {
    fn start(portal: &Portal<'_>, password: &str, record: &str) -> Self {
        use tokio::io::AsyncBufReadExt as _;
        let wheels = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../wheels");
        let mut command = Command::new("/usr/bin/python3");
        command
            .args(["-c", PROGRAM])
            .env_clear()
            .env("PYTHONPATH", wheels)
            .env("URL", format!("http://{}", portal.world.public));
        for (name, value) in [
            ("NAME", portal.name.as_str()),
            ("PASS", &portal.password),
            ("KEY", &portal.key),
            ("USER", USER),
            ("PASSWORD", password),
            ("RECORD", record),
        ] {
            command.env(name, value);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("Debian's Python");
        let lines = tokio::io::BufReader::new(process.stdout.take().expect("piped")).lines();
        Self { process, lines }
    }

    async fn told(&mut self) -> Value {
        let line = self.lines.next_line().await.expect("readable").expect("a line: see what Python wrote");
        serde_json::from_str(&line).expect("JSON")
    }

    async fn go_on(&mut self) {
        use tokio::io::AsyncWriteExt as _;
        self.process.stdin.as_mut().expect("piped").write_all(b"\n").await.expect("it waits");
    }
}

on_both_databases! {
    async fn f_18_an_unmodified_client_signs_in_reads_a_record_behind_nginx_and_is_refused_once_its_session_is_ended(world: &World) {
        world.import_github().await;
        let portal = Portal::new(world).await;
        let nginx = Nginx::start(world.doors, "github").await;
        let record = format!("http://{}/repos/octocat/hello/issues", nginx.address);

        let refused = Client::start(&portal, "another one", &record).told().await;
        assert_eq!(refused, json!([401, "Invalid data access"]));

        let mut client = Client::start(&portal, PASSWORD, &record);
        let welcome = client.told().await;
        assert_eq!((&welcome["name"], &welcome["logged"], &welcome["lastLoginTime"]), (&json!(USER), &json!(true), &Value::Null));
        let read = client.told().await;
        assert_eq!(read[0], 200, "{read}");

        let sessions = format!("/api-users/{}/sessions", portal.user);
        let listed = world.api("GET", &sessions, None).await.expect(200).json();
        let id = listed["data"][0]["id"].as_str().expect("a session");
        assert_eq!(listed["data"][0]["agent"], "yeti-rest-api/1.0");
        world.api("DELETE", &format!("{sessions}/{id}"), None).await.expect(204);
        client.go_on().await;
        assert_eq!(client.told().await[0], 401, "at the gateway");
        assert_eq!(client.told().await, json!([401, "Invalid token"]), "at the web service");
    }
}
