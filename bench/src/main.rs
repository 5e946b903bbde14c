//! `cargo xtask bench`: measures Claviger against a peer in the same run, and prints one Markdown report.
//!
//! The server is pinned to one core, the generator to the other; runs are interleaved, every answer is checked. What is
//! measured, and the budgets, are those of docs/benchmarks.md.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod client;
mod conditions;
mod console;
mod credentials;
mod crowd;
mod door_storm;
mod envoy;
mod fixture;
mod fleet;
mod flood;
mod gateway;
mod http2;
mod in_process;
mod limited;
mod load;
mod nginx;
mod nodes;
mod process;
mod proxy;
mod psql;
mod report;
mod rounds;
mod server;
mod start;
mod storm;
mod workloads;

use std::error::Error;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use clap::{Parser, ValueEnum};
use claviger_store::DatabaseUrl;

use crate::conditions::Conditions;
use crate::fixture::Fixture;

/// The allocator of the product, so that memory and decisions are measured as they are there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What most functions here return: `Ok`, or one sentence on what went wrong.
type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Measures Claviger against a peer in the same run, and prints a Markdown report.
#[derive(Parser)]
#[command(bin_name = "cargo xtask bench --")]
struct Arguments {
    /// Keys of the whole set
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    keys: u64,
    /// Entries of the list of addresses that all keys carry
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    ip_entries: u16,
    /// Interleaved rounds over HTTP
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    rounds: u16,
    /// Seconds of each run
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=600))]
    seconds: u16,
    /// Where the fixture is kept, to be used again; default: `bench-data` beside the program
    #[arg(long)]
    data: Option<PathBuf>,
    /// The server's program; default: built from this workspace
    #[arg(long)]
    server: Option<PathBuf>,
    /// An empty PostgreSQL database, or one that a run filled before: load and start are measured there too, and several nodes
    #[arg(long, env = "CLAVIGER_TEST_POSTGRES_URL")]
    postgres: Option<DatabaseUrl>,
    /// Parts to measure; default: all of them
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// The core of the servers
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    /// The core of the generator
    #[arg(long, default_value_t = 1)]
    generator_core: usize,
}

/// A part of the report.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Decisions and loads, without a network; decisions while keys change
    InProcess,
    /// The doors against nginx
    Http,
    /// Keys with limits and without
    Limits,
    /// nginx as a gateway, with and without the question to Claviger
    Gateway,
    /// A door with and without a flood of sign-ins
    SignIn,
    /// The pages of the console with 100,000 keys in SQLite
    Console,
    /// From the server's start to its first verdict, on each database
    Start,
    /// Three nodes on one PostgreSQL, which must be named: revocations, `?wait=all`, a door while keys change
    Nodes,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result {
    if arguments.only == [Part::InProcess] {
        return in_process::run(arguments);
    }
    let fixture = arguments.fixture()?;
    if !matches!(arguments.only[..], [Part::Console | Part::Limits]) {
        fixture.prepare()?;
    }
    let program = match &arguments.server {
        Some(program) => program.clone(),
        None => server::build()?,
    };
    println!("{}", Conditions::read(arguments, &program)?);
    if arguments.measures(Part::InProcess) {
        in_process_of_its_own(arguments)?;
    }
    if arguments.measures(Part::Http) {
        println!("{}", rounds::run(arguments, &fixture, &program)?);
    }
    if arguments.measures(Part::Limits) {
        println!("{}", limited::run(arguments, &program)?);
    }
    if arguments.measures(Part::Gateway) {
        println!("{}", gateway::run(arguments, &fixture, &program)?);
    }
    if arguments.measures(Part::SignIn) {
        println!("{}", flood::run(arguments, &fixture, &program)?);
    }
    if arguments.measures(Part::Console) {
        println!("{}", console::run(arguments, &program)?);
    }
    if arguments.measures(Part::Start) {
        println!("{}", start::run(arguments, &fixture, &program)?);
    }
    if arguments.measures(Part::Nodes) {
        match arguments.postgres_fixture()? {
            Some(postgres) => {
                postgres.prepare()?;
                println!("{}", nodes::run(arguments, &postgres, &program)?);
            }
            None if arguments.only.is_empty() => eprintln!("bench: no nodes without --postgres"),
            None => return Err("nodes need --postgres".into()),
        }
    }
    Ok(())
}

/// In a process of its own, so that nothing but the replica is in its memory.
fn in_process_of_its_own(arguments: &Arguments) -> Result {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--only", "in-process"]).arg("--data").arg(arguments.data()?);
    command.args(["--keys", &arguments.keys.to_string(), "--ip-entries", &arguments.ip_entries.to_string()]);
    if let Some(DatabaseUrl::Postgres(urls)) = &arguments.postgres {
        command.args(["--postgres", urls.first()]);
    }
    command.args(["--server-core", &arguments.server_core.to_string()]);
    let status = command.args(["--generator-core", &arguments.generator_core.to_string()]).status()?;
    if status.success() { Ok(()) } else { Err("the part in process failed".into()) }
}

// === impl Arguments ===

impl Arguments {
    fn fixture(&self) -> Result<Fixture> {
        Ok(Fixture::new(&self.data()?, self.keys, self.ip_entries, None))
    }

    fn postgres_fixture(&self) -> Result<Option<Fixture>> {
        let Some(url) = &self.postgres else { return Ok(None) };
        Ok(Some(Fixture::new(&self.data()?, self.keys, self.ip_entries, Some(url.clone()))))
    }

    /// Where fixtures are kept.
    fn data(&self) -> Result<PathBuf> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        let program = std::env::current_exe()?;
        Ok(program.parent().ok_or("the program stands in no folder")?.join("bench-data"))
    }

    fn measures(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}
