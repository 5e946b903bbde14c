//! `claviger key …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use claviger_domain::key::OVERLAP_SECONDS_MAX;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Body, Client};
use super::failure::Failure;
use super::input::{CredentialSource, read_credential};
use super::key_import::ImportFile;
use super::key_rotate_many::RotateMany;
use super::limit;
use super::node::tell_unconfirmed;
use super::output::{ListOf, Output, cell};

#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    /// Make a key; its secret, or `identifier:password`, goes to standard output, once
    Create(Box<Create>),
    /// List keys
    List(List),
    /// Show one key
    Show(Id),
    /// Show what was taken of all limits that apply to a key
    Limits(Id),
    /// Change a key
    Edit(Box<Edit>),
    /// Take a key out of service
    Disable(Reasoned),
    /// Put a key back into service
    Enable(Reasoned),
    /// Approve a key that waits: a person who has no hand in it may
    Approve(Reasoned),
    /// Deny a key that waits, which disables it
    Deny(Denied),
    /// Replace a key's secret, or a pair's password; the new one goes to standard output, once
    Rotate(Rotate),
    /// Replace the secrets of all keys that the filters select; the new ones go to a file of JSON Lines
    RotateMany(RotateMany),
    /// End a key for good
    Delete(Id),
    /// Import keys that others made: a JSON array, or a JSON object a line, each like the body of a creation with `import`
    Import(ImportFile),
    /// Show the secret of a recoverable key again, on standard output; each time is in the audit log
    Reveal(Id),
    /// Find the key of a credential, or of a pair's identifier, read from standard input or a file
    Lookup(CredentialSource),
}

/// Which key.
#[derive(Debug, Args)]
pub(super) struct Id {
    /// The key's id, key_…
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// A name, unique among the owner's keys
    #[arg(long)]
    name: String,
    /// The hosts it is for
    #[arg(long, value_name = "live|test")]
    environment: Option<String>,
    /// The application it belongs to, by slug or id; without any owner the organization
    #[arg(long, value_name = "APPLICATION")]
    application: Option<String>,
    /// It belongs to you: for who uses a key of their own
    #[arg(long, conflicts_with = "application")]
    own: bool,
    /// The user it belongs to, by user name, e-mail address or id: only where the policy lets you make keys for others
    #[arg(long, value_name = "USER", conflicts_with_all = ["application", "own"])]
    user: Option<String>,
    /// One string, or an identifier with a password
    #[arg(long, value_name = "single|pair")]
    shape: Option<String>,
    /// Take the value that others made from this file (- for standard input) in the place of a new one
    #[arg(long, value_name = "FILE")]
    import_file: Option<PathBuf>,
    /// Make it out of service
    #[arg(long)]
    disabled: bool,
    /// It stays in service however long it is not used
    #[arg(long)]
    idle_exempt: bool,
    #[command(flatten)]
    fields: Fields,
}

#[derive(Debug, Args)]
pub(super) struct Edit {
    #[command(flatten)]
    id: Id,
    /// A new name
    #[arg(long)]
    name: Option<String>,
    /// Lets --expires-at lie in the past; without it the key ends now
    #[arg(long)]
    expire_now: bool,
    /// Whether it stays in service however long it is not used
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    idle_exempt: Option<bool>,
    /// Empties a field; may be repeated
    #[arg(long, value_enum, value_name = "FIELD")]
    clear: Vec<Clearable>,
    #[command(flatten)]
    fields: Fields,
}

/// What both `create` and `edit` take. A list that is given replaces the whole list.
#[derive(Debug, Args)]
struct Fields {
    /// Free text
    #[arg(long)]
    description: Option<String>,
    /// A set by slug or id; may be repeated
    #[arg(long = "api-set", value_name = "SET")]
    api_sets: Vec<String>,
    /// An operation or pattern such as github:issues/*; may be repeated
    #[arg(long = "operation", value_name = "OPERATION")]
    operations: Vec<String>,
    /// An address, network or range it may be used from; may be repeated
    #[arg(long = "ip", value_name = "RANGE")]
    allowed_ips: Vec<String>,
    /// A limit, such as minute=600/60s,burst=100 or daily=5000/day,scope=owner; may be repeated
    #[arg(long = "limit", value_name = "NAME=N/WINDOW", value_parser = super::limit::parse)]
    limits: Vec<Value>,
    /// Valid from this instant on, or from the beginning of this day
    #[arg(long, value_name = "INSTANT|DATE")]
    not_before: Option<String>,
    /// Valid until this instant, or to the end of this day; the policy may set the latest
    #[arg(long, value_name = "INSTANT|DATE")]
    expires_at: Option<String>,
    /// The customer's name in your own system
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// A free label; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// A JSON object for the upstream, at most 1 KB
    #[arg(long, value_name = "JSON", value_parser = parse_object)]
    metadata: Option<Value>,
}

