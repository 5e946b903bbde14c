//! `claviger user …`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Global;
use super::client::{Body, Client};
use super::failure::Failure;
use super::output::{ListOf, Output, cell};
use super::user_link::{Accept, AskPassword, ChoosePassword, ConfirmAddress, tell_of_invitation, tell_of_link};

#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make a user, who is invited until they come
    Create(Create),
    /// List users
    List(List),
    /// Show one user
    Show(Name),
    /// Change a user; roles count with the next request
    Edit(Edit),
    /// Take a user out of service: none of their keys passes
    Disable(Disable),
    /// Put a user back into service
    Enable(Reasoned),
    /// Lock a user: none of their keys passes
    Lock(Reasoned),
    /// Take an administrator's lock away
    Unlock(Reasoned),
    /// End the second factor of a user who has lost it, and their sessions
    #[command(name = "reset-2fa")]
    ResetSecondFactor(Name),
    /// Remove a user from the organization and end their keys
    Remove(Name),
    /// Make a new invitation for a user who has not come; the one before ends
    Invite(Name),
    /// List the invitations of people who have not come
    Invitations(Invitations),
    /// End an invitation; the user stays
    RevokeInvitation(InvitationId),
    /// Accept an invitation: the link is read from standard input
    Accept(Accept),
    /// Have a link mailed to whoever has lost their password
    AskPassword(AskPassword),
    /// Choose another password by a link, which is read from standard input
    ChoosePassword(ChoosePassword),
    /// Confirm a new e-mail address by a link, which is read from standard input
    ConfirmAddress(ConfirmAddress),
}

#[derive(Debug, Args)]
pub(super) struct Invitations {
    /// At most this many, 1 to 100
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Where the page before ended
    #[arg(long)]
    cursor: Option<String>,
}

/// Which invitation.
#[derive(Debug, Args)]
pub(super) struct InvitationId {
    /// The invitation's id
    id: String,
}

/// Which one.
#[derive(Debug, Args)]
pub(super) struct Name {
    /// Their user name, e-mail address or id
    name: String,
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// The person's e-mail address
    #[arg(long)]
    email: String,
    /// What others see; without it made from the address
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    fields: Fields,
}

#[derive(Debug, Args)]
pub(super) struct Edit {
    #[command(flatten)]
    name: Name,
    /// A new e-mail address
    #[arg(long)]
    email: Option<String>,
    /// What others see
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// Takes all roles away
    #[arg(long, conflicts_with = "roles")]
    no_roles: bool,
    /// The account has no end any more
    #[arg(long, conflicts_with = "account_expires_at")]
    no_end: bool,
    #[command(flatten)]
    fields: Fields,
}

/// What both `create` and `edit` take. A list that is given replaces the whole list.
#[derive(Debug, Args)]
struct Fields {
    /// By this the organization lists them
    #[arg(long)]
    username: Option<String>,
    /// A role, by slug or id; may be repeated
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// An instant or a date (the whole day counts): out of service from then on
    #[arg(long, value_name = "WHEN")]
    account_expires_at: Option<String>,
    /// The language in which the person reads, such as en or de-AT
    #[arg(long)]
    language: Option<String>,
    /// The zone in which the person lives, such as Europe/Warsaw
    #[arg(long)]
    time_zone: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// Users who have this role, by slug or id
    #[arg(long)]
    role: Option<String>,
    /// Users who are enabled, or those who are not
    #[arg(long, value_name = "true|false")]
    enabled: Option<bool>,
    /// Users whom an administrator has locked, or the others
    #[arg(long, value_name = "true|false")]
    locked: Option<bool>,
    /// Users who have this in their name, user name or address
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
pub(super) struct Reasoned {
    #[command(flatten)]
    name: Name,
    /// Why, for the audit log and the user's page
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Disable {
    #[command(flatten)]
    reasoned: Reasoned,
    /// Say which keys would stop, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// The application that keys go to which others depend on, by slug or id
    #[arg(long, value_name = "APPLICATION", requires = "move_keys")]
    move_to: Option<String>,
    /// A key that goes on as the application's, by id; may be repeated
    #[arg(long = "move-key", value_name = "KEY", requires = "move_to")]
    move_keys: Vec<String>,
}

// === impl UserCommand ===

impl UserCommand {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Failure> {
        match self {
            Self::Accept(accept) => accept.run(global, output).await,
            Self::ChoosePassword(choose) => choose.run(global, output).await,
            Self::ConfirmAddress(confirm) => confirm.run(global, output).await,
            other => other.send(&global.client()?, output).await,
        }
    }

