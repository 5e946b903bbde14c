//! The command line: `claviger <noun> <verb>`, tables for people, `--json` for programs.
//!
//! Exit codes: 0 done, 1 refused or not found, 2 usage or configuration, 3 cannot reach the server.

mod api;
mod api_import;
mod api_set;
mod api_user;
mod application;
mod audit;
mod backup;
mod check;
mod client;
mod completions;
mod config;
mod demo;
mod failure;
mod import;
mod input;
mod key;
mod key_import;
mod key_rotate_many;
mod limit;
mod master_secret;
mod node;
mod openapi;
mod organization;
mod output;
mod policy;
mod progress;
mod restore;
mod role;
mod serve;
mod setup;
mod trust;
mod user;
mod user_link;
mod version;
mod yetiforce;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use claviger_server::config::{Config, Sources};

use client::Client;
use failure::Failure;
use output::Output;

/// The keeper of the keys: issues API keys, limits what each may do, and judges requests in microseconds.
#[derive(Debug, Parser)]
#[command(name = "claviger", version = version::TEXT, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
struct Global {
    /// The configuration file (TOML)
    #[arg(long, global = true, env = "CLAVIGER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data directory; wins over the file and `CLAVIGER_DATA_DIR`
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Print JSON in place of tables
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the server
    Serve(serve::Serve),
    /// Make the first organization and its administrator; prints a management token
    Setup(setup::Setup),
    /// Issue, see, change and end keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Make, see, change and delete applications, which own keys
    #[command(subcommand)]
    Application(application::ApplicationCommand),
    /// Make, see, change and delete API users, who sign in under applications
    #[command(subcommand)]
    ApiUser(api_user::ApiUserCommand),
    /// Make, see, change and delete types of applications
    #[command(subcommand)]
    ApplicationType(application::ApplicationTypeCommand),
    /// Take over what another system has
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Make, see, change, lock and remove users
    #[command(subcommand)]
    User(user::UserCommand),
    /// Make, see, change and delete roles: what users may do
    #[command(subcommand)]
    Role(role::RoleCommand),
    /// Make, see and change organizations
    #[command(subcommand)]
    Organization(organization::OrganizationCommand),
    /// Import, see, change and share APIs
    #[command(subcommand)]
    Api(api::ApiCommand),
    /// See and change the rules for keys: how long they live, when they go idle, how many there may be
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Make, see and change sets of operations, and apply templates of sets
    #[command(subcommand)]
    ApiSet(api_set::ApiSetCommand),
    /// See what was done, export it, and prove that nothing of it is missing
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Write a backup of the running server's installation
    Backup(backup::Backup),
    /// Fill an empty database with a backup, while no server runs
    Restore(restore::Restore),
    /// Change the secret that opens the key ring
    #[command(subcommand)]
    MasterSecret(master_secret::MasterSecretCommand),
    /// See the servers on this database, and forget one that is lost
    #[command(subcommand)]
    Node(node::NodeCommand),
    /// Explain whether a request would pass
    Check(check::Check),
    /// See the configuration in force, and its schema
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Print the version and its commit
    Version,
    /// Print a completion script
    Completions(completions::Completions),
    /// Print an OpenAPI document
    #[command(subcommand, hide = true)]
    Openapi(openapi::OpenapiCommand),
}

/// Runs the command that the process was started with.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let output = Output::new(cli.global.json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output.failure(&Failure::usage(format!("cannot start a runtime: {error}"))),
    };
    match runtime.block_on(cli.run(output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output.failure(&failure),
    }
}

// === impl Cli ===

impl Cli {
    async fn run(self, output: Output) -> Result<(), Failure> {
        let Self { global, command } = self;
        match command {
            Command::Serve(serve) => serve.run(&global, output).await,
            Command::Setup(setup) => setup.run(&global, output).await,
            Command::Key(key) => key.run(&global.client()?, output).await,
            Command::ApiUser(command) => command.run(&global.client()?, output).await,
            Command::Application(command) => command.run(&global.client()?, output).await,
            Command::ApplicationType(command) => command.run(&global.client()?, output).await,
            Command::Import(import) => import.run(&global.client()?, output).await,
            Command::User(user) => user.run(&global, output).await,
            Command::Role(role) => role.run(&global.client()?, output).await,
            Command::Organization(organization) => organization.run(&global.client()?, output).await,
            Command::Api(api) => api.run(&global.client()?, output).await,
            Command::Policy(policy) => policy.run(&global.client()?, output).await,
            Command::ApiSet(set) => set.run(&global.client()?, output).await,
            Command::Audit(audit) => audit.run(&global.client()?, output).await,
            Command::Backup(backup) => backup.run(&global.client()?, output).await,
            Command::Restore(restore) => restore.run(&global, output).await,
            Command::MasterSecret(command) => command.run(&global, output).await,
            Command::Node(node) => node.run(&global.client()?, output).await,
            Command::Check(check) => check.run(&global.client()?, output).await,
            Command::Config(config) => config.run(&global, output),
            Command::Version => version::run(output),
            Command::Completions(completions) => completions.run(output),
            Command::Openapi(openapi) => openapi.run(output),
        }
    }
}

// === impl Global ===

impl Global {
    /// The configuration in force: file, variables, command line.
    fn config(&self) -> Result<Config, Failure> {
        let sources = Sources { file: self.config.clone(), variables: variables()?, data_dir: self.data.clone() };
        claviger_server::config::load(&sources).map_err(Failure::usage)
    }

    /// A client of the server that a link leads to, without any token but `CLAVIGER_TOKEN`.
    fn client_at(url: &str) -> Result<Client, Failure> {
        Client::new(&client::Access::at(url, &variables()?)?)
    }

