//! `claviger api import`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::client::{Body, Client};
use super::failure::Failure;
use super::input::read_bounded;
use super::output::{Output, cell};
use super::progress::Progress;

/// The most bytes of a document, as the server takes it.
const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long a document that stands on the web may take to come.
const FETCH_TIMEOUT: Duration = Duration::from_mins(1);
/// How many of each kind of change are printed; `--json` names more.
const LINES_MAX: usize = 10;
/// A document's media type.
pub(super) const JSON: &str = "application/json";
const YAML: &str = "application/yaml";

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The document, in JSON or YAML: a file, an http or https address that this program fetches, or - for standard input
    file: PathBuf,
    /// What requests call the API by; without it made from the document's title
    #[arg(long)]
    slug: Option<String>,
    /// What people call it; without it the document's title
    #[arg(long)]
    name: Option<String>,
    /// The version that the document is, such as v3: added beside the others, or put in the place of this one
    #[arg(long)]
    version: Option<String>,
    /// Say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Imports a document; `query` as of `POST /apis/import`.
pub(super) async fn import(
    client: &Client,
    document: &[u8],
    media_type: &'static str,
    query: &[(&str, String)],
) -> Result<Value, Failure> {
    client.send(Method::POST, &["apis", "import"], query, Body::Raw(document, media_type)).await
}

// === impl Import ===

impl Import {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        let document = match self.file.to_str().filter(|text| is_web_address(text)) {
            Some(url) => fetch(url).await?,
            None => read_bounded(&self.file, DOCUMENT_BYTES_MAX)?,
        };
        if document.starts_with(&[0x1f, 0x8b]) {
            let file = self.file.display();
            return Err(Failure::usage(format!("{file} is compressed: `gunzip -c {file} | claviger api import -`")));
        }
        let waiting = Progress::waiting("importing");
        let answer = import(client, &document, media_type(&self.file, &document), &self.query()).await;
        drop(waiting);
        let answer = answer?;
        if output.is_json() {
            return output.value(&answer);
        }
        output.text(summary(&answer))?;
        let sets = answer["suggested_sets"].as_array().map_or(0, Vec::len);
        if sets > 0 {
            eprintln!("{sets} sets are suggested by the document's tags; --json names them.");
        }
        Ok(())
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let given = [("slug", &self.slug), ("name", &self.name), ("version", &self.version)];
        let mut query: Vec<_> = given.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))).collect();
        if self.dry_run {
            query.push(("dry_run", "true".to_owned()));
        }
        query
    }
}

