//! `claviger api …`.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::api_import::Import;
use super::client::Client;
use super::failure::Failure;
use super::output::{Output, cell};

#[derive(Debug, Subcommand)]
pub(super) enum ApiCommand {
    /// Import an OpenAPI document (JSON or YAML): makes the API, replaces its operations, or adds a version
    Import(Import),
    /// List APIs
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// At most this many, 1 to 100
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

// === impl ApiCommand ===

impl ApiCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::Import(import) => import.run(client, output).await,
            Self::List(list) => list.run(client, output).await,
        }
    }
}

// === impl List ===

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        let answer = client.get(&["apis"], &query).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let mut table = output.table(&["ID", "SLUG", "NAME", "VERSIONS", "HOSTS", "BASE PATHS"]);
        for api in answer["data"].as_array().into_iter().flatten() {
            let hosts: Vec<_> =
                api["hosts"].as_array().into_iter().flatten().map(|host| host["host"].clone()).collect();
            let cells =
                [&api["id"], &api["slug"], &api["name"], &api["versions"], &Value::Array(hosts), &api["base_paths"]];
            table.row(cells.map(cell));
        }
        output.text(table)?;
        if let Some(cursor) = answer["next_cursor"].as_str() {
            eprintln!("more with --cursor {cursor}");
        }
        Ok(())
    }
}
