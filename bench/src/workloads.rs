//! The requests, as the gateways in gateways/ send them, and what each answer must be.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::credentials::{Credentials, key_name};
use crate::envoy;
use crate::fixture::{API, CLIENT_IP};
use crate::load::header;
use crate::process::Processes;

/// Credentials of no key to draw from.
const UNKNOWN: u64 = 100_000;
/// What clients ask for; all of it is the keys' right.
const PATHS: [&str; 4] = [
    "/repos/octocat/hello-world/issues?state=open&per_page=100",
    "/repos/octocat/hello-world/issues/1347",
    "/repos/octocat/hello-world/issues/1347/comments",
    "/repos/octocat/hello-world",
];

/// Where requests go.
pub struct Target {
    /// The address.
    pub address: SocketAddr,
    /// Who listens there.
    pub server: Processes,
}

/// What is sent, and what must come back.
#[derive(Clone)]
pub struct Workload {
    /// Name in the table.
    pub name: &'static str,
    /// Where to.
    pub address: SocketAddr,
    /// Whose processor time is counted.
    pub server: Processes,
    /// One is drawn for each request.
    pub forms: Vec<Form>,
    /// One is drawn for each request.
    pub credentials: Arc<Credentials>,
    /// What each answer must be.
    pub expected: Expected,
    /// The method of gRPC that is called; `None`: HTTP/1.1.
    pub method: Option<&'static str>,
}

/// A request without its credential.
#[derive(Clone)]
pub struct Form {
    /// Bytes before the credential.
    pub head: Vec<u8>,
    /// Bytes after it.
    pub tail: Vec<u8>,
}

/// What an answer must be.
#[derive(Clone, Copy)]
pub struct Expected {
    status: u16,
    proof: Proof,
}

