//! Envoy, asking by HTTP or by gRPC.

use std::net::SocketAddr;
use std::process::Command;

use super::{Front, Place, SERVER_NAME, clean, of_wheels, snippet};

pub(super) fn command(name: &str, front: &Front<'_>, place: &Place<'_>) -> Command {
    let mut text = snippet(name)
        .replace("@SERVER_NAME@", SERVER_NAME)
        .replace("@API@", front.api)
        .replace("@DOOR_TOKEN@", front.token)
        .replace("@KEY_HEADER@", front.header.unwrap_or("x-api-key"));
    for (word, address) in [("LISTEN", place.address), ("DOORS", front.doors), ("UPSTREAM", place.upstream)] {
        text = filled(&text, word, address);
    }
    if front.behind_balancer {
        text = text.replace("xff_num_trusted_hops: 0", "xff_num_trusted_hops: 1\n          skip_xff_append: true");
        let all = "- remove_on_match: { key_matcher: { prefix: \"x-forwarded-\", ignore_case: true } }";
        assert!(text.contains(all), "{name}");
        text = text.replace(all, "- remove: x-forwarded-host");
    }
    if front.sends_bodies {
        assert!(text.contains("#signed#"), "{name}");
        text = text.replace("#signed# ", "");
    }
    let file = place.folder.join("envoy.yaml");
    std::fs::write(&file, text).expect("written");
    let mut command = clean(&of_wheels("envoy/_bin/envoy"), place);
    command
        .args(["--concurrency", "1", "--use-dynamic-base-id", "--disable-hot-restart", "-l", "warning", "-c"])
        .arg(file);
    command
}

fn filled(text: &str, word: &str, address: SocketAddr) -> String {
    let text = text.replace(&format!("@{word}_HOST@"), &address.ip().to_string());
    text.replace(&format!("@{word}_PORT@"), &address.port().to_string())
}
