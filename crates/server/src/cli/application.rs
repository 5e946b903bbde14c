//! `claviger application …` and `claviger application-type …`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Body, Client};
use super::failure::Failure;
use super::key::print_secret;
use super::limit;
use super::output::{ListOf, Output, cell};

#[derive(Debug, Subcommand)]
pub(super) enum ApplicationCommand {
    /// Make an application; its first key's secret goes to standard output, once
    Create(Create),
    /// List applications
    List(List),
    /// Show one application
    Show(Name),
    /// Show what was taken of an application's limits
    Limits(Name),
    /// Change an application
    Edit(Edit),
    /// Make an application inactive: none of its keys passes
    Disable(Reasoned),
    /// Make an application active again
    Enable(Reasoned),
    /// Delete an application and end its keys
    Delete(Name),
}

#[derive(Debug, Subcommand)]
pub(super) enum ApplicationTypeCommand {
    /// Make a type of applications
    Create(CreateType),
    /// List types of applications
    List(ListTypes),
    /// Show one type of applications
    Show(Name),
    /// Change a type of applications; keys that are there follow at once
    Edit(EditType),
    /// Delete a type that no application is of
    Delete(Name),
}

/// Which one.
#[derive(Debug, Args)]
pub(super) struct Name {
    /// Its slug or id
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// A name, unique among the applications of its type
    #[arg(long)]
    name: String,
    /// Its type, by slug or id
    #[arg(long = "type", value_name = "TYPE")]
    kind: String,
    /// What requests call it by; without it made from the name
    #[arg(long)]
    slug: Option<String>,
    /// Make it inactive
    #[arg(long)]
    inactive: bool,
    /// The hosts that its first key is for
    #[arg(long, value_name = "live|test")]
    environment: Option<String>,
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
    /// Lets its keys be used from anywhere
    #[arg(long, conflicts_with = "allowed_ips")]
    clear_ips: bool,
    /// Takes all its limits away
    #[arg(long, conflicts_with = "limits")]
    clear_limits: bool,
    #[command(flatten)]
    fields: Fields,
}

/// What both `create` and `edit` take. A list that is given replaces the whole list.
#[derive(Debug, Args)]
struct Fields {
    /// An address, network or range its keys may be used from; may be repeated
    #[arg(long = "ip", value_name = "RANGE")]
    allowed_ips: Vec<String>,
    /// A limit that its keys share, such as minute=600/60s,burst=100 or daily=5000/day,scope=owner; may be repeated
    #[arg(long = "limit", value_name = "NAME=N/WINDOW", value_parser = super::limit::parse)]
    limits: Vec<Value>,
    /// Where people reach it, for the links in mails
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Applications of this type, by slug or id
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Those that are active, or those that are not
    #[arg(long, value_name = "true|false")]
    active: Option<bool>,
    /// Applications that have this in name, slug or public URL
    #[arg(long)]
    text: Option<String>,
    #[command(flatten)]
    page: Page,
}

#[derive(Debug, Args)]
pub(super) struct ListTypes {
    /// Types that have this in name or slug
    #[arg(long)]
    text: Option<String>,
    #[command(flatten)]
    page: Page,
}

