//! `claviger organization …`.

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Body, Client};
use super::failure::Failure;
use super::output::{ListOf, Output, cell};
use super::user_link::{tell_of_invitation, tell_of_link};

#[derive(Debug, Subcommand)]
pub(super) enum OrganizationCommand {
    /// List all organizations (the operator's)
    List(List),
    /// Make an organization and invite its first administrator (the operator's)
    Create(Create),
    /// Invite the first administrator anew, while nobody has come (the operator's)
    Invite(Invite),
    /// Make one the default: the one that door calls without a token are made for (the operator's)
    MakeDefault(Id),
    /// Show one's own organization
    Show,
    /// Change one's own organization: name, zone, prefix, addresses that its keys may be used from
    Edit(Edit),
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

#[derive(Debug, Args)]
pub(super) struct Create {
    /// What people call it
    #[arg(long)]
    name: String,
    /// The first administrator's e-mail address
    #[arg(long)]
    email: String,
    /// Unique in the installation; made from the name if not given
    #[arg(long)]
    slug: Option<String>,
}

/// Which organization.
#[derive(Debug, Args)]
pub(super) struct Id {
    /// The organization's id
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct Invite {
    #[command(flatten)]
    id: Id,
    /// The first administrator's e-mail address, in the place of the one before
    #[arg(long)]
    email: String,
}

#[derive(Debug, Args)]
pub(super) struct Edit {
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// Unique in the installation
    #[arg(long)]
    slug: Option<String>,
    /// IANA name of the zone in which its days begin, such as Europe/Warsaw
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// What its keys made from now on begin with
    #[arg(long, value_name = "PREFIX")]
    key_prefix: Option<String>,
    /// Whom its people ask about their keys: an e-mail address, a web address or a few words
    #[arg(long, value_name = "CONTACT")]
    admin_contact: Option<String>,
    /// An address, network or range that its keys may be used from, beside their own lists; may be repeated, takes the
    /// place of the whole list. For labels and ends: a JSON object such as
    /// {"range":"203.0.113.0/24","label":"office","until":"2030-01-31"}
    #[arg(long = "ip", value_name = "RANGE|JSON", value_parser = parse_entry)]
    allowed_ips: Vec<Value>,
    /// Empties a field; may be repeated
    #[arg(long, value_enum, value_name = "FIELD")]
    clear: Vec<Clearable>,
    /// Say which keys' ends another time zone would move, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// A field that can be emptied.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Clearable {
    AdminContact,
    AllowedIps,
}

/// A line of a list of addresses.
fn parse_entry(text: &str) -> Result<Value, String> {
    if !text.trim_start().starts_with('{') {
        return Ok(json!(text));
    }
    serde_json::from_str(text).map_err(|error| format!("expected a range or a JSON object: {error}"))
}

// === impl OrganizationCommand ===

impl OrganizationCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(client, output).await,
            Self::Create(create) => {
                let mut made = client.send(Method::POST, &["organizations"], &[], Body::Json(&create.body())).await?;
                tell_of_link(&mut made, output);
                for warning in made["warnings"].as_array().into_iter().flatten() {
                    eprintln!("{}", cell(warning));
                }
                output.record(&made)
            }
            Self::Invite(Invite { id: Id { id }, email }) => {
                let path = ["organizations", id.as_str(), "invite"];
                let made = client.post(&path, &json!({"email": email})).await?;
                tell_of_invitation(&made);
                output.record(&made)
            }
            Self::MakeDefault(Id { id }) => {
                let path = ["organizations", id.as_str(), "make-default"];
                output.record(&client.send(Method::POST, &path, &[], Body::None).await?)
            }
            Self::Show => output.record(&client.get(&["organization"], &[]).await?),
            Self::Edit(edit) => edit.run(client, output).await,
        }
    }
}

