//! `claviger api …`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::api_import::{Import, push_shares};
use super::client::{Body, Client};
use super::failure::Failure;
use super::output::{ListOf, Output, cell};

#[derive(Debug, Subcommand)]
pub(super) enum ApiCommand {
    /// Import an OpenAPI document (JSON or YAML): makes the API, replaces its operations, or adds a version
    Import(Import),
    /// List APIs
    List(List),
    /// Show one API
    Show(Name),
    /// List the operations of an API
    Operations(Operations),
    /// Change an API: hosts, base paths, versions, whom it is shared with, how its doors judge
    Edit(Edit),
    /// Delete an API; its operations leave every set and key
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(super) struct Delete {
    /// The API's slug or id
    api: String,
    /// Say which sets and keys would lose operations, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Which API.
#[derive(Debug, Args)]
pub(super) struct Name {
    /// The API's slug or id
    api: String,
}

#[derive(Debug, Args)]
pub(super) struct Operations {
    /// The API's slug or id
    api: String,
    /// Those that have this in name, method, path or summary
    #[arg(long)]
    text: Option<String>,
    /// At most this many, 1 to 100
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Edit {
    /// The API's slug or id
    api: String,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// Unique in the organization
    #[arg(long)]
    slug: Option<String>,
    /// A host that it answers on, for live keys; may be repeated, takes the place of all hosts
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// A host that it answers on, for test keys; may be repeated, takes the place of all hosts
    #[arg(long = "test-host", value_name = "HOST")]
    test_hosts: Vec<String>,
    /// A path that its operations stand under; may be repeated, takes the place of all base paths
    #[arg(long = "base-path", value_name = "PATH")]
    base_paths: Vec<String>,
    /// What versions look like in its paths, such as v#
    #[arg(long, value_name = "PATTERN")]
    version_pattern: Option<String>,
    /// A version that there is; may be repeated, takes the place of all. What was in another version alone goes with it
    #[arg(long = "version", value_name = "VERSION")]
    versions: Vec<String>,
    /// Where its manual stands
    #[arg(long, value_name = "URL")]
    manual_url: Option<String>,
    /// Whether a key that holds the whole API may ask for paths that no operation lists
    #[arg(long, value_name = "true|false")]
    unlisted_paths: Option<bool>,
    /// Which other organizations may use it: none, all, or an id; ids may be repeated
    #[arg(long, value_name = "none|all|ORG")]
    shared_with: Vec<String>,
    /// Whether Full access of their keys covers it
    #[arg(long, value_name = "true|false")]
    shared_full_access: Option<bool>,
    /// Whether what it would refuse for rights, address or limits is logged and passes
    #[arg(long, value_name = "true|false")]
    report_only: Option<bool>,
    /// Where its keys stand in a request: basic, bearer, a header's name, or query:NAME; may be repeated, takes the place of
    /// all sources
    #[arg(long = "credential-source", value_name = "SOURCE")]
    credential_sources: Vec<String>,
    /// Whether a CORS preflight passes without a key
    #[arg(long, value_name = "true|false")]
    preflight_without_key: Option<bool>,
    /// Take all of a list, or a field, away
    #[arg(long, value_name = "hosts|versions|version_pattern|manual_url|credential_sources")]
    clear: Vec<String>,
    /// Say which sets, keys and other organizations would gain and lose what, and change nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Those that other organizations share, in place of one's own
    #[arg(long)]
    shared: bool,
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
            Self::Show(Name { api }) => output.record(&client.get(&["apis", &api], &[]).await?),
            Self::Operations(operations) => operations.run(client, output).await,
            Self::Edit(edit) => edit.run(client, output).await,
            Self::Delete(delete) => delete.run(client, output).await,
        }
    }
}

// === impl Delete ===

impl Delete {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let query: Vec<_> = self.dry_run.then(|| ("dry_run", "true".to_owned())).into_iter().collect();
        let answer = client.send(Method::DELETE, &["apis", &self.api], &query, Body::None).await?;
        if output.is_json() {
            return output.value(&if self.dry_run { answer } else { json!({"deleted": self.api}) });
        }
        if !self.dry_run {
            return output.text(format_args!("{} is deleted", self.api));
        }
        let mut lines = vec![format!("{} would be deleted (nothing is changed)", cell(&answer["api"]["slug"]))];
        push_shares(&mut lines, &answer);
        output.text(lines.join("\n"))
    }
}

// === impl Operations ===

impl Operations {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.text.clone().map(|text| ("text", text)));
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        let answer = client.get(&["apis", &self.api, "operations"], &query).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let mut table = output.table(&["OPERATION", "METHOD", "PATH", "VERSIONS", "SUMMARY"]);
        for operation in answer["data"].as_array().into_iter().flatten() {
            let cells = ["name", "method", "path", "versions", "summary"].map(|field| &operation[field]);
            table.row(cells.map(cell));
        }
        let page = ListOf { things: "operations", make: "claviger api import FILE --slug API" };
        output.page(&table, &answer, &query, page)
    }
}

