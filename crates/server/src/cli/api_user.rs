//! `claviger api-user …`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::client::{Body, Client};
use super::failure::Failure;
use super::output::{ListOf, Output, cell};

#[derive(Debug, Subcommand)]
pub(super) enum ApiUserCommand {
    /// Make an API user; a static token goes to standard output, once
    Create(Create),
    /// List API users
    List(List),
    /// Show one API user
    Show(Id),
    /// Change an API user
    Edit(Edit),
    /// Make an API user inactive: its sessions end
    Disable(Reasoned),
    /// Make an API user active again
    Enable(Reasoned),
    /// Delete an API user
    Delete(Id),
    /// List the sessions of an API user
    Sessions(Id),
    /// End a session of an API user
    EndSession(EndSession),
    /// Show what an API user did
    History(Id),
    /// Mail an API user a link by which it sets a password
    ResetPassword(Id),
    /// End the one-time codes of an API user
    Reset2fa(Id),
}

/// Which one.
#[derive(Debug, Args)]
pub(super) struct Id {
    /// Its id
    id: String,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The application, by slug or id
    #[arg(long)]
    application: String,
    /// On what the rights to records are based
    #[arg(long, value_name = "1-5", value_parser = clap::value_parser!(u8).range(1..=5))]
    permission_type: u8,
    /// The person whose rights bound its sessions
    #[arg(long, value_name = "USER")]
    profile_user: String,
    /// Make it inactive
    #[arg(long)]
    inactive: bool,
    #[command(flatten)]
    fields: Fields,
}

#[derive(Debug, Args)]
pub(super) struct Edit {
    #[command(flatten)]
    id: Id,
    /// On what the rights to records are based
    #[arg(long, value_name = "1-5", value_parser = clap::value_parser!(u8).range(1..=5))]
    permission_type: Option<u8>,
    /// The person whose rights bound its sessions
    #[arg(long, value_name = "USER")]
    profile_user: Option<String>,
    /// Take its contact away
    #[arg(long, conflicts_with_all = ["contact_id", "contact_email"])]
    clear_contact: bool,
    #[command(flatten)]
    fields: Fields,
}

/// What both `create` and `edit` take.
#[derive(Debug, Args)]
struct Fields {
    /// By which it signs in; without it the contact's or the profile user's address
    #[arg(long, value_name = "NAME")]
    user_name: Option<String>,
    /// What the protected service's system calls its contact
    #[arg(long, value_name = "ID", requires = "contact_email")]
    contact_id: Option<String>,
    /// The contact's address
    #[arg(long, value_name = "EMAIL", requires = "contact_id")]
    contact_email: Option<String>,
    /// What the protected service's system calls the profile user
    #[arg(long, value_name = "ID")]
    profile_external: Option<String>,
    /// What a sign-in asks for
    #[arg(long, value_name = "password|password_2fa")]
    sign_in_method: Option<String>,
    /// A language tag such as pl-PL
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Those of this application, by slug or id
    #[arg(long)]
    application: Option<String>,
    /// Those of applications of this type, by slug or id
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Those that are active, or those that are not
    #[arg(long, value_name = "true|false")]
    active: Option<bool>,
    /// Those that have this in user name or contact
    #[arg(long)]
    text: Option<String>,
    /// `user_name`, `-user_name`, `created_at` or `-created_at`
    #[arg(long, allow_hyphen_values = true)]
    sort: Option<String>,
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
    id: Id,
    /// Why, for the audit log
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct EndSession {
    #[command(flatten)]
    id: Id,
    /// The session's id
    session: String,
}

/// Where they stand.
const NOUN: &str = "api-users";

// === impl ApiUserCommand ===

impl ApiUserCommand {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::Create(create) => output.record(&client.post(&[NOUN], &create.body()).await?),
            Self::List(list) => list.run(client, output).await,
            Self::Show(id) => output.record(&client.get(&[NOUN, &id.id], &[]).await?),
            Self::Edit(edit) => {
                let (path, body) = ([NOUN, &edit.id.id], edit.body()?);
                output.record(&client.send(Method::PATCH, &path, &[], Body::Json(&body)).await?)
            }
            Self::Disable(how) => how.act("disable", client, output).await,
            Self::Enable(how) => how.act("enable", client, output).await,
            Self::Delete(id) => {
                client.send(Method::DELETE, &[NOUN, &id.id], &[], Body::None).await?;
                done(output, "deleted", &id.id)
            }
            Self::Sessions(id) => output.value(&client.get(&[NOUN, &id.id, "sessions"], &[]).await?),
            Self::EndSession(end) => {
                client.send(Method::DELETE, &[NOUN, &end.id.id, "sessions", &end.session], &[], Body::None).await?;
                done(output, "ended", &end.session)
            }
            Self::History(id) => output.value(&client.get(&[NOUN, &id.id, "history"], &[]).await?),
            Self::ResetPassword(id) => id.reset("reset-password", "mailed", client, output).await,
            Self::Reset2fa(id) => id.reset("reset-2fa", "reset", client, output).await,
        }
    }
}

