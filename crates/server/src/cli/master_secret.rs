//! `claviger master-secret …`: on the server's machine, whether the server runs or not.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};
use claviger_domain::keyring::MasterSecret;
use claviger_domain::{Clock, Random, RequestId};
use claviger_manage::Ctx;
use claviger_server::clock::{OsRandom, SystemClock};
use claviger_server::config::Config;
use claviger_server::data_dir::{DataDir, DataDirError};
use claviger_server::master_secret::Place;
use claviger_server::master_secret::rotation::{Rotated, RotationError, rotate};
use claviger_server::open_store::store_settings;
use claviger_server::{StartError, logging};
use claviger_store::{Database, DatabaseUrl};
use serde_json::json;
use zeroize::Zeroizing;

use super::Global;
use super::failure::Failure;
use super::input::read_bounded;
use super::output::Output;

/// The most bytes of a file with a master secret.
const FILE_BYTES_MAX: usize = 4_096;

#[derive(Debug, Subcommand)]
pub(super) enum MasterSecretCommand {
    /// Put the key ring under a new master secret, and the new one in the place of the old
    Rotate(Rotate),
}

#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// The file that holds the new master secret, - for standard input; without it a new one is made
    #[arg(long, value_name = "FILE")]
    new_secret_file: Option<PathBuf>,
}

// === impl MasterSecretCommand ===

impl MasterSecretCommand {
    pub(super) async fn run(&self, global: &Global, output: Output) -> Result<(), Failure> {
        match self {
            Self::Rotate(command) => command.run(global, output).await,
        }
    }
}

// === impl Rotate ===

impl Rotate {
    async fn run(&self, global: &Global, output: Output) -> Result<(), Failure> {
        let given = self.new_secret_file.as_deref().map(read_secret).transpose()?;
        let config = global.config()?;
        logging::start(&config.log);
        check_there(&config)?;
        // Nobody starts meanwhile; a server that runs needs no file any more.
        let _held = match DataDir::open(&config.data_dir) {
            Err(DataDirError::Locked { .. }) => None,
            held => Some(held.map_err(Failure::usage)?),
        };
        let place = Place::of(&config, &config.data_dir);
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock::new()), Arc::new(OsRandom));
        let ctx = Ctx::operator(RequestId::new(clock.now(), &*random), clock.now());
        let opened = Database::open(store_settings(&config), clock, Arc::clone(&random)).await;
        let database = opened.map_err(StartError::from)?;
        let rotated = rotate(database, &place, given, &ctx, &*random).await.map_err(refused)?;
        tell(output, &rotated)
    }
}

/// A wrong path must not make a database.
fn check_there(config: &Config) -> Result<(), Failure> {
    match config.database_url() {
        DatabaseUrl::Sqlite(file) if !file.exists() => {
            Err(Failure::usage(format!("there is no database at {}: name its directory with --data", file.display())))
        }
        _ => Ok(()),
    }
}

fn read_secret(path: &Path) -> Result<MasterSecret, Failure> {
    let bytes = Zeroizing::new(read_bounded(path, FILE_BYTES_MAX)?);
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    MasterSecret::parse(text).map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn refused(error: RotationError) -> Failure {
    match error {
        RotationError::Refused(_) => Failure::refused(error),
        RotationError::Unknown => Failure::unreachable(error),
        error => Failure::usage(error),
    }
}

fn tell(output: Output, rotated: &Rotated) -> Result<(), Failure> {
    let (file, done) = match rotated {
        Rotated::File(file) => (Some(file), "The key ring is under a new master secret"),
        Rotated::Finished(file) => (Some(file), "A rotation that had been interrupted is finished"),
        Rotated::Variable => (None, "The key ring is under the new master secret"),
    };
    if output.is_json() {
        let finished = matches!(rotated, Rotated::Finished(_));
        return output.value(&json!({"file": file, "finished_earlier": finished}));
    }
    match file {
        Some(file) => output.text(format_args!("{done}, which is in {}.", file.display()))?,
        None => output.text(format_args!("{done}: set CLAVIGER_MASTER_SECRET to it before the next start."))?,
    }
    eprintln!(
        "Servers that run go on with the ring in memory. Every machine of this database needs the new secret before its \
         next start. Keep the old one as long as you keep backups from before: they open with it."
    );
    Ok(())
}
