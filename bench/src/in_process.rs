//! The engine alone: what a load takes, what a key takes, what a decision takes.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use claviger_domain::OrganizationId;
use claviger_domain::change::{Change, Object};
use claviger_domain::ip_list::{IpEntries, MAX_IP_ENTRIES};
use claviger_domain::key::Key;
use claviger_domain::limit::{Limit, LimitKind, Rate, Scope};
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;
use claviger_engine::{Engine, Presented, Provider, Question, RequestLine};
use claviger_server::clock::{OsRandom, SystemClock};
use claviger_server::open_store::OpenStore;
use claviger_store::{Store, organizations};

use crate::conditions::pin;
use crate::credentials::Credentials;
use crate::fixture::{API, CLIENT_IP, Fixture, addresses, runtime};
use crate::load::thread_time;
use crate::process::resident_bytes;
use crate::report::{self, Figure, median};
use crate::{Arguments, Result, storm};

/// Loads of which the median is told.
const LOADS: usize = 3;
/// Credentials drawn at once: they fit the second cache.
const DRAWN: usize = 1_000;
/// Draws of a batch.
const DRAWS: usize = 100;
/// Batches of which the median is told.
const BATCHES: usize = 20;
const UNKNOWN: u64 = 100_000;

/// Where the budgets of speed.md are: at a million keys.
const KEYS_OF_BUDGETS: u64 = 1_000_000;

/// A loaded engine and what that took.
pub struct Loaded {
    /// Full.
    pub engine: Arc<Engine>,
    organization: OrganizationId,
    took: Duration,
    resident_bytes: u64,
}

/// What each key has in the place of what stands in the fixture.
#[derive(Debug, Default)]
pub struct Instead {
    addresses: Option<IpEntries>,
    limits: Vec<Limit>,
}

/// Credentials drawn at random, with equal chances.
pub struct Draws {
    state: u64,
    drawn: Vec<u8>,
}

/// Measures and prints.
pub fn run(arguments: &Arguments) -> Result {
    let fixture = arguments.fixture()?;
    fixture.prepare()?;
    let mut figures = Vec::new();
    let scale = arguments.keys.max(KEYS_OF_BUDGETS) as f64 / KEYS_OF_BUDGETS as f64;
    let runtime = runtime()?;
    let first = runtime.block_on(load(&fixture, Instead::default()))?;
    let memory = first.resident_bytes as f64 / arguments.keys as f64;
    figures.push(figure("memory a key", memory, "bytes", 0, Some(160.0)));
    let mut times = vec![first.took.as_secs_f64()];
    for _ in 1..LOADS {
        times.push(runtime.block_on(load(&fixture, Instead::default()))?.took.as_secs_f64());
    }
    figures.push(figure("load from SQLite", median(times), "s", 2, Some(2.0 * scale)));
    if let Some(postgres) = arguments.postgres_fixture()? {
        postgres.prepare()?;
        let took = runtime.block_on(load(&postgres, Instead::default()))?.took.as_secs_f64();
        figures.push(figure("load from PostgreSQL", took, "s", 2, Some(3.0 * scale)));
    }
    let addresses_instead = Instead { addresses: Some(addresses(MAX_IP_ENTRIES as u16)?.into()), ..Instead::default() };
    let long = runtime.block_on(load(&fixture, addresses_instead))?;
    let limited = |limits| runtime.block_on(load(&fixture, Instead { limits, ..Instead::default() }));
    let (one_limit, three_limits) = (limited(rates(1)?)?, limited(rates(3)?)?);
    drop(runtime);
    pin(arguments.server_core)?;
    let budget = if arguments.keys > KEYS_OF_BUDGETS { 1_100.0 } else { 800.0 };
    let unknown = Credentials::unknown(UNKNOWN);
    let known = Credentials::known(arguments.keys);
    let workloads = [
        ("a decision, full policy, random keys", &known, Code::Valid, Some(budget)),
        ("a decision, unknown key", &unknown, Code::NotFound, None),
        ("a decision, bad checksum", &unknown.clone().with_bad_checksums(), Code::Malformed, None),
    ];
    for (what, credentials, code, budget) in workloads {
        figures.push(figure(what, decide(&first, credentials, code)?, "ns", 0, budget));
    }
    let what = "a decision, full policy, random keys, 10,000 addresses";
    figures.push(figure(what, decide(&long, &known, Code::Valid)?, "ns", 0, Some(budget)));
    drop(long);
    for (what, limited) in [("one limit a key", &one_limit), ("three limits a key", &three_limits)] {
        let what = format!("a decision, full policy, random keys, {what}");
        figures.push(figure(&what, decide(limited, &known, Code::Valid)?, "ns", 0, Some(budget)));
    }
    drop((one_limit, three_limits));
    figures.extend(storm::run(arguments, &fixture, &first, &known)?);
    println!("## In process, one thread; decisions in processor time\n\n{}", report::figures(&figures));
    Ok(())
}

