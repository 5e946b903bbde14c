//! Asks Claviger whether a request may pass. It needs `reqwest` with the feature `json`, `serde_json` and `tokio`.
//! clients/rust has a layer, an extractor and retries: docs/clients.md.

use std::time::Duration;

const DOORS: &str = "@DOORS_URL@";
const API: &str = "@API@";

/// True only if Claviger says so: without an answer nobody passes.
pub async fn may_pass(client: &reqwest::Client, key: &str, method: &str, path: &str, client_ip: &str) -> bool {
    // A key that holds claviger-verify, where the doors need a token.
    let door_token = std::env::var("CLAVIGER_DOOR_TOKEN").unwrap_or_default();
    let question = serde_json::json!({
        "credential": key, "method": method, "path": path, "client_ip": client_ip, "api": API,
    });
    let call = client
        .post(format!("{DOORS}/v1/verify"))
        .timeout(Duration::from_secs(5))
        .header("X-Claviger-Door", door_token)
        .json(&question);
    let Ok(answer) = call.send().await else { return false };
    let is_ok = answer.status().is_success();
    let Ok(verdict) = answer.json::<serde_json::Value>().await else { return false };
    is_ok && verdict["valid"] == true
}

#[tokio::main]
async fn main() {
    let key = std::env::var("KEY").unwrap_or_default();
    println!("{}", may_pass(&reqwest::Client::new(), &key, "@METHOD@", "@PATH@", "@CLIENT_IP@").await);
}