#[derive(Debug, Args)]
struct Page {
    /// At most this many, 1 to 100
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Reasoned {
    #[command(flatten)]
    name: Name,
    /// Why, for the audit log and the application's page
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct CreateType {
    /// What people call it
    #[arg(long)]
    name: String,
    /// What requests call it by; without it made from the name
    #[arg(long)]
    slug: Option<String>,
    /// How its applications prove themselves
    #[arg(long, value_name = "key_only|session|static_token|key_and_token|signature", default_value = "key_only")]
    sign_in: String,
    /// A set that keys of its applications may hold, by slug or id; may be repeated
    #[arg(long = "api-set", value_name = "SET", required = true)]
    api_sets: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct EditType {
    #[command(flatten)]
    name: Name,
    /// A new name
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// A new slug
    #[arg(long)]
    slug: Option<String>,
    /// In the place of all sets, one by one; may be repeated
    #[arg(long = "api-set", value_name = "SET")]
    api_sets: Vec<String>,
}

// === impl ApplicationCommand ===

impl ApplicationCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(create) => {
                let answer = client.post(&["applications"], &create.body()).await?;
                if !output.is_json() {
                    let application = &answer["application"];
                    eprintln!("{} `{}`:", cell(&application["id"]), cell(&application["name"]));
                }
                print_secret(&answer, output)?;
                match answer["password"].as_str().filter(|_| !output.is_json()) {
                    // The application's own, on a line behind its key's.
                    Some(password) => output.text(password),
                    None => Ok(()),
                }
            }
            Self::List(list) => list.run(client, output).await,
            Self::Show(name) => output.record(&client.get(&["applications", &name.name], &[]).await?),
            Self::Limits(name) => limit::print_used(client, output, &["applications", &name.name, "limits"]).await,
            Self::Edit(edit) => {
                let (path, body) = (["applications", &edit.name.name], edit.body()?);
                output.record(&client.send(Method::PATCH, &path, &[], Body::Json(&body)).await?)
            }
            Self::Disable(reasoned) => reasoned.run("disable", client, output).await,
            Self::Enable(reasoned) => reasoned.run("enable", client, output).await,
            Self::Delete(name) => name.delete("applications", client, output).await,
        }
    }
}

// === impl ApplicationTypeCommand ===

impl ApplicationTypeCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(create) => {
                let mut body = json!({"name": create.name, "sign_in": create.sign_in, "api_sets": create.api_sets});
                if let Some(slug) = create.slug {
                    body["slug"] = json!(slug);
                }
                output.record(&client.post(&["application-types"], &body).await?)
            }
            Self::List(list) => list.run(client, output).await,
            Self::Show(name) => output.record(&client.get(&["application-types", &name.name], &[]).await?),
            Self::Edit(edit) => {
                let (path, body) = (["application-types", &edit.name.name], edit.body()?);
                output.record(&client.send(Method::PATCH, &path, &[], Body::Json(&body)).await?)
            }
            Self::Delete(name) => name.delete("application-types", client, output).await,
        }
    }
}

// === impl Name ===

impl Name {
    async fn delete(self, noun: &str, client: &Client, output: Output) -> Result<(), Failure> {
        client.send(Method::DELETE, &[noun, &self.name], &[], Body::None).await?;
        if output.is_json() { output.value(&json!({"deleted": self.name})) } else { output.text("deleted") }
    }
}

// === impl Create ===

impl Create {
    fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("name".to_owned(), json!(self.name));
        body.insert("type".to_owned(), json!(self.kind));
        for (name, text) in [("slug", &self.slug), ("environment", &self.environment)] {
            if let Some(text) = text {
                body.insert(name.to_owned(), json!(text));
            }
        }
        if self.inactive {
            body.insert("active".to_owned(), json!(false));
        }
        self.fields.put(&mut body);
        Value::Object(body)
    }
}

// === impl Edit ===

impl Edit {
    fn body(&self) -> Result<Value, Failure> {
        let mut body = Map::new();
        for (name, text) in [("name", &self.new_name), ("slug", &self.slug)] {
            if let Some(text) = text {
                body.insert(name.to_owned(), json!(text));
            }
        }
        self.fields.put(&mut body);
        if self.clear_limits {
            body.insert("limits".to_owned(), json!([]));
        }
        if self.clear_ips {
            body.insert("allowed_ips".to_owned(), json!([]));
        }
        something(body, "application")
    }
}

// === impl EditType ===

impl EditType {
    fn body(&self) -> Result<Value, Failure> {
        let mut body = Map::new();
        for (name, text) in [("name", &self.new_name), ("slug", &self.slug)] {
            if let Some(text) = text {
                body.insert(name.to_owned(), json!(text));
            }
        }
        if !self.api_sets.is_empty() {
            body.insert("api_sets".to_owned(), json!(self.api_sets));
        }
        something(body, "application-type")
    }
}