    async fn send(self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            // They may go to another server than the others.
            Self::Accept(_) | Self::ChoosePassword(_) | Self::ConfirmAddress(_) => Ok(()),
            Self::AskPassword(ask) => ask.run(client, output).await,
            Self::Create(create) => {
                let mut made = client.post(&["users"], &create.body()).await?;
                tell_of_link(&mut made, output);
                output.record(&made)
            }
            Self::Invite(name) => {
                let made = client.post(&["invitations"], &json!({"user": name.name})).await?;
                tell_of_invitation(&made);
                output.record(&made)
            }
            Self::Invitations(list) => list.run(client, output).await,
            Self::RevokeInvitation(InvitationId { id }) => {
                client.send(Method::DELETE, &["invitations", &id], &[], Body::None).await?;
                if output.is_json() { output.value(&json!({"revoked": id})) } else { output.text("revoked") }
            }
            Self::List(list) => list.run(client, output).await,
            Self::Show(name) => output.record(&client.get(&["users", &name.name], &[]).await?),
            Self::Edit(edit) => {
                let (path, body) = (["users", &edit.name.name], edit.body()?);
                output.record(&client.send(Method::PATCH, &path, &[], Body::Json(&body)).await?)
            }
            Self::Disable(disable) => disable.run(client, output).await,
            Self::Enable(reasoned) => reasoned.run("enable", client, output).await,
            Self::Lock(reasoned) => reasoned.run("lock", client, output).await,
            Self::Unlock(reasoned) => reasoned.run("unlock", client, output).await,
            Self::ResetSecondFactor(name) => {
                client.send(Method::POST, &["users", &name.name, "reset-2fa"], &[], Body::None).await?;
                if output.is_json() { output.value(&json!({"reset": name.name})) } else { output.text("reset") }
            }
            Self::Remove(name) => {
                client.send(Method::DELETE, &["users", &name.name], &[], Body::None).await?;
                if output.is_json() { output.value(&json!({"removed": name.name})) } else { output.text("removed") }
            }
        }
    }
}

// === impl Invitations ===

impl Invitations {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        let answer = client.get(&["invitations"], &query).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let mut table = output.table(&["ID", "EMAIL", "STATE", "EXPIRES", "BY"]);
        for invitation in answer["data"].as_array().into_iter().flatten() {
            let mut cells = ["id", "email", "state", "expires_at"].map(|field| cell(&invitation[field])).to_vec();
            cells.push(cell(&invitation["created_by"]["name"]));
            table.row(cells);
        }
        let page = ListOf { things: "invitations", make: "claviger user create --email ADDRESS" };
        output.page(&table, &answer, &query, page)
    }
}

// === impl Create ===

impl Create {
    fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("email".to_owned(), json!(self.email));
        body.extend(self.name.as_ref().map(|name| ("name".to_owned(), json!(name))));
        self.fields.put(&mut body);
        Value::Object(body)
    }
}

// === impl Edit ===

impl Edit {
    fn body(&self) -> Result<Value, Failure> {
        let mut body = Map::new();
        for (name, text) in [("email", &self.email), ("name", &self.new_name)] {
            body.extend(text.as_ref().map(|text| (name.to_owned(), json!(text))));
        }
        if self.no_roles {
            body.insert("roles".to_owned(), json!([]));
        }
        if self.no_end {
            body.insert("account_expires_at".to_owned(), Value::Null);
        }
        self.fields.put(&mut body);
        if body.is_empty() {
            return Err(Failure::usage("nothing to change: `claviger user edit --help` lists the fields"));
        }
        Ok(Value::Object(body))
    }
}

// === impl Fields ===

impl Fields {
    fn put(&self, body: &mut Map<String, Value>) {
        for (name, text) in [
            ("username", &self.username),
            ("account_expires_at", &self.account_expires_at),
            ("language", &self.language),
            ("time_zone", &self.time_zone),
        ] {
            body.extend(text.as_ref().map(|text| (name.to_owned(), json!(text))));
        }
        if !self.roles.is_empty() {
            body.insert("roles".to_owned(), json!(self.roles));
        }
    }
}