/// A field that can be emptied.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Clearable {
    Description,
    ApiSets,
    Operations,
    AllowedIps,
    Limits,
    NotBefore,
    ExpiresAt,
    ExternalId,
    Tags,
    Metadata,
}

#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    filters: Filters,
    /// name, -name, `created_at` or `-created_at`
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
    /// At most this many, 1 to 100
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

/// Which keys.
#[derive(Debug, Args)]
pub(super) struct Filters {
    /// active, disabled, pending, expired or `not_yet_valid`
    #[arg(long)]
    state: Option<String>,
    /// Keys that hold this set, by slug or id
    #[arg(long = "api-set", value_name = "SET")]
    set: Option<String>,
    /// live or test
    #[arg(long)]
    environment: Option<String>,
    /// Keys of this owner: organization, an application by slug or id, or a user by user name, e-mail address or id
    #[arg(long)]
    owner: Option<String>,
    /// Keys with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Keys of this customer, by its name in your own system
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// Keys that have this in name, description, external id, tags or hint
    #[arg(long)]
    text: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Reasoned {
    #[command(flatten)]
    id: Id,
    /// Why, for the audit log and the key's page
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Denied {
    #[command(flatten)]
    id: Id,
    /// Why, for the audit log and the key's page
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    #[command(flatten)]
    id: Id,
    /// For how long the old secret stays valid too; 0 ends it at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(OVERLAP_SECONDS_MAX)))]
    overlap_seconds: u32,
}

// === impl KeyCommand ===

impl KeyCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(client, output).await,
            Self::List(list) => list.run(client, output).await,
            Self::Show(id) => output.record(&client.get(&["keys", &id.id], &[]).await?),
            Self::Limits(id) => limit::print_used(client, output, &["keys", &id.id, "limits"]).await,
            Self::Edit(edit) => {
                let body = edit.body()?;
                let answer = client.send(Method::PATCH, &["keys", &edit.id.id], &[], Body::Json(&body)).await?;
                output.record(&answer)
            }
            Self::Disable(reasoned) => reasoned.run("disable", client, output).await,
            Self::Enable(reasoned) => reasoned.run("enable", client, output).await,
            Self::Approve(reasoned) => reasoned.run("approve", client, output).await,
            Self::Deny(Denied { id, reason }) => {
                Reasoned { id, reason: Some(reason) }.run("deny", client, output).await
            }
            Self::Rotate(rotate) => {
                let body = json!({"overlap_seconds": rotate.overlap_seconds});
                print_secret(&client.post(&["keys", &rotate.id.id, "rotate"], &body).await?, output)
            }
            Self::Delete(id) => {
                client.send(Method::DELETE, &["keys", &id.id], &[], Body::None).await?;
                if output.is_json() { output.value(&json!({"deleted": id.id})) } else { output.text("deleted") }
            }
            Self::RotateMany(rotate) => rotate.run(client, output).await,
            Self::Import(import) => import.run(client, output).await,
            Self::Reveal(id) => {
                let answer = client.post(&["keys", &id.id, "reveal"], &json!({})).await?;
                if output.is_json() { output.value(&answer) } else { output.text(cell(&answer["secret"])) }
            }
            Self::Lookup(source) => {
                let found = lookup(client, &source).await?;
                if output.is_json() {
                    return output.value(&found);
                }
                eprintln!("The secret is {} of this key.", standing(&found));
                output.record(&found["key"])
            }
        }
    }
}

fn standing(found: &Value) -> &'static str {
    match found["standing"].as_str() {
        Some("current") => "the current one",
        Some("overlapping") => "the old one, still valid,",
        _ => "one that has ended",
    }
}

/// The key of a credential: `{"key", "standing"}`.
pub(super) async fn lookup(client: &Client, source: &CredentialSource) -> Result<Value, Failure> {
    let credential = source.read()?;
    client.post(&["keys", "lookup"], &json!({"credential": credential.expose()})).await
}

