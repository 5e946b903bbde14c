//! `claviger api-set …`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Body, Client};
use super::failure::Failure;
use super::limit;
use super::output::{ListOf, Output, cell};

/// How many operations of a set are printed when a template is applied; `--json` names all.
const NAMES_MAX: usize = 5;

#[derive(Debug, Subcommand)]
pub(super) enum ApiSetCommand {
    /// Make a set of operations or of whole APIs
    Create(Create),
    /// List sets
    List(List),
    /// Show one set
    Show(Name),
    /// Show what was taken of a set's limits
    Limits(Name),
    /// Change a set; every key that holds it has the new rights at once
    Edit(Edit),
    /// Delete a set that no key holds
    Delete(Name),
    /// List the templates of sets
    Templates,
    /// Make the sets of a template for an API
    Apply(Apply),
}

/// Which set.
#[derive(Debug, Args)]
pub(super) struct Name {
    /// The set's slug or id
    set: String,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// What people call it
    #[arg(long)]
    name: String,
    /// Unique in the organization; made from the name if not given
    #[arg(long)]
    slug: Option<String>,
    #[command(flatten)]
    content: Content,
}

/// What a set holds.
#[derive(Debug, Args)]
struct Content {
    /// An API that it holds whole, now and later; may be repeated
    #[arg(long = "api", value_name = "API")]
    apis: Vec<String>,
    /// `<api>:<operation>`, with `*` at its end for any, `@<version>` for one version alone, `!` before it to take out; may be
    /// repeated
    #[arg(long = "operation", value_name = "OPERATION")]
    operations: Vec<String>,
    /// A limit for what it holds, such as minute=600/60s,burst=100 or daily=5000/day,scope=owner; may be repeated
    #[arg(long = "limit", value_name = "NAME=N/WINDOW", value_parser = super::limit::parse)]
    limits: Vec<Value>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Those that hold this API or operations of it
    #[arg(long)]
    api: Option<String>,
    /// Those of this kind
    #[arg(long, value_name = "plain|full|general|built_in")]
    kind: Option<String>,
    /// Those that have this in their name or slug
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
    /// The set's slug or id
    set: String,
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// Unique in the organization
    #[arg(long)]
    slug: Option<String>,
    /// In the place of all that it holds
    #[command(flatten)]
    content: Content,
    /// Take all of a list away
    #[arg(long, value_name = "apis|operations|limits")]
    clear: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct Apply {
    /// The template's slug, as `claviger api-set templates` lists it
    template: String,
    /// The API, by slug or id
    #[arg(long)]
    api: String,
    /// What the slugs of the sets begin with; the API's slug if not given
    #[arg(long)]
    prefix: Option<String>,
    /// Say what would be made, and make nothing
    #[arg(long)]
    dry_run: bool,
}

// === impl ApiSetCommand ===

impl ApiSetCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(create) => {
                let mut body = create.content.fields();
                body.insert("name".to_owned(), create.name.into());
                body.extend(create.slug.map(|slug| ("slug".to_owned(), slug.into())));
                output.record(&client.post(&["api-sets"], &Value::Object(body)).await?)
            }
            Self::List(list) => list.run(client, output).await,
            Self::Show(Name { set }) => output.record(&client.get(&["api-sets", &set], &[]).await?),
            Self::Limits(Name { set }) => limit::print_used(client, output, &["api-sets", &set, "limits"]).await,
            Self::Edit(edit) => edit.run(client, output).await,
            Self::Delete(Name { set }) => {
                client.send(Method::DELETE, &["api-sets", &set], &[], Body::None).await?;
                if output.is_json() {
                    output.value(&json!({"deleted": set}))
                } else {
                    output.text(format_args!("{set} is deleted"))
                }
            }
            Self::Templates => templates(client, output).await,
            Self::Apply(apply) => apply.run(client, output).await,
        }
    }
}

async fn templates(client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.get(&["api-sets", "templates"], &[]).await?;
    if output.is_json() {
        return output.value(&answer);
    }
    let mut table = output.table(&["TEMPLATE", "NAME", "SETS"]);
    for template in answer["data"].as_array().into_iter().flatten() {
        let sets: Vec<_> = template["sets"].as_array().into_iter().flatten().map(|set| cell(&set["slug"])).collect();
        table.row([cell(&template["slug"]), cell(&template["name"]), sets.join(", ")]);
    }
    output.text(table)
}

