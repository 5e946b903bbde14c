//! Doors over a hand-made engine, and a client that sends bytes as they stand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use claviger_domain::api::{Api, ApiKind, DoorRules};
use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::authority::VERIFY_SLUG;
use claviger_domain::change::{Change, Object, ObjectRef, Position, Step};
use claviger_domain::credential::{Environment, KeyPrefix, generate_key, hint};
use claviger_domain::digest::{CredentialKind, Pepper};
use claviger_domain::ip_list::IpEntries;
use claviger_domain::key::{Actor, ActorKind, Key, StoredSecret};
use claviger_domain::keyring::Keyring;
use claviger_domain::limit::Limit;
use claviger_domain::operation::Operation;
use claviger_domain::organization::Organization;
use claviger_domain::policy::Policy;
use claviger_domain::sharing::Sharing;
use claviger_domain::signature::{Signer, SigningCopies};
use claviger_domain::testing::{FixedClock, FixedRandom};
use claviger_domain::{ApiId, ApiSetId, KeyId, OrganizationId, Secret, Timestamp};
use claviger_engine::Engine;

use crate::{Config, Listen, Running, start};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
pub(crate) const ORGANIZATION: OrganizationId = OrganizationId::from_raw(1);

/// Open doors, the engine behind them, and keys.
pub(crate) struct House {
    pub(crate) running: Running,
    pub(crate) engine: Arc<Engine>,
    /// Holds the set `readers`: `shop:list` and no other operation.
    pub(crate) reader: String,
    /// Full access, from 203.0.113.7 alone, named with characters that headers cannot have.
    pub(crate) full: String,
    /// Opens the doors.
    pub(crate) token: String,
    /// As `reader`, and signs.
    pub(crate) signer: String,
}

/// One answer as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

// === impl House ===

impl House {
    pub(crate) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(crate) fn with(config: Config) -> Self {
        let mut house = Self::empty(config);
        house.load();
        house
    }

    /// Doors over an engine that has not loaded anything.
    pub(crate) fn empty(config: Config) -> Self {
        let clock = Arc::new(FixedClock::new(NOW));
        let engine = Engine::new(claviger_engine::Config::default(), pepper(), clock, Arc::new(FixedRandom::new(7)));
        let engine = Arc::new(engine.with_signing_seal(ring().signing_seal()));
        let listen = Listen::plain(SocketAddr::from(([127, 0, 0, 1], 0)).into());
        let running = start(Config { threads: 1, ..config }, Arc::clone(&engine), &listen).expect("a free port");
        Self {
            running,
            engine,
            reader: String::new(),
            full: String::new(),
            token: String::new(),
            signer: String::new(),
        }
    }

    pub(crate) fn load(&mut self) {
        let secrets: Vec<_> = (1..=4)
            .map(|seed| generate_key(&KeyPrefix::default(), Environment::Live, &FixedRandom::new(seed)))
            .collect();
        let mut full = key(2, "Zażółć \"all\"", 2, &secrets[1]);
        full.allowed_ips =
            vec!["203.0.113.7".parse::<claviger_domain::ip_list::IpRange>().expect("a range").into()].into();
        let objects = vec![
            organization(),
            api(1, "shop", ApiKind::Plain),
            api(2, "claviger", ApiKind::BuiltIn),
            set(1, "readers", ApiSetKind::Plain, 1),
            set(2, "full-access", ApiSetKind::Full, 1),
            set(3, VERIFY_SLUG, ApiSetKind::BuiltIn, 2),
            Object::Key(Box::new(key(1, "reader", 1, &secrets[0]))),
            Object::Key(Box::new(full)),
            Object::Key(Box::new(key(3, "token", 3, &secrets[2]))),
            Object::Key(Box::new(signing(key(4, "signer", 1, &secrets[3]), &secrets[3]))),
        ];
        let mut loader = self.engine.begin_load();
        loader.add(objects.into_iter().map(change).collect());
        loader.finish(Position { epoch: 1, seq: 1 });
        let text = |at: usize| secrets[at].expose().to_owned();
        (self.reader, self.full, self.token, self.signer) = (text(0), text(1), text(2), text(3));
    }

    /// Gives the reader's key limits, in place of those before.
    pub(crate) fn limit_reader(&self, limits: Vec<Limit>) {
        let secret = generate_key(&KeyPrefix::default(), Environment::Live, &FixedRandom::new(1));
        let limited = Key { limits, ..key(1, "reader", 1, &secret) };
        let seq = self.engine.position().map_or(1, |position| position.seq) + 1;
        let changes = vec![change(Object::Key(Box::new(limited)))];
        self.engine.apply(Step { position: Position { epoch: 1, seq }, changes });
    }

    /// The signature of a body by the key that signs.
    pub(crate) fn signature(&self, body: &[u8]) -> String {
        STANDARD.encode(Signer::new(&Secret::new(self.signer.clone())).sign(body))
    }

