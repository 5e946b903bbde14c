//! `claviger restore`: fills an empty database with a backup, while no server runs.

use std::fs::File;
use std::io::{BufReader, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use claviger_domain::keyring::Keyring;
use claviger_domain::{Clock, Random, RequestId};
use claviger_manage::Ctx;
use claviger_manage::backup::restored;
use claviger_server::clock::{OsRandom, SystemClock};
use claviger_server::config::Config;
use claviger_server::data_dir::{DataDir, DataDirError};
use claviger_server::master_secret::{Place, open_ring_of_backup};
use claviger_server::open_store::store_settings;
use claviger_server::{StartError, logging};
use claviger_store::Database;
use claviger_store::backup::{Backup, Header, RestoreError};
use serde_json::json;

use super::Global;
use super::failure::Failure;
use super::output::Output;
use super::progress::Progress;

/// A server whose heartbeat stands still for so long is taken for dead: more than three times its period.
const NODE_PATIENCE: Duration = Duration::from_secs(4);

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup; - for standard input
    file: PathBuf,
}

/// A backup that was found whole, and the ring that it opens with.
struct Checked {
    file: File,
    header: Header,
    ring: Keyring,
}

// === impl Restore ===

impl Restore {
    pub(super) async fn run(&self, global: &Global, output: Output) -> Result<(), Failure> {
        let config = global.config()?;
        logging::start(&config.log);
        let data_dir = hold(&config)?;
        let config = Config { data_dir: data_dir.path().to_owned(), ..config };
        let mut checked = self.check(&config, &data_dir)?;
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock::new()), Arc::new(OsRandom));
        let ctx = Ctx::operator(RequestId::new(clock.now(), &*random), clock.now());
        let database = Database::open(store_settings(&config), clock, random).await.map_err(StartError::from)?;
        let result = match no_node_runs(&database).await {
            Ok(()) => fill(&database, &mut checked, &ctx).await,
            refused => refused,
        };
        database.close().await;
        result?;
        tell(output, &checked.header)
    }

    /// Reads the whole file before anything is written.
    fn check(&self, config: &Config, data_dir: &DataDir) -> Result<Checked, Failure> {
        let mut file = self.open(data_dir)?;
        let backup = Backup::open(BufReader::new(&file)).map_err(|error| self.refused(&error))?;
        let header = backup.header().clone();
        let place = Place::of(config, data_dir.path());
        let ring = open_ring_of_backup(&place, &header.keyring).map_err(Failure::usage)?;
        let mut progress = Progress::of(header.row_count(), "checking", "rows");
        backup.check(Some(ring.audit()), |done| progress.set(done.rows)).map_err(|error| self.refused(&error))?;
        file.rewind().map_err(|error| self.unreadable(&error))?;
        Ok(Checked { file, header, ring })
    }

    /// The file; what comes by standard input is put on the disk first, because it is read twice.
    fn open(&self, data_dir: &DataDir) -> Result<File, Failure> {
        if self.file != Path::new("-") {
            return File::open(&self.file).map_err(|error| self.unreadable(&error));
        }
        let unreadable = |error| self.unreadable(&error);
        let mut file = tempfile::tempfile_in(data_dir.path()).map_err(unreadable)?;
        std::io::copy(&mut std::io::stdin().lock(), &mut file).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        Ok(file)
    }

    fn unreadable(&self, error: &std::io::Error) -> Failure {
        Failure::usage(format!("cannot read {}: {error}", self.file.display()))
    }

    fn refused(&self, error: &RestoreError) -> Failure {
        Failure::refused(format!("{}: {error}; nothing was changed", self.file.display()))
    }
}

/// Takes the data directory, which a running server holds.
fn hold(config: &Config) -> Result<DataDir, Failure> {
    DataDir::open(&config.data_dir).map_err(|error| match error {
        DataDirError::Locked { .. } => Failure::usage(format!("{error}. A backup is restored while no server runs")),
        error => Failure::usage(error),
    })
}

/// Servers of other data directories work on the same database where that is PostgreSQL.
async fn no_node_runs(database: &Database) -> Result<(), Failure> {
    let running = database.running_nodes(NODE_PATIENCE).await.map_err(StartError::from)?;
    let Some(node) = running.first() else { return Ok(()) };
    Err(Failure::usage(format!(
        "a server runs on this database: {} on {}. A backup is restored while no server runs; nothing was changed",
        node.own.id, node.own.host
    )))
}

async fn fill(database: &Database, checked: &mut Checked, ctx: &Ctx) -> Result<(), Failure> {
    let refused = |error: RestoreError| match error {
        RestoreError::Store(claviger_store::Error::Unknown) => Failure::unreachable(
            "the connection was lost at the end: look with `claviger serve` whether it is all there",
        ),
        RestoreError::Store(error) => {
            Failure::usage(format!("the database cannot be filled: {error}; nothing was changed"))
        }
        error => Failure::refused(format!("{error}; nothing was changed")),
    };
    let backup = Backup::open(BufReader::new(&checked.file)).map_err(refused)?;
    let entry = restored(ctx, &checked.header);
    let mut progress = Progress::of(checked.header.row_count(), "restoring", "rows");
    database.restore(backup, checked.ring.audit(), &entry, |done| progress.set(done.rows)).await.map_err(refused)?;
    Ok(())
}

fn tell(output: Output, header: &Header) -> Result<(), Failure> {
    let rows = |table: &str| header.rows.get(table).copied().unwrap_or_default();
    if output.is_json() {
        return output.value(&json!({
            "made_at": header.made_at, "change": header.position().to_string(), "epoch": header.epoch + 1,
            "organizations": rows("organizations"), "keys": rows("keys"), "rows": header.row_count(),
        }));
    }
    output.text(format_args!(
        "Restored the backup of {}: {} organizations, {} keys, {} rows.",
        header.made_at,
        rows("organizations"),
        rows("keys"),
        header.row_count()
    ))?;
    eprintln!(
        "Everything that was done after {} is undone: a key that was disabled, deleted, rotated or restricted since then \
         works as it did then. Do again what was revoked since, before you start the server where clients can reach it.",
        header.made_at
    );
    Ok(())
}
