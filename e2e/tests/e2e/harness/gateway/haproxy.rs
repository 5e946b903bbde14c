//! HAProxy.

use std::path::Path;
use std::process::Command;

use super::{Front, Place, SERVER_NAME, clean, snippet};

/// HAProxy with `gateways/haproxy.cfg` and, beside it, `gateways/claviger.lua`. A header of the API's own for keys needs nothing.
pub(super) fn command(front: &Front<'_>, place: &Place<'_>) -> Command {
    let text = snippet("haproxy.cfg")
        .replace("@LISTEN@", &place.address.to_string())
        .replace("@SERVER_NAME@", SERVER_NAME)
        .replace("@DOORS@", &front.doors.to_string())
        .replace("@API@", front.api)
        .replace("@UPSTREAM@", &place.upstream.to_string())
        .replace("@DOOR_TOKEN@", front.token)
        // The name stands for the whole machine, and here many run on it.
        .replace("abns@claviger", &format!("abns@claviger-{}", place.address.port()));
    let text =
        if front.behind_balancer { text.replace("#balancer# ", "").replace("10.0.0.0/8", "127.0.0.0/8") } else { text };
    std::fs::write(place.folder.join("claviger.lua"), snippet("claviger.lua")).expect("written");
    let file = place.folder.join("haproxy.cfg");
    std::fs::write(&file, text).expect("written");
    let mut command = clean(Path::new("haproxy"), place);
    command.arg("-db").arg("-f").arg(file);
    command
}