/// Loads a new engine, as the server does at its start; with `instead` in the place of what keys have.
async fn load(fixture: &Fixture, instead: Instead) -> Result<Loaded> {
    let OpenStore { store, keyring, data_dir: _lock } = fixture.open().await?;
    let organization = organizations::default(&mut *store.read().await?).await?.ok_or("no organization")?.id;
    let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(OsRandom));
    let engine = Arc::new(Engine::new(claviger_engine::Config::default(), keyring.pepper().clone(), clock, random));
    let (begin, before) = (Instant::now(), resident_bytes("self")?);
    fill(&engine, &store, instead).await?;
    let took = begin.elapsed();
    store.close().await;
    let resident_bytes = resident_bytes("self")?.saturating_sub(before);
    Ok(Loaded { engine, organization, took, resident_bytes })
}

/// Loads an engine, whatever it holds.
pub async fn fill(engine: &Arc<Engine>, store: &Store, instead: Instead) -> Result {
    let mut feed = store.feed();
    let mut loader = engine.begin_load();
    let add = |mut changes: Vec<Change>| {
        for change in &mut changes {
            if let Some(Object::Key(key)) = &mut change.now {
                instead.put(key);
            }
        }
        loader.add(changes);
    };
    let position = feed.load(add, |_| {}).await?;
    loader.finish(position);
    Ok(())
}

/// Nanoseconds of processor time of a decision: the median of batches. Usage is taken out between them, as the server does
/// each second.
fn decide(loaded: &Loaded, credentials: &Credentials, code: Code) -> Result<f64> {
    let mut draws = Draws::new();
    let mut times = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let mut time = Duration::ZERO;
        for _ in 0..DRAWS {
            // A door has the credential at hand when it asks; fetching it from a list of millions is no part of a decision.
            time += decide_each(loaded, draws.draw(credentials, DRAWN), code)?;
        }
        times.push(time.as_secs_f64() * 1e9 / (DRAWS * DRAWN) as f64);
        while !loaded.engine.drain_usage().keys.is_empty() {}
    }
    Ok(median(times))
}

/// The processor time of deciding on each credential.
pub fn decide_each<'c>(loaded: &Loaded, credentials: impl Iterator<Item = &'c [u8]>, code: Code) -> Result<Duration> {
    let (client_ip, request_id) = (CLIENT_IP.parse().ok(), loaded.engine.new_request_id());
    let request = Some(RequestLine {
        method: "GET",
        target: "/repos/octocat/hello-world/issues/1347/comments?per_page=100",
        host: Some("api.github.com"),
        method_overrides: &[],
    });
    let provider = Provider { organization: loaded.organization };
    let begin = thread_time();
    for credential in credentials {
        let question = Question {
            provider,
            credentials: &Presented::new().with_x_api_key(credential),
            client_ip,
            request,
            pin: Some(API),
            requires: &[],
            cost: 1,
            preflight: false,
            door: Door::Verify,
            agent: None,
            request_id,
        };
        let decided = loaded.engine.decide(black_box(&question)).code;
        if decided != code {
            return Err(format!("a decision was {}, not {}", decided.as_str(), code.as_str()).into());
        }
    }
    Ok(thread_time().saturating_sub(begin))
}

/// So many rates that are never reached.
fn rates(count: usize) -> Result<Vec<Limit>> {
    let rate = |number| -> Result<Limit> {
        let kind = LimitKind::Rate(Rate { limit: 1_000_000_000, window_seconds: 60, burst: 1_000_000_000 });
        Ok(Limit { name: format!("rate-{number}").parse()?, kind, cost: 1, scope: Scope::Key })
    };
    (0..count).map(rate).collect()
}

// === impl Instead ===

impl Instead {
    fn put(&self, key: &mut Key) {
        if let Some(addresses) = &self.addresses {
            key.allowed_ips.clone_from(addresses);
        }
        if !self.limits.is_empty() {
            key.limits.clone_from(&self.limits);
        }
    }
}

// === impl Draws ===

impl Draws {
    /// From the same beginning each time.
    pub fn new() -> Self {
        Self { state: 0x9e37_79b9_7f4a_7c15, drawn: Vec::new() }
    }

    /// So many, one behind the other.
    pub fn draw(&mut self, credentials: &Credentials, count: usize) -> impl Iterator<Item = &[u8]> {
        self.drawn.clear();
        for _ in 0..count {
            // xorshift64 (G. Marsaglia, "Xorshift RNGs", 2003).
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            self.drawn.extend_from_slice(credentials.get(self.state % credentials.count()));
        }
        self.drawn.chunks_exact(credentials.length())
    }
}

fn figure(what: &str, value: f64, unit: &'static str, decimals: usize, budget: Option<f64>) -> Figure {
    Figure { what: what.to_owned(), value, unit, decimals, budget }
}