    /// What the log says of the last refusal.
    pub(crate) fn last_check(&self) -> String {
        let refusals = self.engine.drain_usage().refusals;
        refusals.last().map(|refusal| refusal.check.clone()).unwrap_or_default()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.running.local_addr().expect("a port")).expect("open doors");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        stream
    }

    /// Sends bytes and reads until the doors hang up.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // The doors may hang up before everything is sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Sends one request line with header lines.
    pub(crate) fn ask(&self, line: &str, headers: &[&str]) -> Reply {
        let lines: String = headers.iter().flat_map(|line| [line, "\r\n"]).collect();
        Reply::of(&self.raw(format!("{line} HTTP/1.1\r\nHost: doors\r\nConnection: close\r\n{lines}\r\n").as_bytes()))
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Reply {
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: doors\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        Reply::of(&self.raw([head.as_bytes(), body.as_bytes()].concat().as_slice()))
    }
}

// === impl Reply ===

impl Reply {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = lines.filter_map(|line| header(line).or_else(|| header(&format!("{line} ")))).collect();
        Self { status: status.expect("a status"), headers, body: body.to_owned() }
    }

    /// The values of a header, one for each line.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a header that stands there once.
    pub(crate) fn header(&self, name: &str) -> &str {
        let values = self.all(name);
        assert_eq!(values.len(), 1, "{name} in {self:?}");
        values[0].trim()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The word of a verdict or problem.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

fn ring() -> Keyring {
    Keyring::generate(&FixedRandom::new(9))
}

/// The key with the copy by which its signatures are checked.
fn signing(key: Key, secret: &Secret) -> Key {
    let copy = ring().signing_seal().seal(key.organization, key.id, secret, &FixedRandom::new(9));
    Key { signing: Some(SigningCopies::of(copy)), ..key }
}

fn pepper() -> Pepper {
    Pepper::new(&[9; 32])
}

fn change(object: Object) -> Change {
    let reference = match &object {
        Object::Organization(organization) => ObjectRef::Organization(organization.id),
        Object::Api(api, _) => ObjectRef::Api(api.id),
        Object::ApiSet(set) => ObjectRef::ApiSet(set.id),
        Object::ApplicationType(kind) => ObjectRef::ApplicationType(kind.id),
        Object::Application(application) => ObjectRef::Application(application.id),
        Object::Key(key) => ObjectRef::Key(key.id),
        Object::Role(role) => ObjectRef::Role(role.id),
        Object::Member(member) => ObjectRef::Member(member.organization, member.user.id),
        Object::ApiUser(user) => ObjectRef::ApiUser(user.id),
        Object::ApiSession(session) => ObjectRef::ApiSession(session.id),
        Object::LastUse(_) => unreachable!("no record"),
    };
    Change { object: reference, now: Some(object) }
}

fn organization() -> Object {
    Object::Organization(Box::new(Organization {
        id: ORGANIZATION,
        slug: "acme".parse().expect("a slug"),
        name: "Acme".parse().expect("a name"),
        time_zone: "UTC".into(),
        key_prefix: KeyPrefix::default(),
        admin_contact: None,
        allowed_ips: IpEntries::default(),
        is_default: true,
        policy: Policy::default(),
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }))
}

fn api(id: u128, slug: &str, kind: ApiKind) -> Object {
    let operation = |name: &str, method: &str| Operation {
        name: name.into(),
        method: method.into(),
        template: "/items".into(),
        multi_segment: Vec::new(),
        summary: "".into(),
        tags: Vec::new(),
        versions: Vec::new(),
    };
    let api = Api {
        id: ApiId::from_raw(id),
        organization: ORGANIZATION,
        slug: slug.parse().expect("a slug"),
        name: slug.parse().expect("a name"),
        hosts: Vec::new(),
        base_paths: vec!["/".into()],
        unlisted_paths: false,
        manual_url: None,
        version_pattern: None,
        versions: Vec::new(),
        kind,
        sharing: Sharing::default(),
        rules: DoorRules::default(),
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    };
    let operations = match kind {
        ApiKind::BuiltIn => Vec::new(),
        _ => vec![operation("list", "GET"), operation("create", "POST"), operation("remove", "DELETE")],
    };
    Object::Api(Box::new(api), operations)
}

fn set(id: u128, slug: &str, kind: ApiSetKind, api: u128) -> Object {
    let reads =
        claviger_domain::api_set::ApiPattern { api: ApiId::from_raw(api), pattern: "list".parse().expect("a pattern") };
    Object::ApiSet(Box::new(ApiSet {
        id: ApiSetId::from_raw(id),
        organization: ORGANIZATION,
        slug: slug.parse().expect("a slug"),
        name: slug.parse().expect("a name"),
        kind,
        apis: if kind == ApiSetKind::BuiltIn { vec![ApiId::from_raw(api)] } else { Vec::new() },
        operations: if kind == ApiSetKind::Plain { vec![reads] } else { Vec::new() },
        limits: Vec::new(),
        template: None,
        created_at: NOW,
        updated_at: NOW,
        version: 1,
    }))
}

fn key(id: u128, name: &str, set: u128, secret: &Secret) -> Key {
    let digest = pepper().digest(CredentialKind::Single, secret.expose().as_bytes());
    let (secret, created_by) =
        (StoredSecret { digest, hint: hint(secret) }, Actor { kind: ActorKind::System, id: None, name: None });
    let name = name.parse().expect("a name");
    let key = Key::new(KeyId::from_raw(id), ORGANIZATION, name, secret, created_by, NOW);
    Key { api_sets: vec![ApiSetId::from_raw(set)], ..key }
}
