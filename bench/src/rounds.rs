//! The doors against nginx, interleaved.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::conditions::pin;
use crate::fixture::Fixture;
use crate::load;
use crate::nginx::{BODY_LENGTH, Nginx};
use crate::report::{self, Figure, Series, median};
use crate::server::Server;
use crate::workloads::{Draws, Target, Workload};
use crate::{Arguments, Result};

/// Before the first round: what is lazily made is there then.
const WARM_UP: Duration = Duration::from_secs(1);
/// The most that 99 % of the answers may take at half the saturating load, in microseconds.
const P99_MICROS_MAX: f64 = 500.0;

/// The most that tracking of usage may cost, in hundredths.
pub const USAGE_PERCENT_MAX: f64 = 3.0;

/// Measures, and returns the part of the report.
pub fn run(arguments: &Arguments, fixture: &Fixture, program: &Path) -> Result<String> {
    let draws = Draws::new(arguments.keys);
    let nginx = Nginx::return_200(&fixture.data_dir().with_extension("nginx"), arguments.server_core)?;
    let begin = Instant::now();
    let mut server = Server::start(program, fixture, arguments.server_core)?;
    pin(arguments.generator_core)?;
    let doors = Target { address: server.doors, server: server.processes()? };
    server.wait_until_ready(&draws.forward(&doors))?;
    let (started, resident) = (begin.elapsed(), server.resident_bytes()?);
    let workloads = [
        (draws.return_200(&Target { address: nginx.address, server: nginx.processes()? }, BODY_LENGTH), None),
        (draws.forward(&doors), Some(0.70)),
        (draws.nginx_door(&doors), Some(0.70)),
        (draws.verify(&doors), Some(0.70)),
        (draws.introspect(&doors), Some(0.70)),
        (draws.envoy_by_grpc(&doors), Some(0.70)),
        (draws.unknown_key(&doors), Some(0.80)),
        (draws.bad_checksum(&doors), Some(0.80)),
    ];
    let seconds = Duration::from_secs(arguments.seconds.into());
    let series = interleave(&workloads, arguments.rounds, seconds)?;
    let mut figures = at_half_load(&workloads, &series, seconds)?;
    let beside = median(series[1].runs.iter().map(|run| 100.0 * run.beside_doors));
    let what = "processor time that threads beside the doors' take meanwhile, writing of usage included: authorize";
    figures.push(Figure { decimals: 1, ..figure(what, beside, "%", Some(USAGE_PERCENT_MAX)) });
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let memory = |what: &str, bytes| figure(what, mebibytes(bytes), "MiB", None);
    let what = "from the server's start to its first verdict, on its one core";
    figures.push(Figure { decimals: 2, ..figure(what, started.as_secs_f64(), "s", None) });
    figures.push(memory("the server's memory before the first round", resident));
    figures.push(memory("the server's memory after the last one", server.resident_bytes()?));
    Ok(format!("## HTTP\n\n{}\n{}", report::ratios(&series), report::figures(&figures)))
}

/// Runs all workloads after each other, `rounds` times.
pub fn interleave(workloads: &[(Workload, Option<f64>)], rounds: u16, seconds: Duration) -> Result<Vec<Series>> {
    let mut series: Vec<_> = workloads
        .iter()
        .map(|(workload, budget)| Series { name: workload.name.to_owned(), runs: Vec::new(), budget: *budget })
        .collect();
    for (workload, _) in workloads {
        load::run(workload, WARM_UP, None)?;
    }
    for round in 1..=rounds {
        for ((workload, _), series) in workloads.iter().zip(&mut series) {
            let run = load::run(workload, seconds, None)?;
            eprintln!("bench: round {round}: {:.0} requests/s, {}", run.rate, workload.name);
            series.runs.push(run);
        }
    }
    Ok(series)
}

fn at_half_load(workloads: &[(Workload, Option<f64>)], series: &[Series], seconds: Duration) -> Result<Vec<Figure>> {
    let (mut figures, mut peer) = (Vec::new(), f64::NAN);
    for ((workload, budget), series) in workloads.iter().zip(series) {
        let half = median(series.runs.iter().map(|run| run.rate)) / 2.0;
        let run = load::run(workload, seconds, Some(half))?;
        let what = format!("p99 at half the load ({:.0} requests/s): {}", run.rate, workload.name);
        let p99 = run.p99_micros as f64;
        figures.push(figure(&what, p99, "µs", budget.map(|_| P99_MICROS_MAX)));
        match budget {
            None => peer = p99,
            Some(_) => {
                figures.push(Figure { decimals: 2, ..figure("the same ÷ nginx's in this run", p99 / peer, "", None) });
            }
        }
    }
    Ok(figures)
}

fn figure(what: &str, value: f64, unit: &'static str, budget: Option<f64>) -> Figure {
    Figure { what: what.to_owned(), value, unit, decimals: 0, budget }
}
