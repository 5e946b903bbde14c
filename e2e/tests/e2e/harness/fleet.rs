//! Several servers, each a process of its own, on one PostgreSQL; each behind a line of its own that can be cut.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::database::{Kind, TestDatabase};
use super::line::Line;
use super::patience::wait_until;
use super::process::{Serving, command, run, text};
use super::raw_http::{Request, Response};

/// Servers on one database, set up.
pub struct Fleet {
    /// The servers.
    pub nodes: Vec<Node>,
    /// A management key with the administrator's authorities.
    pub token: String,
    /// Where the servers keep their directories.
    pub folder: TempDir,
    /// Their database.
    pub database: TestDatabase,
    /// What else they are told.
    variables: Vec<(String, String)>,
}

/// A server of a fleet.
pub struct Node {
    /// The process.
    pub serving: Serving,
    /// How it reaches the database.
    pub line: Line,
    /// Its id.
    pub id: String,
    /// Its data directory.
    pub data: PathBuf,
    /// The administrator's token.
    pub token: String,
}

// === impl Fleet ===

impl Fleet {
    /// `count` servers.
    pub async fn start(count: usize) -> Self {
        Self::start_with(count, &[]).await
    }

    /// The same with these variables.
    pub async fn start_with(count: usize, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let database = TestDatabase::new(Kind::Postgres).await;
        let folder = tempfile::Builder::new().prefix("claviger-fleet-").tempdir().expect("a temporary folder");
        let mut fleet = Self { nodes: Vec::new(), token: String::new(), folder, database, variables };
        for _ in 0..count {
            fleet.add().await;
        }
        fleet
    }

    /// One server more.
    pub async fn add(&mut self) {
        let data = self.folder.path().join(format!("node-{}", self.nodes.len()));
        let line = Line::to(&self.database.url).await;
        let serving = start(&data, &line, self.folder.path(), &self.variables).await;
        if self.token.is_empty() {
            let setup = command(&data, &["setup", "--organization", "Acme", "--email", "ada@example.com", "--json"]);
            let done: Value = serde_json::from_str(&text(&run(setup, "").stdout)).expect("what setup printed");
            done["token"].as_str().expect("a token").clone_into(&mut self.token);
        }
        let id = std::fs::read_to_string(data.join("node-id")).expect("its id").trim().to_owned();
        let node = Node { serving, line, id, data, token: self.token.clone() };
        // The others know of it by now: it wrote its row before its first load.
        self.nodes.push(node);
    }

    /// A key, as its creation at the first node answered.
    pub async fn create_key(&self, name: &str) -> Value {
        let body = json!({ "name": name, "api_sets": ["full-access"] });
        self.nodes[0].api("POST", "/keys", Some(&body)).await.expect(201).json()
    }

    /// How a node stands, as the first one sees it.
    pub async fn state_of(&self, id: &str) -> Option<String> {
        let list = self.nodes[0].api("GET", "/nodes", None).await.expect(200).json();
        let node = list["data"].as_array()?.iter().find(|node| node["id"] == id)?.clone();
        node["state"].as_str().map(str::to_owned)
    }

    /// Waits until the first node sees another stand so.
    pub async fn becomes(&self, id: &str, state: Option<&str>) {
        let is_so = async || self.state_of(id).await.as_deref() == state;
        wait_until(is_so, || format!("node {id} never became {state:?}")).await;
    }
}

async fn start(data: &Path, line: &Line, folder: &Path, more: &[(String, String)]) -> Serving {
    let secret = folder.join("master-secret");
    let variables = [
        ("CLAVIGER_DATABASE_URL", line.url()),
        ("CLAVIGER_MASTER_SECRET_FILE", secret.to_str().expect("a plain path").to_owned()),
    ];
    let more = more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).chain(more).collect();
    Serving::start_with(data, &variables).await
}

// === impl Node ===

impl Node {
    /// A call of the management API by the administrator; `path` from behind `/api/v1`.
    pub async fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        let request = Request::new(method, &format!("/api/v1{path}")).bearer(&self.token);
        match body {
            Some(body) => request.json(body),
            None => request,
        }
        .send(self.serving.control)
        .await
    }

    /// The code of the verdict that this node gives.
    pub async fn code(&self, secret: &str) -> String {
        let body = json!({ "credential": secret, "api": "default", "method": "GET", "path": "/x" });
        let verdict = Request::post("/v1/verify", &body).send(self.serving.doors).await.expect(200).json();
        verdict["code"].as_str().expect("a code").to_owned()
    }
}
