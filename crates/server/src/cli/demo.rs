//! `claviger serve --demo`: a server that holds something to try, made through the management API like by anybody.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use claviger_domain::pair::generate_password;
use claviger_server::Running;
use claviger_server::clock::OsRandom;
use claviger_server::config::{Config, DatabaseConfig};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::api_import::{self, JSON};
use super::client::Client;
use super::failure::Failure;
use super::output;
use super::output::Output;

/// Thirty operations of GitHub's REST API, see `demo/LICENSE.octokit`.
const DOCUMENT: &[u8] = include_bytes!("../../demo/github-excerpt.json");
/// Where the third key may be used from (RFC 5737: for documentation).
const OFFICE: &str = "203.0.113.0/24";
/// An address of the office.
const OFFICE_IP: &str = "203.0.113.7";
/// An address outside it.
const OTHER_IP: &str = "198.51.100.7";
/// The demo's administrator.
const EMAIL: &str = "demo@example.com";
/// How to get out of the way of another server.
pub(super) const OTHER_PORTS: &str = "\nTo try the demo beside it:\n\n  CLAVIGER_CONTROL_LISTEN=127.0.0.1:17600 \
     CLAVIGER_DOORS_LISTEN=127.0.0.1:17601 CLAVIGER_TELEMETRY_LISTEN=127.0.0.1:17602 claviger serve --demo\n";

/// The demo's directory; a temporary one is removed with this.
#[derive(Debug)]
pub(super) struct Demo {
    folder: Option<TempDir>,
}

/// What was made to be tried.
struct Furniture {
    password: String,
    token: String,
    issues: String,
    full: String,
    office: String,
}

// === impl Demo ===

impl Demo {
    /// Points `config` at a temporary directory, or at the empty `data` one, with a database and a master secret of
    /// its own: a demo touches nothing that is there.
    pub(super) fn prepare(config: &mut Config, data: Option<&Path>) -> Result<Self, Failure> {
        config.database = DatabaseConfig::default();
        config.master_secret = None;
        config.master_secret_file = None;
        let Some(data) = data else {
            let mode = Permissions::from_mode(0o700);
            let folder = tempfile::Builder::new().prefix("claviger-demo-").permissions(mode).tempdir();
            let folder =
                folder.map_err(|error| Failure::usage(format!("cannot make a temporary directory: {error}")))?;
            folder.path().clone_into(&mut config.data_dir);
            return Ok(Self { folder: Some(folder) });
        };
        let is_used = data.read_dir().is_ok_and(|mut entries| entries.next().is_some());
        if is_used {
            return Err(Failure::usage(format!(
                "{} is not empty: --demo makes everything new; name an empty directory, or leave --data out",
                data.display()
            )));
        }
        Ok(Self { folder: None })
    }

    /// Makes organization, API, sets and keys, and prints what can be tried with them.
    pub(super) async fn furnish(&self, running: &Running, output: Output) -> Result<(), Failure> {
        let furniture = Furniture::make(&Client::local(running)?).await?;
        if output.is_json() {
            return output.value(&furniture.to_json(running));
        }
        output.text(furniture.describe(running))?;
        let end = match &self.folder {
            Some(folder) => format!("{} goes with it", folder.path().display()),
            None => format!("{} stays", running.data_dir().display()),
        };
        output.text(format_args!("Stop with Ctrl-C; {end}.\n"))
    }
}

// === impl Furniture ===

impl Furniture {
    async fn make(client: &Client) -> Result<Self, Failure> {
        let password = generate_password(&OsRandom).expose().to_owned();
        let setup = json!({"organization": "Demo", "email": EMAIL, "password": password});
        let token = text(&client.post(&["setup"], &setup).await?["token"]);
        api_import::import(client, DOCUMENT, JSON, &[("slug", "github".to_owned())]).await?;
        for (slug, name, operations) in [
            ("issues", "Repositories and issues", json!(["github:repos/get", "github:issues/*"])),
            ("pulls-read", "Read pull requests", json!(["github:pulls/list", "github:pulls/get"])),
        ] {
            client.post(&["api-sets"], &json!({"slug": slug, "name": name, "operations": operations})).await?;
        }
        let make = async |name: &str, set: &str, ips: &[&str]| {
            let key = json!({"name": name, "api_sets": [set], "allowed_ips": ips});
            Ok::<_, Failure>(text(&client.post(&["keys"], &key).await?["secret"]))
        };
        Ok(Self {
            password,
            token,
            issues: make("Issue bot", "issues", &[]).await?,
            full: make("Everything", "full-access", &[]).await?,
            office: make("Office only", "issues", &[OFFICE]).await?,
        })
    }

