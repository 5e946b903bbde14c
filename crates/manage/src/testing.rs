//! The real router on a SQLite store in a temporary folder, with an engine that follows the feed, and actors.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use claviger_domain::authority::Authorities;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{Actor, ActorKind, Key, StoredSecret};
use claviger_domain::keyring::{Keyring, MasterSecret};
use claviger_domain::password::Password;
use claviger_domain::testing::{FixedClock, FixedRandom};
use claviger_domain::{Clock as _, KeyId, NodeId, OrganizationId, Random, RequestId, Secret, Timestamp};
use claviger_engine::Engine;
use claviger_store::{Database, DatabaseUrl, FeedEvent, Scope, Store, passwords};
use http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tower::ServiceExt;

use crate::visitor::Visitor;
use crate::{Config, Ctx, Manage, Nodes, router};

/// The token of the set-up link.
pub(crate) const SETUP_TOKEN: &str = "claviger_setup_0123456789abcdef";
/// The operator's local token.
pub(crate) const OPERATOR: &str = "the-local-token-of-the-operator";
/// 2026-01-15T12:00:00Z: when tests begin.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_768_478_400_000_000);

/// The node that all tests run on.
pub(crate) const OWN_NODE: NodeId = NodeId::from_raw(1);

/// An installation of its own.
pub(crate) struct World {
    pub(crate) manage: Arc<Manage>,
    pub(crate) clock: Arc<FixedClock>,
    router: Router,
    folder: TempDir,
    follower: JoinHandle<()>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

// === impl World ===

impl World {
    /// An installation without organizations.
    pub(crate) async fn empty() -> Self {
        Self::new(false).await
    }

    /// The same, of an installation that sends mail or not.
    pub(crate) async fn new(sends_mail: bool) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let clock = Arc::new(FixedClock::new(NOW));
        let random: Arc<dyn Random> = Arc::new(FixedRandom::new(1));
        let keyring = Keyring::generate(&*random);
        let url = DatabaseUrl::sqlite(&folder.path().join("claviger.db"));
        let config = claviger_store::Config::new(url);
        let database = Database::open(config, clock.clone(), random.clone()).await.expect("a new database");
        let (master, sealing) = (FixedRandom::new(2), FixedRandom::new(3));
        let sealed = keyring.seal(&MasterSecret::generate(&master), &sealing);
        database.save_keyring(&sealed).await.expect("the first ring");
        let store = database.into_store(keyring.audit().clone());
        let engine =
            Engine::new(claviger_engine::Config::default(), keyring.pepper().clone(), clock.clone(), random.clone());
        let engine = engine.with_session_key(keyring.session_key()).with_signing_seal(keyring.signing_seal());
        let engine = Arc::new(engine);
        let follower = follow(&store, &engine).await;
        let cheap = crate::passwords::Cost { memory_kib: 64, passes: 1 };
        let manage = Arc::new(Manage {
            passwords: crate::Passwords::new(&keyring, 1, cheap),
            nodes: Arc::new(Nodes::new(store.clone(), clock.clone(), OWN_NODE)),
            store,
            engine,
            keyring,
            clock: clock.clone(),
            random,
            config: Config {
                host_names: vec!["keys.example.com".to_owned()],
                control_url: "https://keys.example.com".to_owned(),
                public_url: Some("https://public.example.com".to_owned()),
                sends_mail,
                ..Config::default()
            },
            calls: crate::Calls::default(),
            visits: crate::visitor::Visits::default(),
            resets: crate::password_resets::Queue::default(),
            counters: Arc::default(),
            operator_token_sha256: Some(Sha256::digest(OPERATOR).into()),
            setup_token_sha256: Some(Sha256::digest(SETUP_TOKEN).into()),
        });
        Self { router: router(manage.clone()), manage, clock, folder, follower }
    }

    /// An installation with one organization, and its administrator's token.
    pub(crate) async fn with_organization() -> (Self, String) {
        Self::empty().await.set_up().await
    }

    /// An organization in it, and its administrator's token.
    pub(crate) async fn set_up(self) -> (Self, String) {
        let world = self;
        let body = json!({"organization": "Example", "email": "ann@example.com"});
        let done = world.post(OPERATOR, "/setup", body).await;
        assert_eq!(done.status, StatusCode::CREATED, "{done:?}");
        let token = done.text("token");
        (world, token)
    }

