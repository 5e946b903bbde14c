//! A server in this process with real ports, a clock that stands, and an administrator.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::testing::FixedClock;
use claviger_domain::{Clock as _, RequestId, Secret, Timestamp};
use claviger_manage::api_users::{self, Credentials, Origin};
use claviger_server::clock::OsRandom;
use claviger_server::config::Config;
use claviger_server::{Running, Server};
use serde_json::{Map, Value, json};
use sqlx::{Connection as _, PgConnection, Row as _};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::browser::Browser;
use super::database::{Kind, TestDatabase};
use super::raw_http::{Request, Response};

/// Where the clock stands when a world begins: 2025-12-31T23:59:59Z, a second before the golden verdicts' state.
const BEGIN: Timestamp = Timestamp::from_micros(1_767_225_599_000_000);

/// A running server with one organization.
pub struct World {
    /// The management API's listener.
    pub control: SocketAddr,
    /// The doors' listener.
    pub doors: SocketAddr,
    /// The telemetry listener.
    pub telemetry: SocketAddr,
    /// The public listener.
    pub public: SocketAddr,
    /// A management key with the administrator's authorities.
    pub token: String,
    /// The server's clock.
    pub clock: Arc<FixedClock>,
    running: Mutex<Option<Running>>,
    data: PathBuf,
    database_url: String,
    _folder: TempDir,
}

/// A key as its creation answered.
pub struct CreatedKey {
    /// Its id.
    pub id: String,
    /// Its value.
    pub secret: String,
    /// Its record.
    pub record: Value,
}

/// Runs a scenario in a world of its own and ends it cleanly.
pub fn run(kind: Kind, scenario: impl AsyncFnOnce(&World)) {
    run_with(kind, |_| (), scenario);
}

/// The same, configured otherwise.
pub fn run_with(kind: Kind, configure: impl FnOnce(&mut Config), scenario: impl AsyncFnOnce(&World)) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let database = TestDatabase::new(kind).await;
        let world = World::start_with(&database, configure).await;
        scenario(&world).await;
        world.stop_serving().await;
    });
}

/// GitHub's OpenAPI document, whole.
pub fn github_document() -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/openapi/api.github.com.json.gz");
    let packed = std::fs::read(file).expect("the document");
    let mut document = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut document).expect("gzip");
    document
}

// === impl World ===

impl World {
    /// A server on `database`, set up.
    pub async fn start_on(database: &TestDatabase) -> Self {
        Self::start_with(database, |_| ()).await
    }

    /// The same, configured otherwise.
    pub async fn start_with(database: &TestDatabase, configure: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(FixedClock::new(BEGIN));
        let world = Self::start_node(database, clock, None, configure).await;
        world.set_up(&json!({ "organization": "Acme", "email": "ada@example.com" })).await
    }

    /// The first organization, and its administrator's token.
    async fn set_up(mut self, body: &Value) -> Self {
        let local = self.local_token();
        let set_up = Request::post("/api/v1/setup", body).bearer(&local).send(self.control).await.expect(201).json();
        set_up["token"].as_str().expect("a management token").clone_into(&mut self.token);
        self
    }

    /// A server without an organization.
    pub async fn start_empty(database: &TestDatabase) -> Self {
        Self::start_node(database, Arc::new(FixedClock::new(BEGIN)), None, |_| ()).await
    }

    /// The link by which the first organization is made.
    pub async fn setup_link(&self) -> String {
        let running = self.running.lock().await;
        let link = running.as_ref().and_then(|running| running.setup_link()).expect("there is no organization");
        link.expose().to_owned()
    }

    /// The same, whose administrator has a password.
    pub async fn start_with_password(database: &TestDatabase, password: &str) -> Self {
        Self::start_with_password_and(database, password, |_| ()).await
    }

    /// The same, configured otherwise.
    pub async fn start_with_password_and(
        database: &TestDatabase,
        password: &str,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let world = Self::start_node(database, Arc::new(FixedClock::new(BEGIN)), None, configure).await;
        world.set_up(&json!({ "organization": "Acme", "email": "ada@example.com", "password": password })).await
    }

    /// A second server on the same database, with a data directory of its own.
    pub async fn second_node(&self, database: &TestDatabase) -> Self {
        self.second_node_with(database, |_| ()).await
    }

    /// The same, configured otherwise.
    pub async fn second_node_with(&self, database: &TestDatabase, configure: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::clone(&self.clock);
        let mut world = Self::start_node(database, clock, Some(self.master_secret()), configure).await;
        world.token.clone_from(&self.token);
        world
    }