    /// The lines to try: what they show, and the command.
    fn lines(&self, running: &Running) -> [(&'static str, String); 4] {
        let url = running.doors_url();
        let ask = |secret: &str, method: &str, path: &str, ip: &str| {
            let question = json!({
                "credential": secret, "method": method, "path": path, "client_ip": ip, "api": "github",
            });
            format!("curl -sS {url}/v1/verify -H 'Content-Type: application/json' -d '{question}'")
        };
        let issues = "/repos/octocat/hello-world/issues";
        [
            ("Passes: the key holds issues/*", ask(&self.issues, "GET", issues, OTHER_IP)),
            (
                "Refused for its operation: pulls/list is in none of the key's sets",
                ask(&self.issues, "GET", "/repos/octocat/hello-world/pulls", OTHER_IP),
            ),
            ("Refused for its IP: the key is for 203.0.113.0/24 alone", ask(&self.office, "GET", issues, OTHER_IP)),
            ("Passes from there", ask(&self.office, "GET", issues, OFFICE_IP)),
        ]
    }

    fn describe(&self, running: &Running) -> String {
        let lines = self.lines(running).map(|(what, command)| format!("# {what}\n{command}\n")).join("\n");
        let (control, doors, token) = (running.control_url(), running.doors_url(), &self.token);
        let password = &self.password;
        let (issues, full, office) = (&self.issues, &self.full, &self.office);
        format!(
            "The demo runs: organization `Demo`, API `github` (30 operations), three keys.\n\n{lines}\n\
             # The console, as the demo's administrator\n\
             {control}  {EMAIL}  {password}\n\n\
             # The keys\n\
             {issues}  Issue bot: repos/get and issues/*\n\
             {office}  Office only: the same, from {OFFICE} alone\n\
             {full}  Everything: Full access\n\n\
             # The management API (reference: {control}/api/docs), as the demo's administrator\n\
             curl -sS {control}/api/v1/keys -H 'Authorization: Bearer {token}'\n\n\
             # Behind nginx: README.md, \"Through nginx\"; gateways/nginx.conf is the whole snippet, its questions go to\n\
             {doors}/v1/authorize/api/github/nginx/line\n"
        )
    }

    fn to_json(&self, running: &Running) -> Value {
        let lines = self.lines(running).map(|(what, command)| json!({"what": what, "command": command}));
        json!({
            "control_url": running.control_url(),
            "doors_url": running.doors_url(),
            "telemetry_url": running.telemetry_url(),
            "data_dir": running.data_dir(),
            "console": {"email": EMAIL, "password": self.password},
            "token": self.token,
            "keys": {"issues": self.issues, "full_access": self.full, "office": self.office},
            "lines": lines,
        })
    }
}

fn text(value: &Value) -> String {
    output::cell(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_takes_an_empty_directory_and_no_other() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let mut config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
        config.database.url = Some("postgres://u@h/production".parse().expect("a URL"));
        Demo::prepare(&mut config, Some(folder.path())).expect("it is empty");
        assert!(config.database.url.is_none(), "a demo never writes to a configured database");
        std::fs::write(folder.path().join("claviger.db"), "x").expect("written");
        let failure = Demo::prepare(&mut config, Some(folder.path())).expect_err("it is used");
        assert!(failure.code == 2 && failure.message.contains("not empty"), "{failure:?}");
    }

    #[test]
    fn a_temporary_directory_goes_with_the_demo() {
        let mut config = Config::default();
        let demo = Demo::prepare(&mut config, None).expect("a temporary directory");
        assert!(config.data_dir.is_dir());
        drop(demo);
        assert!(!config.data_dir.exists());
    }

    #[test]
    fn the_document_has_what_the_lines_ask_for() {
        let document: Value = serde_json::from_slice(DOCUMENT).expect("JSON");
        let operation = |path: &str, method: &str| document["paths"][path][method]["operationId"].clone();
        assert_eq!(operation("/repos/{owner}/{repo}/issues", "get"), "issues/list-for-repo");
        assert_eq!(operation("/repos/{owner}/{repo}/pulls", "get"), "pulls/list");
        assert_eq!(operation("/repos/{owner}/{repo}", "get"), "repos/get");
    }
}
