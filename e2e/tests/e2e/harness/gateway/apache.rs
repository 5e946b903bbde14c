//! Apache with `mod_oauth2`.

use std::path::Path;
use std::process::Command;

use super::{Front, Place, SERVER_NAME, clean, snippet};

/// Where Debian keeps modules.
const MODULES: &str = "/usr/lib/apache2/modules";
/// What the snippet needs, and what every Apache does.
const NAMES: [&str; 9] =
    ["mpm_event", "authn_core", "authz_core", "oauth2", "headers", "setenvif", "rewrite", "proxy", "proxy_http"];

pub(super) fn command(front: &Front<'_>, place: &Place<'_>) -> Command {
    let site = snippet("apache.conf")
        .replace("@LISTEN@", &place.address.to_string())
        .replace("@SERVER_NAME@", SERVER_NAME)
        .replace("@DOORS@", &front.doors.to_string())
        .replace("@API@", front.api)
        .replace("@UPSTREAM@", &place.upstream.to_string())
        .replace("@KEY_HEADER@", front.header.unwrap_or("x-api-key"))
        .replace("@DOOR_TOKEN@", front.token);
    let mut names = NAMES.to_vec();
    let mut more = "";
    if front.behind_balancer {
        names.push("remoteip");
        more = "RemoteIPHeader X-Forwarded-For\nRemoteIPInternalProxy 127.0.0.0/8\n";
    }
    let modules = names.iter().map(|name| format!("LoadModule {name}_module {MODULES}/mod_{name}.so"));
    let modules = modules.collect::<Vec<_>>().join("\n");
    // It serves nobody as root.
    let user = if rustix::process::geteuid().is_root() { "User nobody\nGroup nogroup\n" } else { "" };
    let (path, address) = (place.folder.display(), place.address);
    let config = format!(
        "ServerRoot {path}\nServerName {SERVER_NAME}\nPidFile {path}/pid\nErrorLog {path}/error.log\nDefaultRuntimeDir {path}\n\
         {modules}\n{user}Listen {address}\nStartServers 1\nServerLimit 1\nThreadsPerChild 16\nMaxRequestWorkers 16\n{more}\
         Include {path}/site.conf\n"
    );
    std::fs::write(place.folder.join("site.conf"), site).expect("written");
    let file = place.folder.join("apache2.conf");
    std::fs::write(&file, config).expect("written");
    let mut command = clean(Path::new("apache2"), place);
    command.arg("-D").arg("FOREGROUND").arg("-d").arg(place.folder).arg("-f").arg(&file);
    command
}