    /// Another organization whose first administrator, with this address, has come; and a key that administers it.
    pub(crate) async fn another_organization(&self, slug: &str, email: &str) -> String {
        let made = self.post(OPERATOR, "/organizations", json!({"slug": slug, "name": slug, "email": email})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let link = match made.body["invitation"]["link"].as_str() {
            Some(link) => link.to_owned(),
            None => self.mails().await[0].body.expose().to_owned(),
        };
        let (_, rest) = link.split_once("/invitation#").expect("a link");
        let token: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        let email = email.parse().expect("an address");
        let mut snapshot = self.manage.store.read().await.expect("a snapshot");
        let user = claviger_store::members::known_user(&mut snapshot, &email).await.expect("read").map(|user| user.id);
        drop(snapshot);
        let request_id = RequestId::new(self.clock.now(), &*self.manage.random);
        // Somebody who is known proves who they are.
        let ctx = Ctx { user, ..Ctx::system(request_id, self.clock.now()) };
        let visitor = Visitor { known: Some(ctx.clone()), ip: None, request_id, now: self.clock.now() };
        let accept = serde_json::from_value(json!({ "token": token })).expect("a request");
        crate::invitations::accept(&self.manage, &visitor, accept).await.expect("accepted");
        let organization = made.body["organization"]["id"].as_str().map(|id| id.parse().expect("an id"));
        let (authorities, granted) = (Authorities::ADMIN, Authorities::ADMIN);
        let ctx = Ctx { organization, user: None, authorities, granted, ..ctx };
        let key = json!({"name": "setup", "api_sets": ["claviger-admin"], "idle_exempt": true});
        let key = serde_json::from_value(key).expect("a request");
        let made = crate::keys::create(&self.manage, &ctx, key).await.expect("a key").value;
        serde_json::to_value(made).expect("JSON")["secret"].as_str().expect("a secret").to_owned()
    }

    /// A key with these sets, made by `maker`: its id and secret.
    pub(crate) async fn key(&self, maker: &str, name: &str, sets: &[&str]) -> (String, String) {
        let made = self.post(maker, "/keys", json!({"name": name, "api_sets": sets})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        (made.body["key"]["id"].as_str().expect("an id").to_owned(), made.text("secret"))
    }

    /// A user with these roles, and a key of theirs that `maker` makes for them: id and secret. The policy lets nobody do so
    /// afterwards.
    pub(crate) async fn user_with_key(
        &self,
        maker: &str,
        name: &str,
        roles: &[&str],
        sets: &[&str],
    ) -> (String, String) {
        let made = self.post(maker, "/users", json!({"email": format!("{name}@example.com"), "roles": roles})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        let id = made.text("id");
        let secret = self.key_of_user(maker, &id, "first", sets).await;
        (id, secret)
    }

    /// A key that `maker` makes for another person.
    pub(crate) async fn key_of_user(&self, maker: &str, user: &str, name: &str, sets: &[&str]) -> String {
        let allow = async |allowed: bool| {
            let policy = self.patch(maker, "/policy", json!({"delegated_creation": allowed})).await;
            assert_eq!(policy.status, StatusCode::OK, "{policy:?}");
        };
        allow(true).await;
        let made = self.post(maker, &format!("/users/{user}/keys"), json!({"name": name, "api_sets": sets})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
        allow(false).await;
        made.text("secret")
    }

    /// Gives the first member, ann@example.com, a password.
    pub(crate) async fn give_password(&self, admin: &str, password: &str) {
        let organization: OrganizationId = self.get(admin, "/organization").await.text("id").parse().expect("an id");
        let user = self.get(admin, "/users/ann@example.com").await.text("id").parse().expect("an id");
        let password = Password::entered(&Secret::new(password.to_owned())).expect("a text");
        let hash = self.manage.passwords.hash(password, &*self.manage.random).await.expect("a hash");
        let set = self.manage.store.write(Scope::Organization(organization), move |tx| {
            let hash = hash.clone();
            Box::pin(async move { Ok::<_, crate::Error>(passwords::set(tx, user, &hash, NOW).await?) })
        });
        set.await.expect("a password");
    }

    /// A call of ann's in a session that begins with it.
    pub(crate) async fn call_in_session(&self, password: &str, method: &str, path: &str, body: Option<Value>) -> Reply {
        let login = json!({"login": "ann@example.com", "password": password});
        let signed_in = self.post("", "/sign-in", login).await;
        let cookies = signed_in.headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok());
        let session = cookies.filter_map(|line| line.split(';').next()).find(|pair| pair.starts_with("claviger="));
        let request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        let request = request.header("cookie", session.expect("a session"));
        let request = request.header("x-claviger-csrf", signed_in.text("csrf_token"));
        let request = request.header("content-type", "application/json");
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.send(request.body(body).expect("a request")).await
    }

    /// Takes all mails out of the outbox that wait there, as if they were sent.
    pub(crate) async fn mails(&self) -> Vec<crate::mail::Ready> {
        let mut mails = Vec::new();
        for waiting in crate::mail::lease(&self.manage, "test", 100).await.expect("the outbox") {
            mails.push(crate::mail::open(&self.manage, &waiting).expect("a mail"));
            crate::mail::note_sent(&self.manage, "test", &waiting).await.expect("noted");
        }
        mails
    }

    /// What the audit log says of the newest entry with this action; null if there is none.
    pub(crate) async fn audited(&self, admin: &str, action: &str) -> Value {
        let audit = self.get(admin, &format!("/audit?action={action}&limit=1")).await;
        audit.body["data"][0].clone()
    }

    /// From now on this node's engine learns of no change.
    pub(crate) fn stop_following(&self) {
        self.follower.abort();
    }

    /// The files of the database.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).expect("the folder");
        entries.map(|entry| entry.expect("an entry").path()).collect()
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Reply {
        self.call("GET", token, path, None).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: Value) -> Reply {
        self.call("POST", token, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, token: &str, path: &str, body: Value) -> Reply {
        self.call("PATCH", token, path, Some(body)).await
    }

    /// A call below `/api/v1`; no `Authorization` for an empty token.
    pub(crate) async fn call(&self, method: &str, token: &str, path: &str, body: Option<Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("/api/v1{path}"));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).expect("a request")).await
    }

    /// Any request, from 203.0.113.7 to localhost unless it says otherwise.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        self.send_from("203.0.113.7", request).await
    }

