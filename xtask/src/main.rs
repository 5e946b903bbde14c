//! `cargo xtask`: the checks, tests and benchmarks of the workspace, each one command.

mod check;
mod clients;
mod cluster;
mod edges;
mod generated;
mod gitleaks;
mod packages;
mod pictures;
mod postgres;
mod previous;
mod rows;
mod test;
mod traefik;
mod wheels;
mod workspace;

use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// What every step returns: `Ok`, or one sentence on what went wrong.
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Checks, tests and benchmarks of the workspace.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that needs no test run: formatting, lints, documents, licences, unused dependencies, edges, rows, generated files
    Check,
    /// Fail on a dependency between crates that ARCHITECTURE.md does not allow
    Edges,
    /// Write the generated files anew
    Generated {
        /// Only tell whether they are fresh
        #[arg(long)]
        check: bool,
    },
    /// Fail on an acceptance row of e2e/rows.txt that no test names
    Rows,
    /// Install what the tests need: packages as root or by `sudo`, and wheels under `target`
    Install,
    /// Install what the tests need, check, and run all tests against an own PostgreSQL
    Test {
        /// Leave the checks out
        #[arg(long)]
        no_check: bool,
        /// Arguments for `cargo test --workspace`, after `--`
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Run a command with a temporary PostgreSQL in `CLAVIGER_TEST_POSTGRES_URL`: `cargo xtask postgres -- cargo test -p claviger-store`
    Postgres {
        /// The command and its arguments, after `--`
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Build Traefik, which takes minutes and 5 GB, and run the gateways' cases with it
    Traefik {
        /// Arguments for the test binary, after `--`
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Build gitleaks, which takes minutes, and have it find keys by the rules that the server gives
    Gitleaks {
        /// Arguments for the test binary, after `--`
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Build the TypeScript client and run its own tests
    Clients,
    /// Make the pictures of README and docs anew, in `docs/images`
    Pictures,
    /// Run the benchmark: `cargo xtask bench -- --help`
    Bench {
        /// Arguments for the benchmark
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result {
    let workspace = Workspace::read()?;
    match command {
        Command::Check => check::run(&workspace),
        Command::Edges => edges::run(&workspace),
        Command::Generated { check } => generated::run(&workspace, check),
        Command::Rows => rows::run(&workspace),
        Command::Install => install(&workspace),
        Command::Test { no_check, arguments } => test::run(&workspace, !no_check, &arguments),
        Command::Traefik { arguments } => traefik::run(&workspace, &arguments),
        Command::Gitleaks { arguments } => gitleaks::run(&workspace, &arguments),
        Command::Clients => clients::run(&workspace),
        Command::Pictures => pictures::run(&workspace),
        Command::Postgres { command } => postgres::run(&command),
        Command::Bench { arguments } => workspace::succeed(
            workspace.cargo(["run", "--release", "--package", "claviger-bench", "--"]).args(arguments),
        ),
    }
}

/// Everything that the tests start and that is not built here.
fn install(workspace: &Workspace) -> Result {
    packages::install_missing()?;
    wheels::install_missing(workspace)
}
