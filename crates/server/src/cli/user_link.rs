//! What a person does who has a link, wherever they are.

use std::path::{Path, PathBuf};

use clap::Args;
use claviger_domain::Secret;
use reqwest::Method;
use serde_json::{Value, json};

use super::Global;
use super::client::{Body, Client};
use super::failure::Failure;
use super::input::read_credential;
use super::output::{Output, cell};

/// The link, which is a secret.
#[derive(Debug, Args)]
struct LinkFile {
    /// The file that holds the link; without it standard input is read
    #[arg(long, value_name = "FILE")]
    link_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct Accept {
    #[command(flatten)]
    link: LinkFile,
    /// What others see of you
    #[arg(long)]
    name: Option<String>,
    /// The file that holds the password that you are going to sign in with
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct AskPassword {
    /// The person's e-mail address
    #[arg(long)]
    email: String,
}

#[derive(Debug, Args)]
pub(super) struct ChoosePassword {
    #[command(flatten)]
    link: LinkFile,
    /// The file that holds the new password
    #[arg(long, value_name = "FILE")]
    password_file: PathBuf,
}

/// Says what to do with the link of a record's invitation, and shows it.
pub(super) fn tell_of_link(made: &mut Value, output: Output) {
    tell_of_invitation(&made["invitation"]);
    if !output.is_json() && made["invitation"]["link"].is_string() {
        // A table shows a record in a record by its id alone.
        made["link"] = made["invitation"]["link"].clone();
    }
}

/// Says what to do with the link of an invitation that goes by no mail.
pub(super) fn tell_of_invitation(invitation: &Value) {
    if invitation["mailed"] == true {
        eprintln!("The invitation is on its way to {} by mail.", cell(&invitation["email"]));
    } else {
        eprintln!("Hand the link over to {}: it is shown this once.", cell(&invitation["email"]));
    }
}

#[derive(Debug, Args)]
pub(super) struct ConfirmAddress {
    #[command(flatten)]
    link: LinkFile,
}

// === impl LinkFile ===

impl LinkFile {
    /// The server that the link leads to, and its token; a token alone is for the server that is configured.
    fn read(&self, page: &str, global: &Global) -> Result<(Client, Secret), Failure> {
        let given = read_credential(self.link_file.as_deref().unwrap_or(Path::new("-")))?;
        let Some((place, token)) = given.expose().split_once('#') else { return Ok((global.client()?, given)) };
        let wrong = || Failure::usage(format!("expected a link such as https://HOST{page}#…"));
        let client = Global::client_at(place.strip_suffix(page).ok_or_else(wrong)?)?;
        Ok((client, Secret::new(token.to_owned())))
    }
}

// === impl Accept ===

impl Accept {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Failure> {
        let (client, token) = self.link.read("/invitation", global)?;
        let mut body = json!({"token": token.expose()});
        if let Some(name) = &self.name {
            body["name"] = json!(name);
        }
        if let Some(file) = &self.password_file {
            body["password"] = json!(read_credential(file)?.expose());
        }
        output.record(&client.post(&["invitations", "accept"], &body).await?)
    }
}

// === impl AskPassword, ChoosePassword, ConfirmAddress ===

impl AskPassword {
    pub(super) async fn run(self, client: &Client, output: Output) -> Result<(), Failure> {
        let asked = "If somebody is known by this address, a link is on its way to it.";
        send(client, &["password-resets"], &json!({"email": self.email}), asked, output).await
    }
}

impl ChoosePassword {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Failure> {
        let (client, token) = self.link.read("/password-reset", global)?;
        let password = read_credential(&self.password_file)?;
        let body = json!({"token": token.expose(), "password": password.expose()});
        let done = "The password was changed; whoever was signed in has to sign in again.";
        send(&client, &["password-resets", "choose"], &body, done, output).await
    }
}

impl ConfirmAddress {
    pub(super) async fn run(self, global: &Global, output: Output) -> Result<(), Failure> {
        let (client, token) = self.link.read("/new-address", global)?;
        let done = "The address counts from now on.";
        send(&client, &["new-addresses", "confirm"], &json!({"token": token.expose()}), done, output).await
    }
}

/// A call that answers nothing; `done` says to people what came of it.
async fn send(client: &Client, path: &[&str], body: &Value, done: &str, output: Output) -> Result<(), Failure> {
    client.send(Method::POST, path, &[], Body::Json(body)).await?;
    if output.is_json() { output.value(&json!({"done": true})) } else { output.text(done) }
}