/// The secret alone on standard output (of a new pair `identifier:password`, as `curl -u` takes it); what it belongs to
/// on standard error.
pub(super) fn print_secret(answer: &Value, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(answer);
    }
    tell_unconfirmed(answer);
    let key = &answer["key"];
    eprintln!("{} `{}`: the secret is shown this once.", cell(&key["id"]), cell(&key["name"]));
    if key["rotation"].is_object() {
        eprintln!("The old secret is valid until {}.", cell(&key["rotation"]["old_valid_until"]));
    }
    match (answer["identifier"].as_str(), answer["password"].as_str()) {
        (Some(identifier), Some(password)) => output.text(format!("{identifier}:{password}")),
        (None, Some(password)) => output.text(password),
        _ => output.text(cell(&answer["secret"])),
    }
}

// === impl Create ===

impl Create {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut body = self.body();
        let Some(file) = &self.import_file else {
            return print_secret(&client.post(&self.path(), &body).await?, output);
        };
        let value = read_credential(file)?;
        body["import"] = json!({"value": value.expose()});
        let answer = client.post(&self.path(), &body).await?;
        if output.is_json() { output.value(&answer) } else { output.record(&answer["key"]) }
    }

    fn path(&self) -> Vec<&str> {
        match &self.user {
            Some(user) => vec!["users", user, "keys"],
            None if self.own => vec!["me", "keys"],
            None => vec!["keys"],
        }
    }

    fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("name".to_owned(), json!(self.name));
        for (name, word) in [("environment", &self.environment), ("shape", &self.shape)] {
            if let Some(word) = word {
                body.insert(name.to_owned(), json!(word));
            }
        }
        if let Some(application) = &self.application {
            body.insert("owner".to_owned(), json!({"type": "application", "id": application}));
        }
        for (name, given) in [("disabled", self.disabled), ("idle_exempt", self.idle_exempt)] {
            if given {
                body.insert(name.to_owned(), json!(true));
            }
        }
        self.fields.put(&mut body);
        Value::Object(body)
    }
}

// === impl Edit ===

impl Edit {
    fn body(&self) -> Result<Value, Failure> {
        let mut body = Map::new();
        if let Some(name) = &self.name {
            body.insert("name".to_owned(), json!(name));
        }
        self.fields.put(&mut body);
        for field in &self.clear {
            let (name, empty) = field.emptied();
            if body.insert(name.to_owned(), empty).is_some() {
                return Err(Failure::usage(format!("--clear {name} contradicts the value that is given for it")));
            }
        }
        if self.expire_now {
            body.insert("expire_now".to_owned(), json!(true));
        }
        if let Some(exempt) = self.idle_exempt {
            body.insert("idle_exempt".to_owned(), json!(exempt));
        }
        if body.is_empty() {
            return Err(Failure::usage("nothing to change: `claviger key edit --help` lists the fields"));
        }
        Ok(Value::Object(body))
    }
}

// === impl Clearable ===

impl Clearable {
    fn emptied(self) -> (&'static str, Value) {
        match self {
            Self::Description => ("description", Value::Null),
            Self::ApiSets => ("api_sets", json!([])),
            Self::Operations => ("operations", json!([])),
            Self::AllowedIps => ("allowed_ips", json!([])),
            Self::Limits => ("limits", json!([])),
            Self::NotBefore => ("not_before", Value::Null),
            Self::ExpiresAt => ("expires_at", Value::Null),
            Self::ExternalId => ("external_id", Value::Null),
            Self::Tags => ("tags", json!([])),
            Self::Metadata => ("metadata", Value::Null),
        }
    }
}

// === impl Fields ===

impl Fields {
    fn put(&self, body: &mut Map<String, Value>) {
        let lists = [
            ("api_sets", &self.api_sets),
            ("operations", &self.operations),
            ("allowed_ips", &self.allowed_ips),
            ("tags", &self.tags),
        ];
        let texts = [
            ("description", &self.description),
            ("not_before", &self.not_before),
            ("expires_at", &self.expires_at),
            ("external_id", &self.external_id),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            body.insert(name.to_owned(), json!(list));
        }
        for (name, text) in texts.into_iter().filter(|(_, text)| text.is_some()) {
            body.insert(name.to_owned(), json!(text));
        }
        if !self.limits.is_empty() {
            body.insert("limits".to_owned(), json!(self.limits));
        }
        if let Some(metadata) = &self.metadata {
            body.insert("metadata".to_owned(), metadata.clone());
        }
    }
}

fn parse_object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(Value::Object(fields)),
        _ => Err("expected a JSON object such as {\"plan\":\"gold\"}".to_owned()),
    }
}

