//! `claviger setup`: the first organization and its administrator.

use std::sync::Arc;

use clap::Args;
use claviger_domain::{Clock, Random, RequestId};
use claviger_manage::setup::{SetUp, set_up};
use claviger_manage::{Ctx, Passwords};
use claviger_server::clock::{OsRandom, SystemClock};
use claviger_server::config::Config;
use claviger_server::data_dir::{DataDir, DataDirError};
use claviger_server::local_token::LocalAccess;
use claviger_server::logging;
use claviger_server::open_store::{OpenStore, open_store};
use serde_json::{Value, json};

use super::client::{Access, Client};
use super::failure::Failure;
use super::input::read_password;
use super::output::{Output, cell};
use super::{Global, variables};

#[derive(Debug, Args)]
pub(super) struct Setup {
    /// The organization's name
    #[arg(long)]
    organization: String,
    /// The administrator's e-mail address
    #[arg(long)]
    email: String,
    /// Read the administrator's password from standard input
    #[arg(long)]
    password_stdin: bool,
}

/// Where the step is made.
enum Target {
    Server(Client),
    Directory(DataDir),
}

// === impl Setup ===

impl Setup {
    pub(super) async fn run(&self, global: &Global, output: Output) -> Result<(), Failure> {
        let config = global.config()?;
        let mut body = json!({"organization": self.organization, "email": self.email});
        if self.password_stdin {
            body["password"] = read_password()?.expose().into();
        }
        let answer = match Target::find(&config)? {
            Target::Server(client) => client.post(&["setup"], &body).await?,
            Target::Directory(data_dir) => without_server(&config, data_dir, body).await?,
        };
        if output.is_json() {
            let members = ["organization", "user", "token"].map(|name| (name.to_owned(), answer[name].clone()));
            return output.value(&Value::Object(members.into_iter().collect()));
        }
        eprintln!(
            "Made organization {} with its administrator {}. The management token is shown this once:",
            cell(&answer["organization"]),
            cell(&answer["user"])
        );
        output.text(cell(&answer["token"]))
    }
}

// === impl Target ===

impl Target {
    /// The server that holds the data directory, or the one that `CLAVIGER_URL` names; else the directory itself.
    fn find(config: &Config) -> Result<Self, Failure> {
        let variables = variables()?;
        if variables.iter().any(|(name, text)| name == "CLAVIGER_URL" && !text.is_empty()) {
            return Client::new(&Access::find(config, &variables)?).map(Self::Server);
        }
        match DataDir::open(&config.data_dir) {
            Ok(data_dir) => Ok(Self::Directory(data_dir)),
            Err(DataDirError::Locked { .. }) => {
                let local = LocalAccess::read(&config.data_dir).map_err(Failure::usage)?;
                let starting = "a server is starting on this data directory and not ready yet; try again in a moment";
                let access = Access::local(local.ok_or_else(|| Failure::unreachable(starting))?)?;
                Client::new(&access).map(Self::Server)
            }
            Err(error) => Err(Failure::usage(error)),
        }
    }
}

/// The same use case on the store, under the data directory's lock.
async fn without_server(config: &Config, data_dir: DataDir, body: Value) -> Result<Value, Failure> {
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock::new()), Arc::new(OsRandom));
    let request: SetUp = serde_json::from_value(body).map_err(|error| Failure::usage(format!("{error}")))?;
    let config = Config { data_dir: data_dir.path().to_owned(), ..config.clone() };
    // A new database gets a master secret, which is said in the log.
    logging::start(&config.log);
    let OpenStore { store, keyring, data_dir: _lock } = open_store(&config, data_dir, &clock, &random).await?;
    let ctx = Ctx::operator(RequestId::new(clock.now(), &*random), clock.now());
    let at_once = config.control.password_hashes_at_once;
    let passwords = Passwords::new(&keyring, at_once, claviger_manage::passwords::Cost::default());
    let done = set_up(&store, &keyring, &passwords, &*random, &ctx, request).await;
    store.close().await;
    let done = done.map_err(|error| refused(&error))?;
    serde_json::to_value(done.value).map_err(Failure::usage)
}

/// The same words as the server's answer would have.
fn refused(error: &claviger_manage::Error) -> Failure {
    let errors = error.errors().iter().map(|error| json!({"field": error.field, "message": error.message}));
    let problem = json!({
        "code": error.code().as_str(), "detail": error.detail(), "errors": errors.collect::<Vec<_>>(),
    });
    Failure::of_problem(error.code().status().as_u16(), problem)
}