    /// Any request, from this address.
    pub(crate) async fn send_from(&self, ip: &str, mut request: Request<Body>) -> Reply {
        request.headers_mut().entry("host").or_insert(http::HeaderValue::from_static("localhost:7600"));
        let peer = SocketAddr::new(ip.parse().expect("an address"), 40_000);
        request.extensions_mut().insert(ConnectInfo(peer));
        let response = self.router.clone().oneshot(request).await.expect("the router never fails");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Reply { status: parts.status, headers: parts.headers, body }
    }
}

/// Loads the engine and keeps it in step.
async fn follow(store: &Store, engine: &Arc<Engine>) -> JoinHandle<()> {
    let mut feed = store.feed();
    let mut loader = engine.begin_load();
    let position = feed.load(|changes| loader.add(changes), |_| {}).await.expect("an empty load");
    loader.finish(position);
    let engine = engine.clone();
    tokio::spawn(async move {
        while let Ok(FeedEvent::Step(step)) = feed.next().await {
            engine.apply(step);
        }
    })
}

/// The token of a mail's link, which leads to this page of the configured URL.
pub(crate) fn link_token(mail: &crate::mail::Ready, page: &str) -> String {
    let body = mail.body.expose();
    let link = format!("https://keys.example.com{page}#");
    let (_, rest) = body.split_once(link.as_str()).unwrap_or_else(|| panic!("a link to {page} in {body}"));
    let token: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    assert_eq!(token.len(), 32);
    token
}

// === impl Reply ===

impl Reply {
    /// A member of the body that must be a text.
    pub(crate) fn text(&self, member: &str) -> String {
        self.body[member].as_str().unwrap_or_else(|| panic!("{member} in {self:?}")).to_owned()
    }

    /// A header as text; empty if it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or_default())
    }

    /// Asserts that this is a problem of `status` and `code`, well formed, and returns the fields that it names.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Vec<String> {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["type"], format!("urn:claviger:problem:{code}"));
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["request_id"], self.header("x-request-id"));
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().filter_map(|error| error["field"].as_str().map(str::to_owned)).collect()
    }
}

/// A key as it stands after its making.
pub(crate) fn sample_key() -> Key {
    let secret = StoredSecret { digest: CredentialDigest::from_bytes([0; 32]), hint: "clv_live_…0000".to_owned() };
    let created_by = Actor { kind: ActorKind::Operator, id: None, name: None };
    let name = "sample".parse().expect("a name");
    Key::new(KeyId::from_raw(1), OrganizationId::from_raw(2), name, secret, created_by, NOW)
}