// === impl List ===

impl List {
    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.role.clone().map(|role| ("role", role)));
        query.extend(self.enabled.map(|enabled| ("enabled", enabled.to_string())));
        query.extend(self.locked.map(|locked| ("locked", locked.to_string())));
        query.extend(self.text.clone().map(|text| ("text", text)));
        query.extend(self.cursor.clone().map(|cursor| ("cursor", cursor)));
        let answer = client.get(&["users"], &query).await?;
        if output.is_json() {
            return output.value(&answer);
        }
        let fields = [
            "id",
            "username",
            "name",
            "email",
            "roles",
            "enabled",
            "locked",
            "account_expires_at",
            "state",
            "last_sign_in",
        ];
        let heads =
            ["ID", "USERNAME", "NAME", "EMAIL", "ROLES", "ENABLED", "LOCKED", "EXPIRES", "STATE", "LAST SIGN-IN"];
        let mut table = output.table(&heads);
        for user in answer["data"].as_array().into_iter().flatten() {
            table.row(fields.map(|field| cell(&user[field])));
        }
        output.text(table)?;
        if let Some(cursor) = answer["next_cursor"].as_str() {
            eprintln!("more with --cursor {cursor}");
        }
        Ok(())
    }
}

// === impl Reasoned, Disable ===

impl Reasoned {
    fn body(&self) -> Value {
        self.reason.as_ref().map_or_else(|| json!({}), |reason| json!({"reason": reason}))
    }

    async fn run(&self, action: &str, client: &Client, output: Output) -> Result<(), Failure> {
        output.record(&client.post(&["users", &self.name.name, action], &self.body()).await?)
    }
}

impl Disable {
    fn body(&self) -> Value {
        let mut body = self.reasoned.body();
        if let Some(application) = &self.move_to {
            body["move_keys"] = json!({"application": application, "keys": self.move_keys});
        }
        body
    }

    async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let query: &[(&str, String)] = if self.dry_run { &[("dry_run", "true".to_owned())] } else { &[] };
        let path = ["users", &self.reasoned.name.name, "disable"];
        let answer = client.send(Method::POST, &path, query, Body::Json(&self.body())).await?;
        if !self.dry_run || output.is_json() {
            return output.record(&answer);
        }
        let stopping = &answer["stopping"];
        let mut table = output.table(&["ID", "NAME", "HINT", "LAST USED"]);
        for key in stopping["first"].as_array().into_iter().flatten() {
            table.row(["id", "name", "hint", "last_used_at"].map(|field| cell(&key[field])));
        }
        let shown = table.len();
        if shown > 0 {
            output.text(table)?;
        }
        eprintln!("{} keys would stop; {shown} of them are shown, those used last.", cell(&stopping["keys"]));
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
        user: UserCommand,
    }

    fn parse(line: &str) -> UserCommand {
        Line::try_parse_from(std::iter::once("user").chain(line.split(' '))).expect(line).user
    }

    #[test]
    fn what_is_given_is_sent_and_nothing_else() {
        let UserCommand::Create(create) = parse("create --email bob@example.com --role developer --role auditor")
        else {
            panic!("a creation")
        };
        assert_eq!(create.body(), json!({"email": "bob@example.com", "roles": ["developer", "auditor"]}));
        let edit = |line: &str| match parse(line) {
            UserCommand::Edit(edit) => edit.body(),
            other => panic!("{other:?}"),
        };
        let body = edit("edit bob --no-roles --no-end --language pl").expect("a change");
        assert_eq!(body, json!({"roles": [], "account_expires_at": null, "language": "pl"}));
        assert_eq!(edit("edit bob").expect_err("nothing").code, 2);
        let UserCommand::Disable(disable) = parse("disable bob --reason left --move-to portal --move-key key_1") else {
            panic!("a leaver")
        };
        let moved = json!({"application": "portal", "keys": ["key_1"]});
        assert_eq!(disable.body(), json!({"reason": "left", "move_keys": moved}));
        assert!(Line::try_parse_from(["user", "disable", "bob", "--move-to", "portal"]).is_err());
    }
}
