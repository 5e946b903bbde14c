//! `claviger check`: every check with its input, rule and result, without spending anything.

use std::net::IpAddr;

use clap::Args;
use serde_json::{Map, Value, json};

use super::client::Client;
use super::failure::Failure;
use super::input::CredentialSource;
use super::key::lookup;
use super::output::{Output, cell};

#[derive(Debug, Args)]
pub(super) struct Check {
    /// The request's method
    #[arg(long)]
    method: Option<String>,
    /// The request's path, with its query if it has one
    #[arg(long)]
    path: Option<String>,
    /// The client's address
    #[arg(long, value_name = "IP")]
    ip: Option<IpAddr>,
    /// The API, by slug; without it host and path choose
    #[arg(long, value_name = "SLUG")]
    api: Option<String>,
    /// The host that the client asked
    #[arg(long)]
    host: Option<String>,
    #[command(flatten)]
    credential: CredentialSource,
}

// === impl Check ===

impl Check {
    pub(super) async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let found = lookup(client, &self.credential).await?;
        let id = found["key"]["id"].as_str().unwrap_or_default();
        let answer = client.post(&["keys", id, "check"], &self.body()).await?;
        if output.is_json() {
            output.value(&answer)?;
        } else {
            print(&found["key"], &answer, output)?;
        }
        match answer["code"].as_str() {
            Some("VALID") => Ok(()),
            code => Err(Failure::refused(format!("the request would be refused: {}", code.unwrap_or("no code")))),
        }
    }

    fn body(&self) -> Value {
        let fields = [
            ("method", self.method.clone()),
            ("path", self.path.clone()),
            ("client_ip", self.ip.map(|ip| ip.to_string())),
            ("api", self.api.clone()),
            ("host", self.host.clone()),
        ];
        let given = fields.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text?))));
        Value::Object(given.collect::<Map<_, _>>())
    }
}

fn print(key: &Value, answer: &Value, output: Output) -> Result<(), Failure> {
    let mut table = output.table(&["CHECK", "RESULT", "INPUT", "RULE", "REASON"]);
    for check in answer["checks"].as_array().into_iter().flatten() {
        table.row(["name", "result", "input", "rule", "reason"].map(|field| cell(&check[field])));
    }
    let version = answer["version"].as_str().map(|version| format!(" in version {version}")).unwrap_or_default();
    eprintln!("{} `{}`, operation {}{version}", cell(&key["id"]), cell(&key["name"]), cell(&answer["operation"]));
    output.text(format_args!("{}\n{table}", cell(&answer["code"])))
}
