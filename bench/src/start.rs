//! From a server's start to its first verdict, on all cores, as it is installed.

use std::fs::File;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Instant;

use rustix::fs::{Advice, fadvise};

use crate::fixture::Fixture;
use crate::report::{self, Figure, median};
use crate::server::{Place, Server};
use crate::workloads::{Draws, Target};
use crate::{Arguments, Result};

/// Starts of which the median is told.
const STARTS: usize = 3;
/// The most that it may take for a million keys, in seconds: SQLite, PostgreSQL (speed.md).
const SECONDS_MAX: [f64; 2] = [2.0, 3.0];
const KEYS_OF_BUDGETS: u64 = 1_000_000;

/// Measures, and returns the part of the report.
pub fn run(arguments: &Arguments, fixture: &Fixture, program: &Path) -> Result<String> {
    let draws = Draws::new(arguments.keys);
    let scale = arguments.keys.max(KEYS_OF_BUDGETS) as f64 / KEYS_OF_BUDGETS as f64;
    let mut figures = Vec::new();
    let mut figure = |what: &str, value, unit, budget| {
        figures.push(Figure { what: what.to_owned(), value, unit, decimals: 2, budget });
    };
    let warm = (0..STARTS).map(|_| start(program, fixture, &draws)).collect::<Result<Vec<_>>>()?;
    let (seconds, resident) = warm.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
    let budget = Some(SECONDS_MAX[0] * scale);
    figure("SQLite, its file in memory: to the first verdict", median(seconds), "s", budget);
    figure("the server's memory then", median(resident), "MiB", None);
    forget(&fixture.data_dir().join("claviger.db"))?;
    figure("SQLite, its file on the disk alone", start(program, fixture, &draws)?.0, "s", None);
    if let Some(postgres) = arguments.postgres_fixture()? {
        postgres.prepare()?;
        let starts = (0..STARTS).map(|_| start(program, &postgres, &draws)).collect::<Result<Vec<_>>>()?;
        let (seconds, resident) = starts.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        figure(
            "PostgreSQL on the same machine: to the first verdict",
            median(seconds),
            "s",
            Some(SECONDS_MAX[1] * scale),
        );
        figure("the server's memory then", median(resident), "MiB", None);
    }
    Ok(format!("## Start, {} keys\n\n{}", arguments.keys, report::figures(&figures)))
}

/// Seconds, and the server's memory at the end of them in mebibytes.
fn start(program: &Path, fixture: &Fixture, draws: &Draws) -> Result<(f64, f64)> {
    let cores = format!("0-{}", available_parallelism()?.get() - 1);
    let begin = Instant::now();
    let place = Place { data_dir: fixture.data_dir(), fixture, url: None, cores: &cores, socket: None };
    let mut server = Server::start_at(program, &place)?;
    server.wait_until_ready(&draws.forward(&Target { address: server.doors, server: server.processes()? }))?;
    let seconds = begin.elapsed().as_secs_f64();
    Ok((seconds, server.resident_bytes()? as f64 / f64::from(1 << 20)))
}

/// Takes a file out of the system's memory.
fn forget(file: &Path) -> Result {
    let file = File::open(file)?;
    file.sync_all()?;
    Ok(fadvise(&file, 0, None, Advice::DontNeed)?)
}