    /// A server on a database that a backup of this one's was restored into, with a clock of its own that begins anew.
    pub async fn restored_on(&self, database: &TestDatabase) -> Self {
        let secret = self.master_secret();
        let mut world = Self::start_node(database, Arc::new(FixedClock::new(BEGIN)), Some(secret), |_| ()).await;
        world.token.clone_from(&self.token);
        world
    }

    /// The file of the master secret.
    pub fn master_secret(&self) -> PathBuf {
        self.data.join("master-secret")
    }

    async fn start_node(
        database: &TestDatabase,
        clock: Arc<FixedClock>,
        master_secret: Option<PathBuf>,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let folder = tempfile::Builder::new().prefix("claviger-world-").tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        let mut config = Config::on_free_ports(data.clone());
        config.database.url = Some(database.url.parse().expect("a database URL"));
        config.master_secret_file = master_secret;
        config.doors.settings.threads = 1;
        // One more place where nothing may be that belongs nowhere.
        config.audit.stream_file = Some(data.join("audit.jsonl"));
        configure(&mut config);
        let running = Box::pin(Server::start(config, clock.clone(), Arc::new(OsRandom)))
            .await
            .unwrap_or_else(|error| panic!("the server starts: {error}"));
        Self {
            control: address(&running.control_url()),
            doors: address(&running.doors_url()),
            telemetry: address(&running.telemetry_url()),
            public: address(&running.public_url().expect("a public listener")),
            token: String::new(),
            clock,
            running: Mutex::new(Some(running)),
            data,
            database_url: database.url.clone(),
            _folder: folder,
        }
    }

    /// The server's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the server's clock forward to an instant.
    pub fn advance_to(&self, instant: &str) {
        let to: Timestamp = instant.parse().expect("an instant");
        assert!(to >= self.now(), "time goes forward: {instant}");
        self.clock.advance(to.saturating_since(self.now()));
    }

    /// Moves the server's clock forward by so long.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// The operator's token, as the command line finds it.
    pub fn local_token(&self) -> String {
        std::fs::read_to_string(self.data.join("local-token")).expect("the local token").trim().to_owned()
    }

    /// A call of the management API by the administrator; `path` from behind `/api/v1`.
    pub async fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Response {
        self.api_as(&self.token, method, path, body).await
    }

    /// The same by someone else.
    pub async fn api_as(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Response {
        let request = Request::new(method, &format!("/api/v1{path}")).bearer(token);
        match body {
            Some(body) => request.json(body),
            None => request,
        }
        .send(self.control)
        .await
    }

    /// Creates a key of the organization.
    pub async fn create_key(&self, body: Value) -> CreatedKey {
        let created = self.api("POST", "/keys", Some(&body)).await.expect(201);
        assert_eq!(created.header("cache-control").as_deref(), Some("no-store"));
        let created = created.json();
        CreatedKey {
            id: created["key"]["id"].as_str().expect("an id").to_owned(),
            secret: created["secret"].as_str().expect("a secret").to_owned(),
            record: created["key"].clone(),
        }
    }

    /// A key's record.
    pub async fn get_key(&self, id: &str) -> Value {
        self.api("GET", &format!("/keys/{id}"), None).await.expect(200).json()
    }

    /// Signs an API user in with a key of its application, as the web service does; the session's token.
    pub async fn sign_in(&self, key: &Value, user_name: &str, password: &str) -> String {
        let id = |id: &Value| id.as_str().expect("an id").to_owned();
        let now = self.now();
        let origin = Origin {
            organization: id(&key["organization"]).parse().expect("an id"),
            application: id(&key["owner"]["id"]).parse().expect("an application's id"),
            key: id(&key["id"]).parse().expect("an id"),
            ip: None,
            agent: None,
            request_id: RequestId::new(now, &OsRandom),
            now,
        };
        let credentials = Credentials {
            user_name: user_name.to_owned(),
            password: Secret::new(password.to_owned()),
            code: None,
            language: None,
            params: Map::new(),
        };
        let running = self.running.lock().await;
        let manage = running.as_ref().expect("it serves").manage();
        let signed_in = api_users::sign_in(manage, &origin, credentials).await.expect("the right password");
        signed_in.token.expose().to_owned()
    }

    /// How many living keys the organization has.
    pub async fn key_count(&self) -> usize {
        self.api("GET", "/keys?limit=100", None).await.expect(200).json()["data"].as_array().expect("a list").len()
    }

    /// Imports GitHub's document as `github`.
    pub async fn import_github(&self) -> Value {
        Request::new("POST", "/api/v1/apis/import?slug=github&name=GitHub")
            .bearer(&self.token)
            .header("Content-Type", "application/json")
            .body(github_document())
            .send(self.control)
            .await
            .expect(201)
            .json()
    }

    /// All operations of an API, page by page.
    pub async fn operations(&self, api: &str) -> Vec<Value> {
        let mut operations = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/apis/{api}/operations?limit=100{cursor}");
            let page = self.api("GET", &path, None).await.expect(200).json();
            operations.extend(page["data"].as_array().expect("a list").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return operations,
            }
        }
    }