// === impl List ===

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let answer = client.get(&["keys"], &self.query()).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let mut table = output.table(&["ID", "NAME", "STATE", "HINT", "API SETS", "EXPIRES", "LAST USED"]);
        for key in answer["data"].as_array().into_iter().flatten() {
            let fields = ["id", "name", "state", "hint", "api_sets", "expires_at", "last_used"];
            table.row(fields.map(|field| cell(&key[field])));
        }
        let (count, page) =
            (table.len(), ListOf { things: "keys", make: "claviger key create --name NAME --api-set SET" });
        output.page(&table, &answer, &self.query(), page)?;
        if count > 0 && answer["next_cursor"].is_null() {
            eprintln!("{count} {}", if count == 1 { "key" } else { "keys" });
        }
        Ok(())
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let page = [("sort", &self.sort), ("cursor", &self.cursor)];
        let page = page.into_iter().filter_map(|(name, text)| Some((name, text.clone()?)));
        std::iter::once(("limit", self.limit.to_string())).chain(self.filters.query()).chain(page).collect()
    }
}

// === impl Filters ===

impl Filters {
    /// Those that were given, as the API takes them.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let filters = [
            ("state", &self.state),
            ("set", &self.set),
            ("environment", &self.environment),
            ("owner", &self.owner),
            ("tag", &self.tag),
            ("external_id", &self.external_id),
            ("text", &self.text),
        ];
        filters.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))).collect()
    }
}

// === impl Reasoned ===

impl Reasoned {
    async fn run(&self, action: &str, client: &Client, output: Output) -> Result<(), Failure> {
        let body = self.reason.as_ref().map_or_else(|| json!({}), |reason| json!({"reason": reason}));
        output.record(&client.post(&["keys", &self.id.id, action], &body).await?)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        key: KeyCommand,
    }

    fn parse(line: &str) -> KeyCommand {
        Line::try_parse_from(std::iter::once("key").chain(line.split(' '))).expect(line).key
    }

    #[test]
    fn a_creation_sends_what_was_given_and_nothing_else() {
        let KeyCommand::Create(create) = parse(
            "create --name n --shape pair --api-set a --api-set b --ip 10.0.0.0/8 --expires-at 2030-01-31 --metadata {\"a\":1}",
        ) else {
            panic!("a creation")
        };
        let expected = json!({
            "name": "n", "shape": "pair", "api_sets": ["a", "b"], "allowed_ips": ["10.0.0.0/8"], "expires_at": "2030-01-31",
            "metadata": {"a": 1},
        });
        assert_eq!(create.body(), expected);
    }

    #[test]
    fn a_key_is_made_where_its_owner_is() {
        let path = |line: &str| match parse(line) {
            KeyCommand::Create(create) => create.path().join("/"),
            other => panic!("{other:?}"),
        };
        assert_eq!(path("create --name n --application portal"), "keys");
        assert_eq!(path("create --name n --own"), "me/keys");
        assert_eq!(path("create --name n --user bob@example.com"), "users/bob@example.com/keys");
        assert!(Line::try_parse_from(["key", "create", "--name", "n", "--own", "--user", "bob"]).is_err());
    }

    #[test]
    fn an_edit_clears_what_it_is_told_to_and_needs_something_to_do() {
        let edit = |line: &str| match parse(line) {
            KeyCommand::Edit(edit) => edit.body(),
            other => panic!("{other:?}"),
        };
        let body = edit("edit key_1 --clear allowed_ips --clear expires_at --tag a").expect("a change");
        assert_eq!(body, json!({"tags": ["a"], "allowed_ips": [], "expires_at": null}));
        assert_eq!(edit("edit key_1 --expire-now").expect("a change"), json!({"expire_now": true}));
        assert_eq!(edit("edit key_1 --idle-exempt").expect("a change"), json!({"idle_exempt": true}));
        assert_eq!(edit("edit key_1 --idle-exempt false").expect("a change"), json!({"idle_exempt": false}));
        assert_eq!(edit("edit key_1").expect_err("nothing").code, 2);
        assert_eq!(edit("edit key_1 --tag a --clear tags").expect_err("both").code, 2);
    }

    #[test]
    fn bounds_are_checked_before_anything_is_sent() {
        for line in ["rotate key_1 --overlap-seconds 2592001", "list --limit 101", "create --name n --metadata [1]"] {
            assert!(Line::try_parse_from(std::iter::once("key").chain(line.split(' '))).is_err(), "{line}");
        }
    }
}