    /// The client of the management API, by `CLAVIGER_URL` and `CLAVIGER_TOKEN` or by the data directory.
    fn client(&self) -> Result<Client, Failure> {
        Client::new(&client::Access::find(&self.config()?, &variables()?)?)
    }
}

/// The process's variables of ours; one that is no text is an error, not a silence.
fn variables() -> Result<Vec<(String, String)>, Failure> {
    std::env::vars_os()
        .filter_map(|(name, text)| Some((name.into_string().ok().filter(|name| name.starts_with("CLAVIGER_"))?, text)))
        .map(|(name, text)| match text.into_string() {
            Ok(text) => Ok((name, text)),
            Err(_) => Err(Failure::usage(format!("{name}: expected UTF-8"))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_contract_is_read() {
        for line in [
            "claviger serve",
            "claviger serve --config a.toml --data d --demo",
            "claviger setup --organization Acme --email a@b.c --password-stdin --json",
            "claviger key create --name n --api-set issues --operation github:issues/get --ip 10.0.0.0/8",
            "claviger key list --state active --json",
            "claviger key show key_1",
            "claviger key edit key_1 --name other --clear allowed_ips",
            "claviger key disable key_1 --reason leaked",
            "claviger key enable key_1",
            "claviger key rotate key_1 --overlap-seconds 3600",
            "claviger key delete key_1",
            "claviger key create --name n --shape pair --api-set issues",
            "claviger key create --name n --application portal --import-file value --api-set issues",
            "claviger key import keys.jsonl --dry-run",
            "claviger import yetiforce --dump dump.sql --installation-key-file k --profile 7=ada@example.com --dry-run",
            "claviger import yetiforce --dump - --encryption-pass-file p --encryption-vector-file v --type Portal=portal",
            "claviger import yetiforce --dump dump.sql --profiles-file profiles --profiles-by-email --json",
            "claviger key reveal key_1",
            "claviger key lookup --credential-file f",
            "claviger application-type create --name Partner --api-set issues",
            "claviger application-type list",
            "claviger application create --name Portal --type partner --ip 10.0.0.0/8",
            "claviger application list --type partner --active true",
            "claviger application edit portal --public-url https://portal.example.com",
            "claviger application disable portal --reason audit",
            "claviger application delete portal",
            "claviger api import github.json --slug github",
            "claviger api import v72.yaml --slug checkout --version v72 --dry-run",
            "claviger api list",
            "claviger key create --name n --api-set a --expires-at 2030-01-31 --not-before 2029-01-01 --idle-exempt",
            "claviger key edit key_1 --expires-at 2020-01-01 --expire-now --idle-exempt false",
            "claviger policy show --json",
            "claviger policy edit --max-lifetime organization=1y --idle-days 30 --dry-run",
            "claviger api show github",
            "claviger api operations github --text issues",
            "claviger api edit mail --host a.example.com --test-host t.example.com --base-path /api --version v1 --version v2",
            "claviger api delete mail --dry-run",
            "claviger api import https://example.com/openapi.yaml --slug mail",
            "claviger api list --shared",
            "claviger api edit mail --shared-with all --shared-full-access true --report-only true",
            "claviger api edit mail --shared-with org_1 --shared-with org_2 --preflight-without-key false",
            "claviger api edit mail --credential-source bearer --credential-source X-Api-Key",
            "claviger organization list --limit 10",
            "claviger organization create --name Bravo --email a@b.c --slug bravo",
            "claviger organization make-default org_1",
            "claviger organization show --json",
            "claviger organization edit --time-zone Europe/Warsaw --ip 203.0.113.0/24 --ip 2001:db8::/32",
            "claviger api-set create --name Issues --operation github:issues/* --operation !github:issues/lock@v3",
            "claviger api-set list --api github --kind plain",
            "claviger api-set show issues",
            "claviger api-set limits issues",
            "claviger key limits key_00000000000000000000000000",
            "claviger application limits portal",
            "claviger api-set edit issues --operation github:issues/get --clear apis",
            "claviger api-set delete issues",
            "claviger api-set templates",
            "claviger api-set apply yespo --api mail --dry-run",
            "claviger audit list --action key.* --object key_1 --actor operator --after 2026-01-01T00:00:00Z",
            "claviger audit export --format csv --output audit.csv --chain installation",
            "claviger audit verify",
            "claviger audit verify --head 5:00 --chain organization",
            "claviger audit verify --export audit.jsonl --json",
            "claviger backup claviger.backup --force",
            "claviger backup -",
            "claviger restore claviger.backup --json",
            "claviger master-secret rotate",
            "claviger master-secret rotate --new-secret-file -",
            "claviger node list --json",
            "claviger node forget nod_1",
            "claviger check --method GET --path /a --ip 10.0.0.1 --api github",
            "claviger config show",
            "claviger config schema",
            "claviger openapi control",
            "claviger openapi doors",
            "claviger completions bash",
            "claviger version --json",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_ok(), "{line}");
        }
    }

    #[test]
    fn a_secret_is_no_argument() {
        for line in [
            "claviger setup --organization A --email a@b.c --password hunter2",
            "claviger key lookup clv_live_x",
            "claviger key create --name n --import sk-0123456789abcdefghij",
            "claviger check --credential clv_live_x --method GET --path /",
            "claviger key list --token x",
            "claviger import yetiforce --dump dump.sql --encryption-pass x",
            "claviger import yetiforce --dump dump.sql --installation-key x",
            "claviger master-secret rotate --new-secret x",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn a_rotation_asks_for_its_overlap() {
        let error = Cli::try_parse_from(["claviger", "key", "rotate", "key_1"]).expect_err("no overlap");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("--overlap-seconds"));
    }
}
