//! Real gateways with the snippets of `gateways/`, each in front of an echoing upstream.

mod apache;
mod caddy;
mod envoy;
mod haproxy;
mod nginx;
mod traefik;

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::patience::wait_until;
use super::process::free_address;
use super::raw_http::{Request, Response};
use super::upstream::Upstream;

pub use self::caddy::Caddy;
pub use self::nginx::Nginx;

/// The name the gateways know themselves by.
pub const SERVER_NAME: &str = "api.github.com";
/// Where servers are that not everybody has on their PATH.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// A program, and the snippet that it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Debian's nginx with `nginx.conf`.
    Nginx,
    /// Debian's Caddy with `Caddyfile`.
    Caddy,
    /// Today's Caddy with the same file.
    NewCaddy,
    /// Envoy with `envoy-http.yaml`.
    EnvoyHttp,
    /// Envoy with `envoy-grpc.yaml`.
    EnvoyGrpc,
    /// Debian's Apache and `mod_oauth2` with `apache.conf`.
    Apache,
    /// Debian's HAProxy with `haproxy.cfg` and `claviger.lua`.
    HaProxy,
    /// Traefik with `traefik.yaml`.
    #[cfg_attr(not(feature = "traefik"), expect(dead_code, reason = "its cases run on demand"))]
    Traefik,
}

/// What a gateway is started with.
#[derive(Debug, Clone, Copy)]
pub struct Front<'a> {
    /// Whom it asks.
    pub doors: SocketAddr,
    /// The API that it protects.
    pub api: &'a str,
    /// Its door token; empty: none.
    pub token: &'a str,
    /// The header in which the API's keys come, if it is one of its own.
    pub header: Option<&'a str>,
    /// Whether a balancer on the loopback stands in front of it, as `docs/addresses.md` says.
    pub behind_balancer: bool,
    /// Whether it sends bodies to be judged, where its snippet has lines for that.
    pub sends_bodies: bool,
    /// Claviger's public listener, where clients of the web service sign in at the gateway too.
    pub public: Option<SocketAddr>,
}

/// A gateway that runs. Process, files and upstream end with it.
pub struct Running {
    /// Where clients connect.
    pub address: SocketAddr,
    child: Child,
    folder: TempDir,
    _upstream: Upstream,
}

/// Where a gateway is to run.
struct Place<'p> {
    folder: &'p Path,
    address: SocketAddr,
    upstream: SocketAddr,
}

/// A file of `gateways/`.
fn snippet(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateways").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A program that `cargo xtask install` took from a wheel.
fn of_wheels(path: &str) -> PathBuf {
    built(&format!("wheels/{path}"))
}

/// A program that lies in the target directory.
fn built(path: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("..").join(path);
    assert!(program.is_file(), "{} is missing: run `cargo xtask install`", program.display());
    program
}

// === impl Kind ===

impl Kind {
    /// Whether requests to other names than its own get 404.
    pub fn answers_its_own_name_alone(self) -> bool {
        matches!(self, Self::EnvoyHttp | Self::Traefik)
    }

    /// Whether it takes requests, and passes them by its snippet.
    async fn is_ready(self, address: SocketAddr) -> bool {
        match self {
            Self::Traefik => traefik::is_ready(address).await,
            _ => TcpStream::connect(address).is_ok(),
        }
    }

    /// Whether clients hear what is left of their limits when a request passes.
    pub fn tells_what_is_left(self) -> bool {
        !matches!(self, Self::Caddy | Self::NewCaddy | Self::Traefik)
    }

    /// Whether it asks again where an answer is lost on a connection that was kept.
    pub fn asks_again(self) -> bool {
        !matches!(self, Self::EnvoyHttp | Self::EnvoyGrpc | Self::Apache)
    }

    /// Whether a client hears no more of a key that is none, or was not judged, than that it is none: RFC 7662 has no words for
    /// why.
    pub fn says_not_active_alone(self) -> bool {
        self == Self::Apache
    }

    /// Whether it tells Claviger of one header only in which bare keys come.
    pub fn hears_one_header_of_keys(self) -> bool {
        self == Self::Apache
    }

    /// Whether it refuses headers whose names have underscores, as it cannot drop them.
    pub fn refuses_underscores(self) -> bool {
        self == Self::Apache
    }

    /// Starts it in front of an upstream of its own.
    pub async fn start(self, front: Front<'_>) -> Running {
        let (upstream, address) = (Upstream::start().await, free_address());
        let folder = tempfile::Builder::new().prefix("claviger-gateway-").tempdir().expect("a temporary folder");
        let place = Place { folder: folder.path(), address, upstream: upstream.address };
        let mut command = match self {
            Self::Nginx => nginx::command(&front, &place),
            Self::Caddy => caddy::command(Path::new("caddy"), &front, &place),
            Self::NewCaddy => caddy::command(&of_wheels("bin/caddy"), &front, &place),
            Self::EnvoyHttp => envoy::command("envoy-http.yaml", &front, &place),
            Self::EnvoyGrpc => envoy::command("envoy-grpc.yaml", &front, &place),
            Self::Apache => apache::command(&front, &place),
            Self::HaProxy => haproxy::command(&front, &place),
            Self::Traefik => traefik::command(&front, &place),
        };
        let log = std::fs::File::create(folder.path().join("stderr.log")).expect("a log");
        let child = command
            .env("PATH", PATH)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{self:?}: {error}"));
        let running = Running { address, child, folder, _upstream: upstream };
        let is_ready = async || self.is_ready(address).await;
        wait_until(is_ready, || format!("{self:?} does not listen:\n{}", running.logs())).await;
        running
    }
}

// === impl Front ===

impl<'a> Front<'a> {
    /// The usual: no token, keys where they usually stand, nothing in front.
    pub fn of(doors: SocketAddr, api: &'a str) -> Self {
        Self { doors, api, token: "", header: None, behind_balancer: false, sends_bodies: false, public: None }
    }
}

// === impl Running ===

impl Running {
    /// Sends a request to it by its name.
    pub async fn send(&self, request: Request) -> Response {
        request.header("Host", SERVER_NAME).send(self.address).await
    }

    /// What it wrote to its logs.
    pub fn logs(&self) -> String {
        let entries = std::fs::read_dir(self.folder.path()).expect("its folder").flatten();
        let logs = entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "log"));
        logs.map(|log| std::fs::read_to_string(log.path()).unwrap_or_default()).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM, so that a master takes its workers along; one that has ended is as good.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// A command that runs a program with nothing of this process's environment.
fn clean(program: &Path, place: &Place<'_>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", place.folder);
    command
}