// === impl List ===

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        let answer = client.get(&["organizations"], &query).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let mut table = output.table(&["ID", "SLUG", "NAME", "DEFAULT", "CREATED"]);
        for organization in answer["data"].as_array().into_iter().flatten() {
            let cells = ["id", "slug", "name", "default", "created_at"].map(|field| &organization[field]);
            table.row(cells.map(cell));
        }
        let page = ListOf { things: "organizations", make: "claviger setup --organization NAME --email ADDRESS" };
        output.page(&table, &answer, &query, page)
    }
}

// === impl Create ===

impl Create {
    fn body(&self) -> Value {
        let mut body = json!({"name": self.name, "email": self.email});
        if let Some(slug) = &self.slug {
            body["slug"] = json!(slug);
        }
        body
    }
}

// === impl Edit ===

impl Edit {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let query: Vec<_> = self.dry_run.then(|| ("dry_run", "true".to_owned())).into_iter().collect();
        let answer = client.send(Method::PATCH, &["organization"], &query, Body::Json(&self.body()?)).await?;
        if !self.dry_run || output.is_json() {
            return output.record(&answer);
        }
        let moved = &answer["moved_ends"];
        let mut table = output.table(&["ID", "ENDS AT", "WOULD END AT"]);
        for key in moved["first"].as_array().into_iter().flatten() {
            table.row(["id", "before", "after"].map(|field| cell(&key[field])));
        }
        let shown = table.len();
        if shown > 0 {
            output.text(table)?;
        }
        eprintln!("{} keys would end at another time; the first {shown} of them are shown.", cell(&moved["keys"]));
        Ok(())
    }

    fn body(&self) -> Result<Value, Failure> {
        let texts = [
            ("name", &self.name),
            ("slug", &self.slug),
            ("time_zone", &self.time_zone),
            ("key_prefix", &self.key_prefix),
            ("admin_contact", &self.admin_contact),
        ];
        let given = texts.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?))));
        let mut body: Map<String, Value> = given.collect();
        if !self.allowed_ips.is_empty() {
            body.insert("allowed_ips".to_owned(), json!(self.allowed_ips));
        }
        for field in &self.clear {
            let (name, empty) = match field {
                Clearable::AdminContact => ("admin_contact", Value::Null),
                Clearable::AllowedIps => ("allowed_ips", json!([])),
            };
            if body.insert(name.to_owned(), empty.clone()).is_some_and(|given| given != empty) {
                return Err(Failure::usage(format!("--clear {name} contradicts the value that is given for it")));
            }
        }
        if body.is_empty() {
            return Err(Failure::usage("nothing to change: `claviger organization edit --help` lists the fields"));
        }
        Ok(Value::Object(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(edit: &Edit) -> Result<Value, String> {
        edit.body().map_err(|failure| failure.message)
    }

    fn nothing() -> Edit {
        Edit {
            name: None,
            slug: None,
            time_zone: None,
            key_prefix: None,
            admin_contact: None,
            allowed_ips: Vec::new(),
            clear: Vec::new(),
            dry_run: false,
        }
    }

    #[test]
    fn addresses_are_ranges_or_objects() {
        let entries = ["203.0.113.7", r#"{"range":"192.0.2.1","until":"2030-01-31"}"#];
        let allowed_ips = entries.map(|text| parse_entry(text).expect("an entry")).to_vec();
        let expected = json!({"allowed_ips": ["203.0.113.7", {"range": "192.0.2.1", "until": "2030-01-31"}]});
        assert_eq!(body(&Edit { allowed_ips, ..nothing() }), Ok(expected));
        assert!(parse_entry("{").is_err());
    }

    #[test]
    fn a_list_is_emptied_or_given_and_something_must_change() {
        let clear = || vec![Clearable::AllowedIps];
        assert_eq!(body(&Edit { clear: clear(), ..nothing() }), Ok(json!({"allowed_ips": []})));
        let nobody = Edit { clear: vec![Clearable::AdminContact], ..nothing() };
        assert_eq!(body(&nobody), Ok(json!({"admin_contact": null})));
        let both = Edit { clear: clear(), allowed_ips: vec![json!("192.0.2.1")], ..nothing() };
        assert!(body(&both).is_err_and(|message| message.contains("contradicts")));
        assert!(body(&nothing()).is_err());
    }
}
