//! `claviger import yetiforce`: the applications and API users of a YetiForce installation, out of a dump of its database.
//!
//! The dump is read whole before anything is sent, and secrets leave this process for the management API alone.

mod report;
mod rows;
mod secrets;
mod tables;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use claviger_domain::Secret;
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::client::{Body, Client};
use super::failure::Failure;
use super::input::{read_bounded, read_credential};
use super::output::Output;
use super::progress::Progress;
use report::{Problem, Report};
use rows::{ApplicationBody, Mapping, Plan, PlannedUser, UserBody, expose, has_passwords, plan};
use secrets::Opener;
use tables::{Kind, Tables};

/// The users of one call.
const PART: usize = 200;
/// The most bytes of a file of profiles.
const PROFILES_BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug, Args)]
pub(super) struct Yetiforce {
    /// The dump, as mysqldump or phpMyAdmin writes it; - for standard input
    #[arg(long, value_name = "FILE")]
    dump: PathBuf,
    /// The file that holds the installation's encryptionPass; none where it encrypts nothing
    #[arg(long, value_name = "FILE")]
    encryption_pass_file: Option<PathBuf>,
    /// The file that holds the initialization vector, where the dump does not
    #[arg(long, value_name = "FILE")]
    encryption_vector_file: Option<PathBuf>,
    /// The file that holds the installation's key, which passwords are hashed with
    #[arg(long, value_name = "FILE")]
    installation_key_file: Option<PathBuf>,
    /// Who stands here for a user of the CRM, such as 7=ada@example.com: id there, then id, user name or address here; may be repeated
    #[arg(long = "profile", value_name = "ID=USER", value_parser = pair)]
    profiles: Vec<(String, String)>,
    /// A file of such pairs, one a line
    #[arg(long, value_name = "FILE")]
    profiles_file: Option<PathBuf>,
    /// Look for other users of the CRM by the addresses that the dump has of them
    #[arg(long)]
    profiles_by_email: bool,
    /// The type of applications for a container that is not known, such as RestApi=webservice-standard; may be repeated
    #[arg(long = "type", value_name = "CONTAINER=TYPE", value_parser = pair)]
    types: Vec<(String, String)>,
    /// Say what would come of each row, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// A call of the management API.
#[derive(Serialize)]
struct Call<'c> {
    application: &'c ApplicationBody,
    key: KeyBody<'c>,
    api_users: Vec<&'c UserBody>,
}

#[derive(Serialize)]
struct KeyBody<'c> {
    #[serde(serialize_with = "expose")]
    value: &'c Secret,
}

/// `7=ada@example.com`
fn pair(text: &str) -> Result<(String, String), String> {
    let (one, other) = text.split_once('=').ok_or("expected =")?;
    let (one, other) = (one.trim(), other.trim());
    if one.is_empty() || other.is_empty() {
        return Err("expected something on both sides of =".to_owned());
    }
    Ok((one.to_owned(), other.to_owned()))
}

// === impl Yetiforce ===