fn done(output: Output, what: &str, id: &str) -> Result<(), Failure> {
    if output.is_json() { output.value(&json!({what: id})) } else { output.text(what) }
}

// === impl Id ===

impl Id {
    async fn reset(&self, action: &str, what: &str, client: &Client, output: Output) -> Result<(), Failure> {
        client.send(Method::POST, &[NOUN, &self.id, action], &[], Body::None).await?;
        done(output, what, &self.id)
    }
}

// === impl Create ===

impl Create {
    fn body(&self) -> Value {
        let mut body = self.fields.body();
        body.insert("application".to_owned(), json!(self.application));
        body.insert("permission_type".to_owned(), json!(self.permission_type));
        body.insert("profile_user".to_owned(), json!(self.profile_user));
        if self.inactive {
            body.insert("active".to_owned(), json!(false));
        }
        Value::Object(body)
    }
}

// === impl Edit ===

impl Edit {
    fn body(&self) -> Result<Value, Failure> {
        let mut body = self.fields.body();
        if let Some(kind) = self.permission_type {
            body.insert("permission_type".to_owned(), json!(kind));
        }
        if let Some(profile) = &self.profile_user {
            body.insert("profile_user".to_owned(), json!(profile));
        }
        if self.clear_contact {
            body.insert("contact".to_owned(), Value::Null);
        }
        if body.is_empty() {
            let help = "nothing to change: `claviger api-user edit --help` lists the fields";
            return Err(Failure::usage(help.to_owned()));
        }
        Ok(Value::Object(body))
    }
}

// === impl Fields ===

impl Fields {
    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let texts = [
            ("user_name", &self.user_name),
            ("profile_external", &self.profile_external),
            ("sign_in_method", &self.sign_in_method),
            ("language", &self.language),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                body.insert(name.to_owned(), json!(text));
            }
        }
        if let (Some(id), Some(email)) = (&self.contact_id, &self.contact_email) {
            body.insert("contact".to_owned(), json!({"id": id, "email": email}));
        }
        body
    }
}

// === impl Reasoned ===

impl Reasoned {
    async fn act(&self, action: &str, client: &Client, output: Output) -> Result<(), Failure> {
        let body = self.reason.as_ref().map_or_else(|| json!({}), |reason| json!({"reason": reason}));
        output.record(&client.post(&[NOUN, &self.id.id, action], &body).await?)
    }
}

// === impl List ===

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        let texts = [
            ("cursor", &self.cursor),
            ("application", &self.application),
            ("type", &self.kind),
            ("text", &self.text),
            ("sort", &self.sort),
        ];
        query.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))));
        query.extend(self.active.map(|active| ("active", active.to_string())));
        let answer = client.get(&[NOUN], &query).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let mut table =
            output.table(&["ID", "APPLICATION", "USER NAME", "TYPE", "PROFILE", "ACTIVE", "METHOD", "LAST SIGN-IN"]);
        for user in answer["data"].as_array().into_iter().flatten() {
            let cells = [
                &user["id"],
                &user["application"]["slug"],
                &user["user_name"],
                &user["permission_type"],
                &user["profile_user"]["id"],
                &user["active"],
                &user["sign_in_method"],
                &user["last_sign_in"],
            ];
            table.row(cells.into_iter().map(cell));
        }
        let make = "claviger api-user create --application APPLICATION --permission-type 1 --profile-user USER";
        output.page(&table, &answer, &query, ListOf { things: "API users", make })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        user: ApiUserCommand,
    }

    fn parse(line: &str) -> ApiUserCommand {
        Line::try_parse_from(std::iter::once("api-user").chain(line.split(' '))).expect(line).user
    }

    #[test]
    fn what_is_given_is_sent_and_nothing_else() {
        let line = "create --application portal --permission-type 2 --profile-user ada --contact-id C-1 --contact-email a@b.example";
        let ApiUserCommand::Create(create) = parse(line) else { panic!("a creation") };
        let expected = json!({
            "application": "portal", "permission_type": 2, "profile_user": "ada",
            "contact": {"id": "C-1", "email": "a@b.example"},
        });
        assert_eq!(create.body(), expected);
        let edit = |line: &str| match parse(line) {
            ApiUserCommand::Edit(edit) => edit.body(),
            other => panic!("{other:?}"),
        };
        let body = edit("edit apu_1 --permission-type 1 --clear-contact").expect("a change");
        assert_eq!(body, json!({"permission_type": 1, "contact": null}));
        assert_eq!(edit("edit apu_1").expect_err("nothing").code, 2);
    }
}