    /// A second organization, made by the operator; gives the management token that its first administrator makes.
    pub async fn second_organization(&self, slug: &str) -> String {
        let email = format!("{slug}@example.com");
        let body = json!({ "slug": slug, "name": slug, "email": email });
        let made = self.api_as(&self.local_token(), "POST", "/organizations", Some(&body)).await.expect(201).json();
        let link = made["invitation"]["link"].as_str().and_then(|link| link.split_once('#')).expect("a link");
        let password = "harbour violet nine anvil";
        let accept = json!({ "token": link.1, "password": password });
        Request::post("/api/v1/invitations/accept", &accept).send(self.control).await.expect(200);
        let mut browser = Browser::signed_in(self.control, &email, password).await;
        let key = json!({ "name": "setup", "api_sets": ["claviger-admin"], "idle_exempt": true });
        let key = browser.call("POST", "/keys", Some(&key)).await.expect(201).json();
        key["secret"].as_str().expect("a secret").to_owned()
    }

    /// The answer of `POST /v1/verify` about a request to `api`.
    pub async fn verdict(&self, secret: &str, api: &str, method: &str, path: &str) -> Value {
        let body = json!({ "credential": secret, "api": api, "method": method, "path": path });
        Request::post("/v1/verify", &body).send(self.doors).await.expect(200).json()
    }

    /// The answer of `/v1/authorize/api/{api}`, with the credential that `present` adds.
    pub async fn authorize(
        &self,
        api: &str,
        method: &str,
        uri: &str,
        present: impl FnOnce(Request) -> Request,
    ) -> Response {
        let request = Request::get(&format!("/v1/authorize/api/{api}"))
            .header("X-Forwarded-Method", method)
            .header("X-Forwarded-Uri", uri)
            .header("X-Forwarded-Host", "api.github.com")
            .header("X-Forwarded-For", "203.0.113.7");
        present(request).send(self.doors).await
    }

    /// Where the database is, for who may write it.
    pub fn database_url(&self) -> &str {
        &self.database_url
    }

    /// Has the server remove what is older than so many days from its audit log, as it does by itself where it is configured to.
    pub async fn trim_audit(&self, kept_days: u32) -> i64 {
        let running = self.running.lock().await;
        let manage = running.as_ref().expect("a running server").manage();
        let report = claviger_manage::audit::trim(manage, kept_days, |_| i64::MAX).await.expect("trimmed");
        assert!(report.broken.is_empty(), "{report:?}");
        report.removed
    }

    /// Stops the server cleanly; its database stays.
    pub async fn stop_serving(&self) {
        if let Some(running) = self.running.lock().await.take() {
            running.stop().await;
        }
    }

    /// Every byte that the database and the data directory hold, but for the two files that are secrets by design.
    pub async fn dump(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let database_folder = self.database_url.strip_prefix("sqlite://").and_then(|path| Path::new(path).parent());
        for folder in [Some(self.data.as_path()), database_folder].into_iter().flatten() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let secret = ["master-secret", "local-token"].iter().any(|name| entry.file_name() == *name);
                if !secret && entry.path().is_file() {
                    bytes.extend(std::fs::read(entry.path()).expect("readable"));
                }
            }
        }
        if database_folder.is_none() {
            bytes.extend(dump_postgres(&self.database_url).await);
        }
        bytes
    }
}

fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").and_then(|address| address.parse().ok()).expect("http://ADDRESS")
}

/// All rows of all tables as text, and the bytes of each binary value beside their hexadecimal form.
pub async fn dump_postgres(url: &str) -> Vec<u8> {
    let mut connection = PgConnection::connect(url).await.expect("the database");
    let tables = sqlx::query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(&mut connection)
        .await
        .expect("the tables");
    assert!(!tables.is_empty());
    let mut bytes = Vec::new();
    for table in tables {
        let name: String = table.get(0);
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT row_to_json(t)::text FROM {name} t")))
            .fetch_all(&mut connection)
            .await
            .expect("the rows");
        for row in rows {
            let text: String = row.get(0);
            for part in text.split("\\\\x").skip(1) {
                let digits: Vec<u8> = part.bytes().take_while(u8::is_ascii_hexdigit).collect();
                bytes.extend(digits.chunks_exact(2).filter_map(|pair| {
                    std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
                }));
            }
            bytes.extend(text.into_bytes());
        }
    }
    bytes
}
