//! Caddy: Debian's, and the newest.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{Front, Kind, Place, Running, SERVER_NAME, clean, snippet};

/// Debian's Caddy with `gateways/Caddyfile`.
pub struct Caddy;

// === impl Caddy ===

impl Caddy {
    /// Asks the doors at `doors` about requests to the API `api`.
    pub async fn start(doors: SocketAddr, api: &str) -> Running {
        Kind::Caddy.start(Front::of(doors, api)).await
    }

    /// The same with a door token, and for an API whose keys come in a header of its own.
    pub async fn start_for_header(doors: SocketAddr, api: &str, token: &str, header: Option<&str>) -> Running {
        Kind::Caddy.start(Front { token, header, ..Front::of(doors, api) }).await
    }
}

pub(super) fn command(program: &Path, front: &Front<'_>, place: &Place<'_>) -> Command {
    let mut text = snippet("Caddyfile");
    if front.behind_balancer {
        let kept = "request_header -X-Forwarded-Method\nrequest_header -X-Forwarded-Uri\nrequest_header -X-Forwarded-H*\n\
                    request_header -X-Forwarded-P*";
        text = text.replace("request_header -X-Forwarded-*", kept);
        text = text.replace("uri /v1/authorize", "trusted_proxies 127.0.0.0/8\nuri /v1/authorize");
    }
    let file = place.folder.join("Caddyfile");
    std::fs::write(&file, text).expect("written");
    let mut command = clean(program, place);
    command
        .env("CLAVIGER_SITE", format!("http://:{}", place.address.port()))
        .env("CLAVIGER_SERVER_NAME", SERVER_NAME)
        .env("CLAVIGER_DOORS", front.doors.to_string())
        .env("CLAVIGER_API", front.api)
        .env("CLAVIGER_UPSTREAM", place.upstream.to_string())
        .env("CLAVIGER_DOOR_TOKEN", front.token)
        .envs(front.header.map(|name| ("CLAVIGER_KEY_HEADER", name)))
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(file);
    command
}