impl Yetiforce {
    pub(super) async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut tables = read(&self.dump)?;
        let opener =
            Opener::find(&tables, self.encryption_pass_file.as_deref(), self.encryption_vector_file.as_deref())?;
        let key = self.installation_key_file.as_deref().map(read_credential).transpose()?;
        if key.is_none() && has_passwords(&tables) {
            return Err(Failure::usage("users have passwords: give --installation-key-file"));
        }
        let (profiles, types) = (self.profiles()?, self.types.iter().cloned().collect());
        let by_email = self.profiles_by_email;
        let installation_key = key.as_ref();
        let mapping = Mapping { profiles: &profiles, types: &types, by_email, opener: &opener, installation_key };
        let (plans, problems) = plan(&mut tables, &mapping);
        let mut report = Report { dry_run: self.dry_run, problems, ..Report::default() };
        report.applications.rows = tables.of(Kind::Servers).count();
        report.api_users.rows = tables.records.iter().filter(|record| record.kind.container().is_some()).count();
        let mut progress = Progress::of(plans.len() as u64, "importing", "applications");
        for (done, plan) in (1..).zip(&plans) {
            self.send(client, plan, &mut report).await?;
            progress.set(done);
        }
        drop(progress);
        report.tell(output, &tables)
    }

    /// Whom the command line and the file name.
    fn profiles(&self) -> Result<BTreeMap<String, String>, Failure> {
        let mut profiles = BTreeMap::new();
        if let Some(file) = &self.profiles_file {
            let bytes = read_bounded(file, PROFILES_BYTES_MAX)?;
            let text = String::from_utf8(bytes).map_err(|_| Failure::usage("the file of profiles is not UTF-8"))?;
            let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
            for (number, line) in lines {
                let wrong = |problem| Failure::usage(format!("{}: line {number}: {problem}", file.display()));
                profiles.extend([pair(line).map_err(wrong)?]);
            }
        }
        profiles.extend(self.profiles.iter().cloned());
        Ok(profiles)
    }

    /// Sends an application with its users, in parts; each part names the application again, which is there by then.
    async fn send(&self, client: &Client, plan: &Plan, report: &mut Report) -> Result<(), Failure> {
        let nobody: &[PlannedUser] = &[];
        let parts = if plan.users.is_empty() { vec![nobody] } else { plan.users.chunks(PART).collect() };
        for (number, users) in parts.into_iter().enumerate() {
            let call = Call {
                application: &plan.application,
                key: KeyBody { value: &plan.application.key },
                api_users: users.iter().map(|user| &user.body).collect(),
            };
            let body = serde_json::to_vec(&call).map_err(|error| Failure::usage(format!("cannot be sent: {error}")))?;
            let (body, query) = (Zeroizing::new(body), [("dry_run", self.dry_run.to_string())]);
            let body = Body::Raw(&body, "application/json");
            let answer = match client.send(Method::POST, &["application-imports"], &query, body).await {
                Ok(answer) => answer,
                Err(failure) => return report.refused(plan, number * PART, failure),
            };
            if number == 0 {
                report.applications.count(&answer["outcome"]);
            }
            for (user, row) in users.iter().zip(answer["api_users"].as_array().into_iter().flatten()) {
                report.api_users.count(&row["outcome"]);
                let errors = row["errors"].as_array().into_iter().flatten();
                report.problems.extend(errors.map(|error| Problem::refused(&user.table, &user.id, error)));
            }
        }
        Ok(())
    }
}

/// Reads what is taken of a dump.
fn read(dump: &Path) -> Result<Tables, Failure> {
    let source: Box<dyn Read> = if dump == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        let unreadable = |error| Failure::usage(format!("cannot read {}: {error}", dump.display()));
        Box::new(File::open(dump).map_err(unreadable)?)
    };
    let mut tables = Tables::default();
    let wrong = |error| Failure::usage(format!("the dump {}: {error}", dump.display()));
    claviger_mysql_dump::read(source, &mut tables).map_err(wrong)?;
    if tables.of(Kind::Servers).next().is_none() {
        return Err(Failure::usage("the dump has no applications: expected rows of a table such as `w_yf_servers`"));
    }
    Ok(tables)
}

// === impl Report ===

impl Report {
    /// What the server refuses as a whole: the application, or the call.
    fn refused(&mut self, plan: &Plan, sent: usize, failure: Failure) -> Result<(), Failure> {
        let is_of_row = |problem: &Value| {
            matches!(
                problem["code"].as_str(),
                Some("invalid_request" | "not_found" | "name_taken" | "conflict" | "limit_reached")
            )
        };
        let Some(problem) = failure.problem.as_ref().filter(|problem| is_of_row(problem)) else { return Err(failure) };
        let mut errors = problem["errors"].as_array().cloned().unwrap_or_default();
        if errors.is_empty() {
            errors.push(json!({ "field": "row", "message": problem["detail"] }));
        }
        self.problems.extend(errors.iter().map(|error| Problem::refused(&plan.table, &plan.id, error)));
        let gone = json!({ "field": "server_id", "message": "its application is not taken" });
        let users = plan.users.iter().skip(sent);
        self.problems.extend(users.map(|user| Problem::refused(&user.table, &user.id, &gone)));
        Ok(())
    }
}

impl report::Counts {
    fn count(&mut self, outcome: &Value) {
        match outcome.as_str() {
            Some("imported") => self.imported += 1,
            Some("present") => self.present += 1,
            _ => {}
        }
    }
}
