//! Real gateways with the snippets of `gateways/`, each in front of an echoing upstream.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::patience::wait_until;
use super::process::free_address;
use super::upstream::Upstream;

/// The name the gateways know themselves by.
pub const SERVER_NAME: &str = "api.github.com";

/// A running nginx with `gateways/nginx.conf`.
pub struct Nginx {
    /// Where clients connect.
    pub address: SocketAddr,
    gateway: Gateway,
}

/// A running Caddy with `gateways/Caddyfile`.
pub struct Caddy {
    /// Where clients connect.
    pub address: SocketAddr,
    _gateway: Gateway,
}

/// Process, files and upstream of a gateway; all end with it.
struct Gateway {
    child: Child,
    folder: TempDir,
    _upstream: Upstream,
}

fn snippet(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../gateways").join(name)
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("claviger-gateway-").tempdir().expect("a temporary folder")
}

// === impl Nginx ===

impl Nginx {
    /// Asks the doors at `doors` about requests to the API `api`.
    pub async fn start(doors: SocketAddr, api: &str) -> Self {
        Self::start_with_token(doors, api, "").await
    }

    /// The same with a door token.
    pub async fn start_with_token(doors: SocketAddr, api: &str, token: &str) -> Self {
        Self::start_for_header(doors, api, token, None).await
    }

    /// The same for an API whose keys come in a header of its own.
    pub async fn start_for_header(doors: SocketAddr, api: &str, token: &str, header: Option<&str>) -> Self {
        Self::start_with(doors, api, token, header, "").await
    }

    /// Behind a balancer on the loopback, as `docs/addresses.md` says.
    pub async fn start_behind_balancer(doors: SocketAddr, api: &str) -> Self {
        let real_ip = "set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For; real_ip_recursive on;";
        Self::start_with(doors, api, "", None, real_ip).await
    }

    async fn start_with(doors: SocketAddr, api: &str, token: &str, header: Option<&str>, more: &str) -> Self {
        let (upstream, folder, address) = (Upstream::start().await, folder(), free_address());
        let site = std::fs::read_to_string(snippet("nginx.conf"))
            .expect("the snippet")
            .replace("@LISTEN@", &address.to_string())
            .replace("@SERVER_NAME@", SERVER_NAME)
            .replace("@DOORS@", &doors.to_string())
            .replace("@API@", api)
            .replace("@UPSTREAM@", &upstream.address.to_string())
            .replace("@DOOR_TOKEN@", token);
        let site = match header {
            Some(name) => site
                .replace("#own# ", "")
                .replace("@KEY_HEADER@", name)
                .replace("@KEY_VARIABLE@", &name.replace('-', "_")),
            None => site,
        };
        let path = folder.path().display();
        let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
            .concat();
        let config = format!(
            "{user} daemon off; worker_processes 1; pid {path}/pid; error_log {path}/error.log info;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log {path}/access.log; {temporary}{more}\ninclude {path}/site.conf; }}\n"
        );
        std::fs::write(folder.path().join("site.conf"), site).expect("written");
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).expect("written");
        let child = Command::new("nginx")
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx starts");
        let gateway = Gateway { child, folder, _upstream: upstream };
        gateway.wait_for(address, "error.log").await;
        Self { address, gateway }
    }

    /// What nginx wrote to its logs.
    pub fn logs(&self) -> String {
        ["error.log", "access.log"]
            .map(|name| std::fs::read_to_string(self.gateway.folder.path().join(name)).unwrap_or_default())
            .concat()
    }
}

// === impl Caddy ===

impl Caddy {
    /// Asks the doors at `doors` about requests to the API `api`.
    pub async fn start(doors: SocketAddr, api: &str) -> Self {
        Self::start_for_header(doors, api, "", None).await
    }

    /// The same with a door token, and for an API whose keys come in a header of its own.
    pub async fn start_for_header(doors: SocketAddr, api: &str, token: &str, header: Option<&str>) -> Self {
        Self::start_with(doors, api, token, header, &snippet("Caddyfile")).await
    }

    /// Behind a balancer on the loopback, as `docs/addresses.md` says.
    pub async fn start_behind_balancer(doors: SocketAddr, api: &str) -> Self {
        let kept = "request_header -X-Forwarded-Method\nrequest_header -X-Forwarded-Uri\nrequest_header -X-Forwarded-H*\n\
                    request_header -X-Forwarded-P*";
        let edited = std::fs::read_to_string(snippet("Caddyfile"))
            .expect("the snippet")
            .replace("request_header -X-Forwarded-*", kept)
            .replace("uri /v1/authorize", "trusted_proxies 127.0.0.0/8\nuri /v1/authorize");
        let made = folder();
        let file = made.path().join("Caddyfile");
        std::fs::write(&file, edited).expect("written");
        Self::start_with(doors, api, "", None, &file).await
    }

    async fn start_with(doors: SocketAddr, api: &str, token: &str, header: Option<&str>, file: &Path) -> Self {
        let (upstream, folder, address) = (Upstream::start().await, folder(), free_address());
        let log = std::fs::File::create(folder.path().join("error.log")).expect("a log");
        let child = Command::new("caddy")
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", folder.path())
            .env("CLAVIGER_SITE", format!("http://:{}", address.port()))
            .env("CLAVIGER_SERVER_NAME", SERVER_NAME)
            .env("CLAVIGER_DOORS", doors.to_string())
            .env("CLAVIGER_API", api)
            .env("CLAVIGER_UPSTREAM", upstream.address.to_string())
            .env("CLAVIGER_DOOR_TOKEN", token)
            .envs(header.map(|name| ("CLAVIGER_KEY_HEADER", name)))
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Caddy starts");
        let gateway = Gateway { child, folder, _upstream: upstream };
        gateway.wait_for(address, "error.log").await;
        Self { address, _gateway: gateway }
    }
}

// === impl Gateway ===

impl Gateway {
    async fn wait_for(&self, address: SocketAddr, log: &str) {
        let log = || std::fs::read_to_string(self.folder.path().join(log)).unwrap_or_default();
        let listens = async || TcpStream::connect(address).is_ok();
        wait_until(listens, || format!("the gateway does not listen:\n{}", log())).await;
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // SIGTERM, so that nginx's master takes its worker along; one that has ended is as good.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}