// === impl Content ===

impl Content {
    /// The lists that are given.
    fn fields(&self) -> Map<String, Value> {
        let lists =
            [("apis", json!(self.apis)), ("operations", json!(self.operations)), ("limits", json!(self.limits))];
        let given = lists.into_iter().filter(|(_, list)| *list != json!([]));
        given.map(|(name, list)| (name.to_owned(), list)).collect()
    }
}

// === impl List ===

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let given = [("api", &self.api), ("kind", &self.kind), ("text", &self.text), ("cursor", &self.cursor)];
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(given.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))));
        let answer = client.get(&["api-sets"], &query).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let mut table = output.table(&["SLUG", "NAME", "KIND", "APIS", "OPERATIONS", "TEMPLATE"]);
        for set in answer["data"].as_array().into_iter().flatten() {
            let count = json!(set["operations"].as_array().map_or(0, Vec::len));
            table.row([&set["slug"], &set["name"], &set["kind"], &set["apis"], &count, &set["template"]].map(cell));
        }
        let page = ListOf { things: "sets", make: "claviger api-set create --name NAME --operation API:PATTERN" };
        output.page(&table, &answer, &query, page)
    }
}

// === impl Edit ===

impl Edit {
    async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut body = self.content.fields();
        for (name, text) in [("name", self.name), ("slug", self.slug)] {
            body.extend(text.map(|text| (name.to_owned(), text.into())));
        }
        for list in self.clear {
            if body.insert(list.clone(), json!([])).is_some() {
                return Err(Failure::usage(format!("--clear {list} and values for it contradict each other")));
            }
        }
        if body.is_empty() {
            return Err(Failure::usage("nothing to change: name a field, see `claviger api-set edit --help`"));
        }
        output
            .record(&client.send(Method::PATCH, &["api-sets", &self.set], &[], Body::Json(&Value::Object(body))).await?)
    }
}

// === impl Apply ===

impl Apply {
    async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut body = json!({"api": self.api});
        if let Some(prefix) = self.prefix {
            body["prefix"] = prefix.into();
        }
        let query: Vec<_> = self.dry_run.then(|| ("dry_run", "true".to_owned())).into_iter().collect();
        let path = ["api-sets", "templates", self.template.as_str()];
        let answer = client.send(Method::POST, &path, &query, Body::Json(&body)).await?;
        if output.is_json() { output.value(&answer) } else { output.text(summary(&answer)) }
    }
}

/// What applying a template did, or would do, for a person.
fn summary(answer: &Value) -> String {
    let would = if answer["dry_run"] == true { " (nothing is changed)" } else { "" };
    let mut lines = vec![format!("{} for {}{would}", cell(&answer["template"]), cell(&answer["api"]))];
    for set in answer["sets"].as_array().into_iter().flatten() {
        lines.push(format!(
            "  {} `{}`: {}, {} operations",
            cell(&set["slug"]),
            cell(&set["name"]),
            cell(&set["state"]),
            cell(&set["operations_count"])
        ));
        for (sign, list) in [('+', &set["added"]), ('?', &set["unmatched"])] {
            let list = list.as_array().map_or(&[][..], Vec::as_slice);
            let shown: Vec<_> = list.iter().take(NAMES_MAX).map(cell).collect();
            let more = list.len().saturating_sub(NAMES_MAX);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            if !shown.is_empty() {
                let what = if sign == '?' { "matches nothing: " } else { "" };
                lines.push(format!("    {sign} {what}{}{more}", shown.join(", ")));
            }
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_what_is_made_and_what_matches_nothing() {
        let added: Vec<_> = (0..7).map(|number| format!("mail:n{number}")).collect();
        let answer = json!({"template": "yespo", "api": "mail", "dry_run": true, "sets": [
            {"slug": "mail-events", "name": "Access to events", "state": "made", "operations_count": 7,
             "added": added, "unmatched": ["DELETE /past_events"]},
            {"slug": "full-access", "name": "Full access", "state": "unchanged", "operations_count": 0, "added": [], "unmatched": []},
        ]});
        let expected = "\
yespo for mail (nothing is changed)
  mail-events `Access to events`: made, 7 operations
    + mail:n0, mail:n1, mail:n2, mail:n3, mail:n4 and 2 more
    ? matches nothing: DELETE /past_events
  full-access `Full access`: unchanged, 0 operations";
        assert_eq!(summary(&answer), expected);
    }
}
