//! nginx.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use super::{Front, Kind, Place, Running, SERVER_NAME, clean, snippet};

/// nginx with `gateways/nginx.conf`.
pub struct Nginx;

// === impl Nginx ===

impl Nginx {
    /// Asks the doors at `doors` about requests to the API `api`.
    pub async fn start(doors: SocketAddr, api: &str) -> Running {
        Kind::Nginx.start(Front::of(doors, api)).await
    }

    /// The same with a door token.
    pub async fn start_with_token(doors: SocketAddr, api: &str, token: &str) -> Running {
        Kind::Nginx.start(Front { token, ..Front::of(doors, api) }).await
    }

    /// The same for an API whose keys come in a header of its own.
    pub async fn start_for_header(doors: SocketAddr, api: &str, token: &str, header: Option<&str>) -> Running {
        Kind::Nginx.start(Front { token, header, ..Front::of(doors, api) }).await
    }
}

pub(super) fn command(front: &Front<'_>, place: &Place<'_>) -> Command {
    let site = snippet("nginx.conf")
        .replace("@LISTEN@", &place.address.to_string())
        .replace("@SERVER_NAME@", SERVER_NAME)
        .replace("@DOORS@", &front.doors.to_string())
        .replace("@API@", front.api)
        .replace("@UPSTREAM@", &place.upstream.to_string())
        .replace("@DOOR_TOKEN@", front.token);
    let site = match front.header {
        Some(name) => {
            site.replace("#own# ", "").replace("@KEY_HEADER@", name).replace("@KEY_VARIABLE@", &name.replace('-', "_"))
        }
        None => site,
    };
    let site = match front.public {
        Some(public) => site
            .replace("#web# ", "")
            .replace("@PUBLIC@", &public.to_string())
            .replace("@PUBLIC_HOST@", &public.ip().to_string()),
        None => site,
    };
    let real_ip = "set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For; real_ip_recursive on;";
    let more = if front.behind_balancer { real_ip } else { "" };
    let path = place.folder.display();
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {path}/{kind};\n"))
        .concat();
    let config = format!(
        "{user} daemon off; worker_processes 1; pid {path}/pid; error_log {path}/error.log info;\n\
         events {{ worker_connections 256; }}\n\
         http {{ access_log {path}/access.log; {temporary}{more}\ninclude {path}/site.conf; }}\n"
    );
    std::fs::write(place.folder.join("site.conf"), site).expect("written");
    let file = place.folder.join("nginx.conf");
    std::fs::write(&file, config).expect("written");
    let mut command = clean(Path::new("nginx"), place);
    command.arg("-p").arg(place.folder).arg("-c").arg(&file);
    command
}