fn something(body: Map<String, Value>, noun: &str) -> Result<Value, Failure> {
    if body.is_empty() {
        return Err(Failure::usage(format!("nothing to change: `claviger {noun} edit --help` lists the fields")));
    }
    Ok(Value::Object(body))
}

// === impl Fields ===

impl Fields {
    fn put(&self, body: &mut Map<String, Value>) {
        if !self.allowed_ips.is_empty() {
            body.insert("allowed_ips".to_owned(), json!(self.allowed_ips));
        }
        if !self.limits.is_empty() {
            body.insert("limits".to_owned(), json!(self.limits));
        }
        if let Some(url) = &self.public_url {
            body.insert("public_url".to_owned(), json!(url));
        }
    }
}

// === impl lists ===

impl Page {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        query
    }
}

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = self.page.query();
        query.extend(self.kind.clone().map(|kind| ("type", kind)));
        query.extend(self.active.map(|active| ("active", active.to_string())));
        query.extend(self.text.clone().map(|text| ("text", text)));
        let answer = client.get(&["applications"], &query).await?;
        let columns = [
            ("ID", "id"),
            ("SLUG", "slug"),
            ("NAME", "name"),
            ("TYPE", "type"),
            ("ACTIVE", "active"),
            ("IPS", "allowed_ips"),
            ("PUBLIC URL", "public_url"),
            ("LAST USED", "last_used"),
        ];
        let page = ListOf { things: "applications", make: "claviger application create --name NAME --type TYPE" };
        print_list(&answer, output, &query, &columns, page)
    }
}

impl ListTypes {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = self.page.query();
        query.extend(self.text.clone().map(|text| ("text", text)));
        let answer = client.get(&["application-types"], &query).await?;
        let columns =
            [("ID", "id"), ("SLUG", "slug"), ("NAME", "name"), ("SIGN-IN", "sign_in"), ("API SETS", "api_sets")];
        let page = ListOf { things: "types", make: "claviger application-type create --name NAME --api-set SET" };
        print_list(&answer, output, &query, &columns, page)
    }
}

/// The columns of a list: heading and field.
type Columns<'c> = &'c [(&'c str, &'c str)];

fn print_list(
    answer: &Value,
    output: Output,
    query: &[(&str, String)],
    columns: Columns<'_>,
    page: ListOf,
) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(answer);
    }
    let headings: Vec<_> = columns.iter().map(|(heading, _)| *heading).collect();
    let mut table = output.table(&headings);
    for record in answer["data"].as_array().into_iter().flatten() {
        table.row(columns.iter().map(|(_, field)| cell(&record[*field])));
    }
    output.page(&table, answer, query, page)
}

// === impl Reasoned ===

impl Reasoned {
    async fn run(&self, action: &str, client: &Client, output: Output) -> Result<(), Failure> {
        let body = self.reason.as_ref().map_or_else(|| json!({}), |reason| json!({"reason": reason}));
        output.record(&client.post(&["applications", &self.name.name, action], &body).await?)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        application: ApplicationCommand,
    }

    fn parse(line: &str) -> ApplicationCommand {
        Line::try_parse_from(std::iter::once("application").chain(line.split(' '))).expect(line).application
    }

    #[test]
    fn what_is_given_is_sent_and_nothing_else() {
        let ApplicationCommand::Create(create) = parse("create --name n --type partner --inactive --ip 10.0.0.0/8")
        else {
            panic!("a creation")
        };
        let expected = json!({"name": "n", "type": "partner", "active": false, "allowed_ips": ["10.0.0.0/8"]});
        assert_eq!(create.body(), expected);
        let edit = |line: &str| match parse(line) {
            ApplicationCommand::Edit(edit) => edit.body(),
            other => panic!("{other:?}"),
        };
        let body = edit("edit portal --name p --clear-ips").expect("a change");
        assert_eq!(body, json!({"name": "p", "allowed_ips": []}));
        assert_eq!(edit("edit portal").expect_err("nothing").code, 2);
    }
}