// === impl Edit ===

impl Edit {
    async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        let path = ["apis", self.api.as_str()];
        let body = Value::Object(self.body()?);
        let query: Vec<_> = self.dry_run.then(|| ("dry_run", "true".to_owned())).into_iter().collect();
        let answer = client.send(Method::PATCH, &path, &query, Body::Json(&body)).await?;
        if !self.dry_run || output.is_json() {
            return output.record(&answer);
        }
        output.text(edition(&self.api, &answer).join("\n"))
    }

    fn body(&self) -> Result<Map<String, Value>, Failure> {
        let mut body = Map::new();
        let of = |hosts: &[String], environment: &str| -> Vec<Value> {
            hosts.iter().map(|host| json!({"host": host, "environment": environment})).collect()
        };
        let hosts = [of(&self.hosts, "live"), of(&self.test_hosts, "test")].concat();
        let lists = [
            ("hosts", hosts),
            ("base_paths", texts(&self.base_paths)),
            ("versions", texts(&self.versions)),
            ("credential_sources", texts(&self.credential_sources)),
        ];
        body.extend(
            lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| (name.into(), list.into())),
        );
        let fields = [
            ("name", &self.name),
            ("slug", &self.slug),
            ("version_pattern", &self.version_pattern),
            ("manual_url", &self.manual_url),
        ];
        body.extend(fields.into_iter().filter_map(|(name, text)| Some((name.into(), text.clone()?.into()))));
        let flags = [
            ("unlisted_paths", self.unlisted_paths),
            ("shared_full_access", self.shared_full_access),
            ("report_only", self.report_only),
            ("preflight_without_key", self.preflight_without_key),
        ];
        body.extend(flags.into_iter().filter_map(|(name, flag)| Some((name.into(), flag?.into()))));
        match self.shared_with.as_slice() {
            [] => {}
            [word] if ["none", "all"].contains(&word.as_str()) => drop(body.insert("shared_with".into(), json!(word))),
            ids => drop(body.insert("shared_with".into(), texts(ids).into())),
        }
        for name in &self.clear {
            let empty = if ["hosts", "versions", "credential_sources"].contains(&name.as_str()) {
                json!([])
            } else {
                Value::Null
            };
            if body.insert(name.clone(), empty).is_some() {
                return Err(Failure::usage(format!("--clear {name} and a value for it contradict each other")));
            }
        }
        if body.is_empty() {
            return Err(Failure::usage("nothing to change: name a field, see `claviger api edit --help`"));
        }
        Ok(body)
    }
}

/// What an edit would do, a line each.
fn edition(api: &str, answer: &Value) -> Vec<String> {
    let [added, changed, removed] = ["added", "changed", "removed"].map(|kind| cell(&answer["operations"][kind]));
    let mut lines = vec![format!("{api}: {added} operations would be added, {changed} changed, {removed} removed")];
    push_shares(&mut lines, answer);
    for (field, what) in [("gaining_organizations", "gain"), ("losing_organizations", "lose")] {
        let shares = &answer[field];
        if shares["organizations"] == json!(0) {
            continue;
        }
        let [organizations, keys] = ["organizations", "keys"].map(|name| cell(&shares[name]));
        lines.push(format!("  {organizations} organizations {what} it, with {keys} keys:"));
        let named = shares["first"].as_array().into_iter().flatten();
        lines.extend(named.map(|share| format!("    {}: {} keys", cell(&share["organization"]), cell(&share["keys"]))));
    }
    lines
}

fn texts(list: &[String]) -> Vec<Value> {
    list.iter().map(|text| text.as_str().into()).collect()
}

// === impl List ===

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        if self.shared {
            query.push(("shared", "true".to_owned()));
        }
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
        let page = ListOf { things: "APIs", make: "claviger api import FILE" };
        output.page(&table, &answer, &query, page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_edit_would_do_is_told_by_organizations() {
        let share = json!({"organization": "org_1", "keys": 3});
        let answer = json!({
            "operations": {"added": 0, "changed": 0, "removed": 2},
            "losing_sets": [{"slug": "issues", "operations": 2, "names": ["a", "b"], "keys": 1}],
            "gaining_organizations": {"organizations": 0, "keys": 0, "first": []},
            "losing_organizations": {"organizations": 1, "keys": 3, "first": [share]},
        });
        let told = edition("mail", &answer);
        assert_eq!(told[0], "mail: 0 operations would be added, 0 changed, 2 removed");
        assert!(told[1].contains("set loses 2: `issues`, held by 1 keys"), "{told:?}");
        assert_eq!(told[2..], ["  1 organizations lose it, with 3 keys:", "    org_1: 3 keys"]);
    }
}
