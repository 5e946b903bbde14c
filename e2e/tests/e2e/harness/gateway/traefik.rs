//! Traefik.

use std::net::SocketAddr;
use std::process::Command;

use super::{Front, Place, SERVER_NAME, built, clean, snippet};
use crate::harness::raw_http::Request;

/// A name under which Traefik answers by itself: it listens before it has read its file.
const READY: &str = "ready.invalid";
/// What its service `noop` answers.
const NOOP_STATUS: u16 = 418;

/// Traefik with `gateways/traefik.yaml`, started as that file says.
pub(super) fn command(front: &Front<'_>, place: &Place<'_>) -> Command {
    let text = snippet("traefik.yaml")
        .replace("@LISTEN@", &place.address.to_string())
        .replace("@SERVER_NAME@", SERVER_NAME)
        .replace("@DOORS@", &front.doors.to_string())
        .replace("@API@", front.api)
        .replace("@UPSTREAM@", &place.upstream.to_string())
        .replace("@DOOR_TOKEN@", front.token)
        .replace("@KEY_HEADER@", front.header.unwrap_or("x-api-key"));
    let ready = format!(
        "  routers:\n    ready: {{ entryPoints: [protected], rule: \"Host(`{READY}`)\", service: noop@internal }}\n"
    );
    let text = text.replacen("  routers:\n", &ready, 1);
    let mut command = clean(&built("traefik/traefik"), place);
    let comments = text.lines().filter(|line| line.starts_with('#'));
    command.args(comments.flat_map(str::split_whitespace).filter(|word| word.starts_with("--")));
    command.args(["--global.checkNewVersion=false", "--log.level=WARN", "--log.filePath=traefik.log"]);
    if front.behind_balancer {
        command.arg("--entryPoints.protected.forwardedHeaders.trustedIPs=127.0.0.0/8");
    }
    std::fs::write(place.folder.join("claviger.yaml"), text).expect("written");
    command.current_dir(place.folder);
    command
}

/// Whether it has read its file.
pub(super) async fn is_ready(address: SocketAddr) -> bool {
    let asked = Request::get("/").header("Host", READY).try_send(address).await;
    asked.is_ok_and(|answer| answer.status == NOOP_STATUS)
}