fn is_web_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Fetches a document from here: the server fetches nothing, so that nobody makes it ask what only it can reach.
async fn fetch(url: &str) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| Failure::usage(format!("cannot fetch {url}: {error}"));
    let http = reqwest::Client::builder().user_agent(concat!("claviger/", env!("CARGO_PKG_VERSION")));
    let http = http.timeout(FETCH_TIMEOUT).build().map_err(|error| unreadable(&error))?;
    let answer = http.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(|error| unreadable(&error.without_url()))?;
    let mut document = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| unreadable(&error.without_url()))? {
        if document.len() + chunk.len() > DOCUMENT_BYTES_MAX {
            return Err(unreadable(&format_args!("it has more than {DOCUMENT_BYTES_MAX} bytes")));
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

/// By the file's name, else by what it begins with.
fn media_type(file: &Path, document: &[u8]) -> &'static str {
    let extension = file.extension().and_then(|text| text.to_str()).unwrap_or_default().to_ascii_lowercase();
    match extension.as_str() {
        "yaml" | "yml" => YAML,
        "json" => JSON,
        _ if document.trim_ascii_start().starts_with(b"{") || document.trim_ascii().is_empty() => JSON,
        _ => YAML,
    }
}

/// What an import did, or would do, for a person.
fn summary(answer: &Value) -> String {
    let (api, operations) = (&answer["api"], &answer["operations"]);
    let [added, changed, removed] = ["added", "changed", "removed"].map(|field| cell(&operations[field]));
    let would = if answer["dry_run"] == true { " (nothing is changed)" } else { "" };
    let mut lines = vec![format!(
        "{} `{}`: {added} operations added, {changed} changed, {removed} removed{would}",
        cell(&api["slug"]),
        cell(&api["name"])
    )];
    if let Some(versions) = answer["versions"].as_array().filter(|versions| !versions.is_empty()) {
        let names: Vec<_> = versions.iter().map(cell).collect();
        lines.push(format!("  version {}; the API has {}", names.join(", "), cell(&api["versions"])));
    }
    let named = &answer["changes"];
    // All of a new API is added; that needs no list.
    if operations["added"] != api["operations_count"] {
        push_list(&mut lines, '+', &named["added"], &operations["added"], operation);
    }
    push_list(&mut lines, '~', &named["changed"], &operations["changed"], |change| {
        let shown = |field: &str| cell(&change[field]);
        let texts = if change["before"] == change["after"] { " (texts)".to_owned() } else { String::new() };
        format!("{}: {} → {}{texts}", shown("name"), shown("before"), shown("after"))
    });
    push_list(&mut lines, '-', &named["removed"], &operations["removed"], operation);
    push_shares(&mut lines, answer);
    lines.join("\n")
}

/// An operation that comes or goes.
fn operation(named: &Value) -> String {
    format!("{}: {}", cell(&named["name"]), cell(&named["requests"]))
}

/// Adds which sets and keys gain and lose, as an import and the preview of a deletion answer it.
pub(super) fn push_shares(lines: &mut Vec<String>, answer: &Value) {
    for (field, what) in [
        ("gaining_sets", "set gains"),
        ("losing_sets", "set loses"),
        ("gaining_keys", "key gains"),
        ("losing_keys", "key loses"),
    ] {
        for share in answer[field].as_array().into_iter().flatten().take(LINES_MAX) {
            let name = share.get("slug").or(share.get("name")).map(cell).unwrap_or_default();
            let held = share["keys"].as_i64().map(|keys| format!(", held by {keys} keys")).unwrap_or_default();
            lines.push(format!("  {what} {}: `{name}`{held} ({})", cell(&share["operations"]), cell(&share["names"])));
        }
        let left = answer[field].as_array().map_or(0, Vec::len).saturating_sub(LINES_MAX);
        if left > 0 {
            lines.push(format!("  {what} some: {left} more; --json names them"));
        }
    }
    push_others(lines, answer);
}

/// Adds what other organizations gain or lose: counts, for a provider learns no names.
fn push_others(lines: &mut Vec<String>, answer: &Value) {
    for (field, what) in [("gaining_others", "gain"), ("losing_others", "lose")] {
        let counts = ["keys", "sets", "keys_by_sets"].map(|name| answer[field][name].as_u64().unwrap_or_default());
        if counts != [0, 0, 0] {
            let [keys, sets, held] = counts;
            lines.push(format!("  other organizations {what}: {keys} keys, {sets} sets, {held} keys by sets"));
        }
    }
}

fn push_list(lines: &mut Vec<String>, sign: char, list: &Value, count: &Value, shown: impl Fn(&Value) -> String) {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    lines.extend(list.iter().take(LINES_MAX).map(|item| format!("  {sign} {}", shown(item))));
    let left = count.as_u64().unwrap_or_default().saturating_sub(list.len().min(LINES_MAX) as u64);
    if left > 0 {
        lines.push(format!("  {sign} and {left} more"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_is_sent_as_what_it_is() {
        for (file, document, expected) in [
            ("x.yaml", "{}", YAML),
            ("x.YML", "", YAML),
            ("x.json", "a: b", JSON),
            ("-", " {\"openapi\"", JSON),
            ("-", "openapi: 3.1.0", YAML),
            ("api", "", JSON),
        ] {
            assert_eq!(media_type(Path::new(file), document.as_bytes()), expected, "{file} {document}");
        }
    }

    #[test]
    fn a_summary_names_what_changes_and_for_whom() {
        let answer = json!({
            "dry_run": true, "versions": ["v3"],
            "api": {"slug": "mail", "name": "Mail", "versions": ["v1", "v3"], "operations_count": 14},
            "operations": {"added": 12, "changed": 1, "removed": 1},
            "changes": {
                "added": (0..12).map(|n| json!({"name": format!("n{n}"), "requests": [format!("GET /{n}")]})).collect::<Vec<_>>(),
                "changed": [{"name": "c", "before": ["GET /c (v1)"], "after": ["GET /c (v1, v3)"]}],
                "removed": [{"name": "old", "requests": ["GET /old"]}],
            },
            "gaining_sets": [{"slug": "all", "operations": 13, "names": ["c@v3"], "keys": 2}],
            "losing_keys": [{"id": "key_1", "name": "ERP", "operations": 1, "names": ["old"]}],
            "gaining_others": {"keys": 0, "sets": 0, "keys_by_sets": 0},
            "losing_others": {"keys": 2, "sets": 0, "keys_by_sets": 3},
        });
        let text = summary(&answer);
        for line in [
            "mail `Mail`: 12 operations added, 1 changed, 1 removed (nothing is changed)",
            "  version v3; the API has v1, v3",
            "  + n9: GET /9",
            "  + and 2 more",
            "  ~ c: GET /c (v1) → GET /c (v1, v3)",
            "  - old: GET /old",
            "  set gains 13: `all`, held by 2 keys (c@v3)",
            "  key loses 1: `ERP` (old)",
            "  other organizations lose: 2 keys, 0 sets, 3 keys by sets",
        ] {
            assert!(text.lines().any(|found| found == line), "{line:?} in\n{text}");
        }
        assert!(!text.contains("other organizations gain"), "{text}");
    }
}
