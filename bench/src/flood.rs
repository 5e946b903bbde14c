//! The doors' load with and without a flood of sign-ins, from one address and from very many.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::client::Client;
use crate::conditions::pin;
use crate::fixture::Fixture;
use crate::load::{self, Run};
use crate::report::{self, Figure, median};
use crate::server::Server;
use crate::workloads::{Draws, Target, Workload};
use crate::{Arguments, Result};

/// Connections that try to sign in at once.
const FLOODERS: u64 = 48;
/// Tries before the next address has its turn: fewer than an address may make in a minute.
const TRIES_OF_AN_ADDRESS: u64 = 50;
/// How long the flood is there before it is measured.
const RISING: Duration = Duration::from_secs(1);

/// Where a flood comes from.
#[derive(Clone, Copy)]
enum From {
    OneAddress,
    ManyAddresses,
}

/// What a flood cost.
#[derive(Default)]
struct Cost {
    /// The rate in the flood by the one without.
    rate: Vec<f64>,
    /// The same of what the doors' thread does in a second of its processor time.
    capacity: Vec<f64>,
    p99_calm: Vec<f64>,
    p99_flood: Vec<f64>,
    /// Tries a second whose password was compared.
    compared: Vec<f64>,
    /// Tries a second that were turned away.
    turned_away: Vec<f64>,
}

/// Tries of a flood so far.
#[derive(Default)]
struct Tries {
    stop: AtomicBool,
    compared: AtomicU64,
    turned_away: AtomicU64,
}

/// Measures, and returns the part of the report.
pub fn run(arguments: &Arguments, fixture: &Fixture, program: &Path) -> Result<String> {
    let draws = Draws::new(arguments.keys);
    let mut server = Server::start(program, fixture, arguments.server_core)?;
    pin(arguments.generator_core)?;
    let workload = draws.forward(&Target { address: server.doors, server: server.processes()? });
    server.wait_until_ready(&workload)?;
    load::run(&workload, Duration::from_secs(1), None)?;
    let mut text = String::from(
        "## Sign-in flood\n\nThe door `authorize`, saturated, without and with 48 connections that try to sign in as somebody else \
         each time. The server has one core for all that it does, and the flood runs on the generator's.\n\n",
    );
    for (what, from) in [("one address", From::OneAddress), ("very many addresses", From::ManyAddresses)] {
        let cost = measure(arguments, &server, &workload, from)?;
        // Writing to a `String` never fails.
        let _ = write!(text, "### From {what}\n\n{}\n", report::figures(&cost.figures()));
    }
    Ok(text)
}

fn measure(arguments: &Arguments, server: &Server, workload: &Workload, from: From) -> Result<Cost> {
    let (mut cost, seconds) = (Cost::default(), Duration::from_secs(arguments.seconds.into()));
    for _ in 0..arguments.rounds {
        let calm = load::run(workload, seconds, None)?;
        let tries = Arc::new(Tries::default());
        let flooders: Vec<_> = (0..FLOODERS)
            .map(|number| {
                let (tries, control) = (Arc::clone(&tries), server.control);
                thread::spawn(move || flood(control, number, from, &tries))
            })
            .collect();
        thread::sleep(RISING);
        let before = tries.read();
        let flooded = load::run(workload, seconds, None)?;
        let after = tries.read();
        tries.stop.store(true, Ordering::Relaxed);
        for flooder in flooders {
            flooder.join().map_err(|_| "a flooder panicked")??;
        }
        let capacity = |run: &Run| 1.0 / (run.server_micros * (1.0 - run.beside_doors));
        cost.rate.push(flooded.rate / calm.rate);
        cost.capacity.push(capacity(&flooded) / capacity(&calm));
        cost.p99_calm.push(calm.p99_micros as f64);
        cost.p99_flood.push(flooded.p99_micros as f64);
        cost.compared.push((after.0 - before.0) as f64 / seconds.as_secs_f64());
        cost.turned_away.push((after.1 - before.1) as f64 / seconds.as_secs_f64());
        eprintln!("bench: {:.0} requests/s without a flood, {:.0} with it", calm.rate, flooded.rate);
    }
    Ok(cost)
}

/// Tries to sign in, each time as somebody else, until it is told to stop.
fn flood(control: SocketAddr, number: u64, from: From, tries: &Tries) -> Result {
    let (mut turn, runtime) = (0u64, tokio::runtime::Builder::new_current_thread().enable_io().build()?);
    while !tries.stop.load(Ordering::Relaxed) {
        let mut client = Client::connect_from(&runtime, address(from, number, turn), control)?;
        for _ in 0..TRIES_OF_AN_ADDRESS {
            let body = format!(r#"{{"login":"nobody-{number}-{turn}","password":"a password that nobody has"}}"#);
            turn += 1;
            let counted = match client.call("POST", "/api/v1/sign-in", &body)?.status {
                401 => &tries.compared,
                503 => &tries.turned_away,
                status => return Err(format!("a sign-in was answered with {status}").into()),
            };
            counted.fetch_add(1, Ordering::Relaxed);
            if tries.stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }
    Ok(())
}

/// Of the loopback network there are sixteen million.
fn address(from: From, number: u64, turn: u64) -> IpAddr {
    match from {
        From::OneAddress => Ipv4Addr::LOCALHOST.into(),
        From::ManyAddresses => {
            let place = (1 + number + FLOODERS * (turn / TRIES_OF_AN_ADDRESS)) % 0x00ff_fffe;
            Ipv4Addr::from_bits(0x7f00_0001 + place as u32).into()
        }
    }
}

// === impl Tries ===

impl Tries {
    fn read(&self) -> (u64, u64) {
        (self.compared.load(Ordering::Relaxed), self.turned_away.load(Ordering::Relaxed))
    }
}

// === impl Cost ===

impl Cost {
    fn figures(self) -> [Figure; 6] {
        let figure = |what: &str, values: Vec<f64>, unit, decimals| Figure {
            what: what.to_owned(),
            value: median(values),
            unit,
            decimals,
            budget: None,
        };
        [
            figure("the door's rate in the flood ÷ its rate without", self.rate, "", 2),
            figure("the same by the processor time of the doors' thread", self.capacity, "", 2),
            figure("p99 of the door without the flood", self.p99_calm, "µs", 0),
            figure("p99 of the door in the flood", self.p99_flood, "µs", 0),
            figure("tries a second whose password was compared", self.compared, "", 0),
            figure("tries a second that were turned away", self.turned_away, "", 0),
        ]
    }
}