#[derive(Clone, Copy)]
enum Proof {
    /// A body of this length.
    Length(usize),
    /// The name of the very key that was drawn stands in `X-Auth-Key-Name`.
    KeyInHeader,
    /// It stands in a body that begins like this.
    KeyInBody(&'static str),
    /// It stands in a message that lets the request pass.
    KeyInMessage,
    /// The body has this text.
    Text(&'static str),
}

/// The credentials that the workloads draw from.
pub struct Draws {
    known: Arc<Credentials>,
    unknown: Arc<Credentials>,
    bad: Arc<Credentials>,
}

// === impl Draws ===

impl Draws {
    /// For a fixture of `keys` keys.
    pub fn new(keys: u64) -> Self {
        let unknown = Credentials::unknown(UNKNOWN);
        Self {
            known: Arc::new(Credentials::known(keys)),
            bad: Arc::new(unknown.clone().with_bad_checksums()),
            unknown: Arc::new(unknown),
        }
    }

    /// The credential of the key of this number.
    pub fn known(&self, number: u64) -> &str {
        std::str::from_utf8(self.known.get(number)).unwrap_or_default()
    }

    /// nginx, which verifies nothing and answers with a body of `length` bytes.
    pub fn return_200(&self, target: &Target, length: usize) -> Workload {
        let head = "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ";
        let expected = Expected { status: 200, proof: Proof::Length(length) };
        self.workload("nginx `return 200`, verifies nothing", target, vec![Form::new(head, "\r\n\r\n")], expected)
    }

    /// A request that a gateway proxies.
    pub fn proxied(&self, name: &'static str, target: &Target, length: usize) -> Workload {
        let forms = PATHS.iter().map(|path| {
            let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ");
            Form::new(&head, "\r\nUser-Agent: octokit/5\r\nAccept: application/json\r\n\r\n")
        });
        self.workload(name, target, forms.collect(), Expected { status: 200, proof: Proof::Length(length) })
    }

    /// Forward authentication.
    pub fn forward(&self, target: &Target) -> Workload {
        let expected = Expected { status: 200, proof: Proof::KeyInHeader };
        self.workload("`GET /v1/authorize/api/github`", target, forward_forms(), expected)
    }

    /// What nginx's `auth_request` asks.
    pub fn nginx_door(&self, target: &Target) -> Workload {
        let forms = PATHS.iter().map(|path| {
            let head = format!(
                "GET /v1/authorize/api/{API}/nginx HTTP/1.1\r\nHost: claviger\r\nX-Original-Method: GET\r\n\
                 X-Original-URI: {path}\r\nX-Original-Host: api.github.com\r\nX-Real-IP: {CLIENT_IP}\r\n\
                 Authorization: Bearer "
            );
            Form::new(&head, AGENT)
        });
        let expected = Expected { status: 200, proof: Proof::KeyInHeader };
        self.workload("`GET /v1/authorize/api/github/nginx`", target, forms.collect(), expected)
    }

    /// The question in JSON.
    pub fn verify(&self, target: &Target) -> Workload {
        let forms = PATHS.iter().map(|path| {
            let end = format!(
                "\",\"client_ip\":\"{CLIENT_IP}\",\"method\":\"GET\",\"path\":\"{path}\",\
                 \"host\":\"api.github.com\",\"api\":\"{API}\"}}"
            );
            self.posted("/v1/verify", "application/json", "{\"credential\":\"", &end)
        });
        let expected = Expected { status: 200, proof: Proof::KeyInBody("{\"valid\":true,\"code\":\"VALID\"") };
        self.workload("`POST /v1/verify`", target, forms.collect(), expected)
    }

    /// RFC 7662, the request that the key came with told beside it.
    pub fn introspect(&self, target: &Target) -> Workload {
        let forms = PATHS.iter().map(|path| {
            let path: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
            let end = format!("&client_ip={CLIENT_IP}&method=GET&path={path}&host=api.github.com");
            let address = format!("/v1/introspect/api/{API}");
            self.posted(&address, "application/x-www-form-urlencoded", "token=", &end)
        });
        let expected = Expected { status: 200, proof: Proof::KeyInBody("{\"active\":true") };
        self.workload("`POST /v1/introspect/api/github`", target, forms.collect(), expected)
    }

    /// A body that has a known key in it.
    fn posted(&self, address: &str, media_type: &str, begin: &str, end: &str) -> Form {
        let length = begin.len() + self.known.length() + end.len();
        let head = format!(
            "POST {address} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n\
             Content-Length: {length}\r\n\r\n{begin}"
        );
        Form::new(&head, end)
    }

    /// What Envoy asks by gRPC, one call after the other on each connection.
    pub fn envoy_by_grpc(&self, target: &Target) -> Workload {
        let forms = PATHS.iter().map(|path| {
            let (head, tail) = envoy::call(path, self.known.length());
            Form { head, tail }
        });
        let expected = Expected { status: 200, proof: Proof::KeyInMessage };
        let name = "Envoy's `Check` by gRPC";
        Workload { method: Some(envoy::METHOD), ..self.workload(name, target, forms.collect(), expected) }
    }

    /// Well-formed credentials of no key.
    pub fn unknown_key(&self, target: &Target) -> Workload {
        let expected = Expected { status: 401, proof: Proof::Text("\"code\":\"NOT_FOUND\"") };
        let credentials = Arc::clone(&self.unknown);
        let name = "unknown key, `GET /v1/authorize/api/github`";
        Workload { credentials, ..self.workload(name, target, forward_forms(), expected) }
    }

    /// Mistyped credentials.
    pub fn bad_checksum(&self, target: &Target) -> Workload {
        let expected = Expected { status: 401, proof: Proof::Text("\"code\":\"MALFORMED\"") };
        let credentials = Arc::clone(&self.bad);
        let name = "bad checksum, `GET /v1/authorize/api/github`";
        Workload { credentials, ..self.workload(name, target, forward_forms(), expected) }
    }

    fn workload(&self, name: &'static str, target: &Target, forms: Vec<Form>, expected: Expected) -> Workload {
        Workload {
            name,
            address: target.address,
            server: target.server.clone(),
            forms,
            credentials: Arc::clone(&self.known),
            expected,
            method: None,
        }
    }
}

const AGENT: &str = "\r\nUser-Agent: octokit/5\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n\r\n";

/// Twelve headers, as Caddy's `forward_auth` sends them.
fn forward_forms() -> Vec<Form> {
    let forms = PATHS.iter().map(|path| {
        let head = format!(
            "GET /v1/authorize/api/{API} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Method: GET\r\n\
             X-Forwarded-Uri: {path}\r\nX-Forwarded-Host: api.github.com\r\nX-Forwarded-For: {CLIENT_IP}\r\n\
             X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\nVia: 2.0 caddy\r\nAuthorization: Bearer "
        );
        Form::new(&head, AGENT)
    });
    forms.collect()
}

// === impl Form ===

impl Form {
    fn new(head: &str, tail: &str) -> Self {
        Self { head: head.as_bytes().to_vec(), tail: tail.as_bytes().to_vec() }
    }
}

// === impl Expected ===

impl Expected {
    /// Whether it is this answer to the credential of this number.
    pub fn is(&self, head: &httparse::Response<'_, '_>, body: &[u8], number: u64) -> bool {
        let proved = match self.proof {
            Proof::Length(length) => body.len() == length,
            Proof::KeyInHeader => header(head, "x-auth-key-name") == Some(key_name(number).as_bytes()),
            Proof::KeyInBody(begin) => body.starts_with(begin.as_bytes()) && has(body, &key_name(number)),
            Proof::Text(text) => has(body, text),
            Proof::KeyInMessage => false,
        };
        proved && head.code == Some(self.status)
    }

    /// The same of a message of gRPC, with its five bytes.
    pub fn is_message(&self, message: &[u8], number: u64) -> bool {
        let name = key_name(number);
        let is_named = message.windows(name.len()).any(|part| part == name.as_bytes());
        matches!(self.proof, Proof::KeyInMessage)
            && message.get(5..).is_some_and(|rest| rest.starts_with(&envoy::ALLOWED))
            && is_named
    }
}

fn has(body: &[u8], text: &str) -> bool {
    std::str::from_utf8(body).is_ok_and(|body| body.contains(text))
}
