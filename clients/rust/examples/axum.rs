//! A service that only keys of Claviger reach, by the layer and by the extractor.
//!
//! ```sh
//! claviger serve --demo                                   # prints a key and where the doors are
//! cargo run -p claviger-client --features axum --example axum
//! curl -i -H 'X-Api-Key: clv_live_…' http://127.0.0.1:8080/repos/octocat/hello/issues
//! ```

use std::error::Error;
use std::net::SocketAddr;

use axum::routing::get;
use axum::{Extension, Router};
use claviger_client::{Allowed, Client, Guard, GuardLayer, Passed};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let setting =
        |name: &str, usual: &str| std::env::var_os(name).map_or(usual.into(), |it| it.to_string_lossy().into_owned());
    let client = Client::builder(setting("CLAVIGER_DOORS_URL", "http://127.0.0.1:7601"))
        .door_token(setting("CLAVIGER_DOOR_TOKEN", ""))
        .api(setting("CLAVIGER_API", "github"))
        .build()?;
    let guard = Guard::new(client);

    // The extractor asks for each handler that takes it, and for no other.
    let issues = Router::new().route("/repos/{owner}/{repo}/issues", get(issues)).with_state(guard.clone());
    // The layer asks for everything behind it.
    let pulls = Router::new().route("/repos/{owner}/{repo}/pulls", get(pulls)).layer(GuardLayer::new(guard));
    let router = issues.merge(pulls).route("/healthz", get(async || "well"));

    let listener = tokio::net::TcpListener::bind(setting("LISTEN", "127.0.0.1:8080")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    // Who is connected is known only this way; without it keys that are bound to addresses are refused.
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

async fn issues(allowed: Allowed) -> String {
    format!("issues, for {}\n", who(&allowed))
}

async fn pulls(Extension(passed): Extension<Passed>) -> String {
    format!("pulls, for {}\n", who(&passed))
}

fn who(passed: &Passed) -> &str {
    passed.verdict().and_then(|verdict| verdict.key.as_ref()).map_or("anybody", |key| &key.name)
}
