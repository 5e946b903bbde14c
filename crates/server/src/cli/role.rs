//! `claviger role …`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Body, Client};
use super::failure::Failure;
use super::output::{Output, cell};

/// The words that take a bound away.
const NO_BOUND: &str = "none";

#[derive(Debug, Subcommand)]
pub(super) enum RoleCommand {
    /// Make a role, which gives no more than you have
    Create(Create),
    /// List roles
    List(List),
    /// Show one role
    Show(Name),
    /// Change a role; whoever has it has what it says with their next request
    Edit(Edit),
    /// Delete a role that nobody has
    Delete(Name),
    /// List the authorities that roles can give
    Authorities,
}

/// Which one.
#[derive(Debug, Args)]
pub(super) struct Name {
    /// Its slug or id
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// What people call it
    #[arg(long)]
    name: String,
    /// What requests call it by; without it made from the name
    #[arg(long)]
    slug: Option<String>,
    #[command(flatten)]
    fields: Fields,
}

#[derive(Debug, Args)]
pub(super) struct Edit {
    #[command(flatten)]
    name: Name,
    /// A new name
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// A new slug
    #[arg(long)]
    slug: Option<String>,
    /// Takes all authorities away
    #[arg(long, conflicts_with = "authorities")]
    no_authorities: bool,
    #[command(flatten)]
    fields: Fields,
}

/// What both `create` and `edit` take. A list that is given replaces the whole list.
#[derive(Debug, Args)]
struct Fields {
    /// An authority, such as `keys.manage_own`; may be repeated
    #[arg(long = "authority", value_name = "AUTHORITY")]
    authorities: Vec<String>,
    /// The longest lifetime that may be granted to a key, in days, or none
    #[arg(long, value_name = "DAYS|none", value_parser = parse_bound)]
    max_lifetime_days: Option<Value>,
    /// The most living keys that one owner may come to have, or none
    #[arg(long, value_name = "N|none", value_parser = parse_bound)]
    max_keys: Option<Value>,
    /// The largest rate limit that may be granted, in requests a minute, or none
    #[arg(long, value_name = "N|none", value_parser = parse_bound)]
    max_rate: Option<Value>,
    /// A set that may be granted, by slug or id; may be repeated; none for no bound
    #[arg(long = "api-set", value_name = "SET|none")]
    api_sets: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Roles that have this in name or slug
    #[arg(long)]
    text: Option<String>,
    /// At most this many, 1 to 100
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

fn parse_bound(text: &str) -> Result<Value, String> {
    if text == NO_BOUND {
        return Ok(Value::Null);
    }
    text.parse::<u32>().map(Value::from).map_err(|_| format!("expected a number or {NO_BOUND}"))
}

// === impl RoleCommand ===

impl RoleCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(create) => output.record(&client.post(&["roles"], &create.body()).await?),
            Self::List(list) => list.run(client, output).await,
            Self::Show(name) => output.record(&client.get(&["roles", &name.name], &[]).await?),
            Self::Edit(edit) => {
                let (path, body) = (["roles", &edit.name.name], edit.body()?);
                output.record(&client.send(Method::PATCH, &path, &[], Body::Json(&body)).await?)
            }
            Self::Delete(name) => {
                client.send(Method::DELETE, &["roles", &name.name], &[], Body::None).await?;
                if output.is_json() { output.value(&json!({"deleted": name.name})) } else { output.text("deleted") }
            }
            Self::Authorities => authorities(client, output).await,
        }
    }
}

async fn authorities(client: &Client, output: Output) -> Result<(), Failure> {
    let answer = client.get(&["authorities"], &[]).await?;
    if output.is_json() {
        return output.value(&answer);
    }
    let mut table = output.table(&["NAME", "WHAT IT LETS ONE DO"]);
    for authority in answer["data"].as_array().into_iter().flatten() {
        table.row(["name", "label"].map(|field| cell(&authority[field])));
    }
    output.text(table)
}

// === impl Create ===

impl Create {
    fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("name".to_owned(), json!(self.name));
        body.insert("authorities".to_owned(), json!([]));
        body.extend(self.slug.as_ref().map(|slug| ("slug".to_owned(), json!(slug))));
        self.fields.put(&mut body);
        Value::Object(body)
    }
}

// === impl Edit ===

impl Edit {
    fn body(&self) -> Result<Value, Failure> {
        let mut body = Map::new();
        for (name, text) in [("name", &self.new_name), ("slug", &self.slug)] {
            body.extend(text.as_ref().map(|text| (name.to_owned(), json!(text))));
        }
        if self.no_authorities {
            body.insert("authorities".to_owned(), json!([]));
        }
        self.fields.put(&mut body);
        if body.is_empty() {
            return Err(Failure::usage("nothing to change: `claviger role edit --help` lists the fields"));
        }
        Ok(Value::Object(body))
    }
}

// === impl Fields ===

impl Fields {
    fn put(&self, body: &mut Map<String, Value>) {
        if !self.authorities.is_empty() {
            body.insert("authorities".to_owned(), json!(self.authorities));
        }
        let mut levels = Map::new();
        for (name, bound) in
            [("max_lifetime_days", &self.max_lifetime_days), ("max_keys", &self.max_keys), ("max_rate", &self.max_rate)]
        {
            levels.extend(bound.as_ref().map(|bound| (name.to_owned(), bound.clone())));
        }
        match self.api_sets.as_slice() {
            [] => {}
            [only] if only == NO_BOUND => drop(levels.insert("api_sets".to_owned(), Value::Null)),
            sets => drop(levels.insert("api_sets".to_owned(), json!(sets))),
        }
        if !levels.is_empty() {
            body.insert("levels".to_owned(), Value::Object(levels));
        }
    }
}

// === impl List ===

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.text.clone().map(|text| ("text", text)));
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        let answer = client.get(&["roles"], &query).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let mut table = output.table(&["ID", "SLUG", "NAME", "PREDEFINED", "USERS", "AUTHORITIES"]);
        for role in answer["data"].as_array().into_iter().flatten() {
            let users = cell(&role["counts"]["users"]);
            let [id, slug, name, predefined, authorities] =
                ["id", "slug", "name", "predefined", "authorities"].map(|field| cell(&role[field]));
            table.row([id, slug, name, predefined, users, authorities]);
        }
        output.text(table)?;
        if let Some(cursor) = answer["next_cursor"].as_str() {
            eprintln!("more with --cursor {cursor}");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        role: RoleCommand,
    }

    fn parse(line: &str) -> RoleCommand {
        Line::try_parse_from(std::iter::once("role").chain(line.split(' '))).expect(line).role
    }

    #[test]
    fn what_is_given_is_sent_and_nothing_else() {
        let line = "create --name desk --authority keys.manage_own --max-lifetime-days 30 --api-set orders";
        let RoleCommand::Create(create) = parse(line) else { panic!("a creation") };
        let levels = json!({"max_lifetime_days": 30, "api_sets": ["orders"]});
        assert_eq!(create.body(), json!({"name": "desk", "authorities": ["keys.manage_own"], "levels": levels}));
        let edit = |line: &str| match parse(line) {
            RoleCommand::Edit(edit) => edit.body(),
            other => panic!("{other:?}"),
        };
        let body = edit("edit desk --max-keys none --api-set none --no-authorities").expect("a change");
        assert_eq!(body, json!({"authorities": [], "levels": {"max_keys": null, "api_sets": null}}));
        assert_eq!(edit("edit desk").expect_err("nothing").code, 2);
        assert!(Line::try_parse_from(["role", "edit", "desk", "--max-keys", "many"]).is_err());
    }
}
