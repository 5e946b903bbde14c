//! `claviger node …`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Body, Client};
use super::failure::Failure;
use super::output::{Output, cell};

#[derive(Debug, Subcommand)]
pub(super) enum NodeCommand {
    /// List the servers on this database and the change that each has applied
    List(List),
    /// Take a lost server off the list, so that nobody waits for it any more (the operator's)
    Forget(Id),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// In this state: `live`, `lost` or `signed_off`
    #[arg(long)]
    state: Option<String>,
    /// `id` or `started_at`; with `-` in front from the end
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// At most this many, 1 to 100
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

/// Which node.
#[derive(Debug, Args)]
pub(super) struct Id {
    /// The node's id
    id: String,
}

/// Says on standard error which nodes have not confirmed a change.
pub(super) fn tell_unconfirmed(answer: &Value) {
    for (list, what) in [("pending", "not yet in force at"), ("lost", "silent, and may not know of it")] {
        if answer[list].as_array().is_some_and(|nodes| !nodes.is_empty()) {
            eprintln!("{what}: {}", cell(&answer[list]));
        }
    }
}

// === impl NodeCommand ===

impl NodeCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(client, output).await,
            Self::Forget(Id { id }) => {
                client.send(Method::DELETE, &["nodes", &id], &[], Body::None).await?;
                if output.is_json() { output.value(&json!({"forgotten": id})) } else { output.text("forgotten") }
            }
        }
    }
}

// === impl List ===

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        let words = [("state", &self.state), ("sort", &self.sort)];
        query.extend(words.into_iter().filter_map(|(name, word)| Some((name, word.clone()?))));
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        let answer = client.get(&["nodes"], &query).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let mut table = output.table(&["ID", "HOST", "STATE", "APPLIED", "VERSION", "STARTED"]);
        let nodes = || answer["data"].as_array().into_iter().flatten();
        for node in nodes() {
            table.row(["id", "host", "state", "applied", "version", "started_at"].map(|field| cell(&node[field])));
        }
        output.text(table)?;
        for node in nodes().filter(|node| node["state"] == "lost") {
            let id = cell(&node["id"]);
            eprintln!("{id} is silent and did not sign off; if it is gone for good: claviger node forget {id}");
        }
        if let Some(cursor) = answer["next_cursor"].as_str() {
            eprintln!("more with --cursor {cursor}");
        }
        Ok(())
    }
}
