//! `claviger api …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::client::{Body, Client};
use super::failure::Failure;
use super::input::read_bounded;
use super::output::{Output, cell};

/// The most bytes of a document, as the server takes it.
const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;

#[derive(Debug, Subcommand)]
pub(super) enum ApiCommand {
    /// Import an OpenAPI document (JSON); makes the API, or replaces its operations
    Import(Import),
    /// List APIs
    List(List),
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The document; - for standard input
    file: PathBuf,
    /// What requests call the API by; without it made from the document's title
    #[arg(long)]
    slug: Option<String>,
    /// What people call it; without it the document's title
    #[arg(long)]
    name: Option<String>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
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

/// Imports a document; `slug` and `name` as in the query of `POST /apis/import`.
pub(super) async fn import(client: &Client, document: &[u8], query: &[(&str, String)]) -> Result<Value, Failure> {
    client.send(Method::POST, &["apis", "import"], query, Body::Raw(document)).await
}

// === impl Import ===

impl Import {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let document = read_bounded(&self.file, DOCUMENT_BYTES_MAX)?;
        if document.starts_with(&[0x1f, 0x8b]) {
            let file = self.file.display();
            return Err(Failure::usage(format!("{file} is compressed: `gunzip -c {file} | claviger api import -`")));
        }
        let answer = import(client, &document, &self.query()).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let (api, operations) = (&answer["api"], &answer["operations"]);
        let [added, changed, removed] = ["added", "changed", "removed"].map(|field| cell(&operations[field]));
        output.text(format_args!(
            "{} `{}`: {added} operations added, {changed} changed, {removed} removed",
            cell(&api["slug"]),
            cell(&api["name"])
        ))?;
        let sets = answer["suggested_sets"].as_array().map_or(0, Vec::len);
        if sets > 0 {
            eprintln!("{sets} sets are suggested by the document's tags; --json names them.");
        }
        Ok(())
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let given = [("slug", self.slug.clone()), ("name", self.name.clone())];
        let mut query: Vec<_> = given.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
        if self.dry_run {
            query.push(("dry_run", "true".to_owned()));
        }
        query
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
        let mut table = output.table(&["ID", "SLUG", "NAME", "HOSTS", "BASE PATHS"]);
        for api in answer["data"].as_array().into_iter().flatten() {
            let hosts: Vec<_> =
                api["hosts"].as_array().into_iter().flatten().map(|host| host["host"].clone()).collect();
            let cells = [&api["id"], &api["slug"], &api["name"], &Value::Array(hosts), &api["base_paths"]];
            table.row(cells.map(cell));
        }
        output.text(table)?;
        if let Some(cursor) = answer["next_cursor"].as_str() {
            eprintln!("more with --cursor {cursor}");
        }
        Ok(())
    }
}
