//! A door of a node on PostgreSQL while keys change, and while the node loads everything anew.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::conditions::pin;
use crate::fixture::{Fixture, manager_token};
use crate::load::{self, Run};
use crate::report::{self, Figure, median};
use crate::server::Server;
use crate::workloads::{Draws, Target, Workload};
use crate::{Arguments, Result, psql};

/// Calm and storm after each other, so often.
const ROUNDS: usize = 3;
/// How long each lasts.
const SPELL: Duration = Duration::from_secs(4);
/// Longer than a spell by what starting takes.
const STORM_SECONDS: u64 = 6;
/// The most that may be lost meanwhile, in hundredths (speed.md).
const LOST_PERCENT_MAX: f64 = 10.0;
/// How long a node may take to catch up.
const CAUGHT_UP_WITHIN: Duration = Duration::from_mins(1);

/// Transactions of 100 changes each, one in ten milliseconds: the feed names keys and each node reads their records, whether
/// or not anything else in them has changed.
const CHANGES: &str = "DO $$
DECLARE ids text[]; org text; fresh bytea; at_epoch bigint; at_seq bigint; turn bigint := 0;
    due timestamptz := clock_timestamp(); until timestamptz := due + interval '@SECONDS@ seconds';
BEGIN
    SELECT array_agg(id), min(organization_id) INTO ids, org FROM
        (SELECT id, organization_id FROM keys WHERE deleted_at IS NULL LIMIT 100000) AS some_keys;
    WHILE clock_timestamp() < until LOOP
        fresh := uuid_send(gen_random_uuid());
        UPDATE feed_head SET seq = seq + 1, nonce = fresh WHERE id = 1 RETURNING epoch, seq INTO at_epoch, at_seq;
        INSERT INTO changes (epoch, seq, n, organization_id, kind, object_id, nonce)
            SELECT at_epoch, at_seq, i, org, 'key', ids[1 + (turn * 100 + i) % array_length(ids, 1)], fresh
            FROM generate_series(0, 99) AS i;
        PERFORM pg_notify('claviger_changes', '');
        COMMIT;
        turn := turn + 1;
        due := due + interval '10 milliseconds';
        PERFORM pg_sleep(greatest(0, extract(epoch FROM due - clock_timestamp())));
    END LOOP;
END $$";

/// The last transaction's nonce becomes another one, as in a database that was restored: every node loads anew. Five times a
/// second, so that a load is always under way.
const RELOADS: &str = "DO $$
DECLARE fresh bytea; until timestamptz := clock_timestamp() + interval '@SECONDS@ seconds';
BEGIN
    WHILE clock_timestamp() < until LOOP
        fresh := uuid_send(gen_random_uuid());
        UPDATE feed_head SET nonce = fresh WHERE id = 1;
        UPDATE changes SET nonce = fresh FROM feed_head AS head
            WHERE changes.epoch = head.epoch AND changes.seq = head.seq AND head.id = 1;
        PERFORM pg_notify('claviger_changes', '');
        COMMIT;
        PERFORM pg_sleep(0.2);
    END LOOP;
END $$";

/// What a storm cost.
#[derive(Default)]
struct Cost {
    /// Hundredths of the rate.
    rate: Vec<f64>,
    /// Hundredths of what the doors' thread does in a second of its processor time.
    capacity: Vec<f64>,
    /// Changes a second.
    changes: Vec<f64>,
    /// How long the node took to catch up afterwards, in milliseconds.
    catching_up: Vec<f64>,
    loads: usize,
}

/// Measures, and returns the part of the report.
pub fn run(arguments: &Arguments, fixture: &Fixture, program: &Path, draws: &Draws) -> Result<String> {
    let mut server = Server::start(program, fixture, arguments.server_core)?;
    pin(arguments.generator_core)?;
    let workload = draws.forward(&Target { address: server.doors, server: server.processes()? });
    server.wait_until_ready(&workload)?;
    load::run(&workload, Duration::from_secs(1), None)?;
    let changing = weather(&server, fixture, &workload, CHANGES)?;
    let loading = weather(&server, fixture, &workload, RELOADS)?;
    let percent = |what: &str, values: Vec<f64>, budget| Figure {
        what: what.to_owned(),
        value: median(values),
        unit: "%",
        decimals: 1,
        budget,
    };
    let changes = Figure {
        what: "changes a second that were committed, in transactions of 100".to_owned(),
        value: median(changing.changes),
        unit: "",
        decimals: 0,
        budget: None,
    };
    let caught_up = Figure {
        what: "from the last change to the node's having applied it".to_owned(),
        value: median(changing.catching_up),
        unit: "ms",
        decimals: 0,
        budget: None,
    };
    let loads = format!("loads of all keys in {} s", ROUNDS as u64 * STORM_SECONDS);
    let loads = Figure { what: loads, value: loading.loads as f64, unit: "", decimals: 0, budget: None };
    let figures = [
        changes,
        caught_up,
        percent("a door's rate that is lost meanwhile, all of the node on one core", changing.rate, None),
        percent(
            "requests that the doors' thread loses meanwhile, by its processor time",
            changing.capacity,
            Some(LOST_PERCENT_MAX),
        ),
        loads,
        percent("a door's rate that is lost meanwhile, all of the node on one core", loading.rate, None),
        percent("requests that the doors' thread loses meanwhile, by its processor time", loading.capacity, None),
    ];
    Ok(format!("### A door while the node's replica changes\n\n{}", report::figures(&figures)))
}

/// Calm and storm, round by round.
fn weather(server: &Server, fixture: &Fixture, workload: &Workload, statements: &str) -> Result<Cost> {
    let url = fixture.postgres_url().ok_or("nodes need PostgreSQL")?;
    let statements = statements.replace("@SECONDS@", &STORM_SECONDS.to_string());
    let (mut cost, loads_before) = (Cost::default(), loads(server)?);
    for _ in 0..ROUNDS {
        let calm = load::run(workload, SPELL, None)?;
        let (before, begin) = (head(&url)?, Instant::now());
        let mut storm = psql::begin(&url, &statements)?;
        // It has begun when the head has moved.
        thread::sleep(Duration::from_millis(500));
        let stormy = load::run(workload, SPELL, None)?;
        if !storm.wait()?.success() {
            return Err("psql failed".into());
        }
        cost.changes.push(100.0 * (head(&url)? - before) as f64 / begin.elapsed().as_secs_f64());
        cost.catching_up.push(catch_up(server, &url)?.as_secs_f64() * 1e3);
        let capacity = |run: &Run| 1.0 / (run.server_micros * (1.0 - run.beside_doors));
        cost.rate.push(100.0 * (1.0 - stormy.rate / calm.rate));
        cost.capacity.push(100.0 * (1.0 - capacity(&stormy) / capacity(&calm)));
        eprintln!("bench: {:.0} requests/s in calm, {:.0} in storm", calm.rate, stormy.rate);
    }
    cost.loads = loads(server)? - loads_before;
    Ok(cost)
}

/// How often the node has loaded everything.
fn loads(server: &Server) -> Result<usize> {
    Ok(server.log()?.matches(" keys in ").count())
}

/// The feed's last transaction.
fn head(url: &str) -> Result<i64> {
    Ok(psql::ask(url, "SELECT seq FROM feed_head")?.parse()?)
}

/// Waits until the node has applied what the feed ends with; how long that took.
fn catch_up(server: &Server, url: &str) -> Result<Duration> {
    let begin = Instant::now();
    let head = head(url)?;
    let mut api = Client::connect(server.control, Some(manager_token().expose()))?;
    while begin.elapsed() < CAUGHT_UP_WITHIN {
        let listed = api.done("GET", "/nodes")?;
        let nodes = listed["data"].as_array().ok_or("no list of nodes")?;
        let own = nodes.iter().find(|node| node["answers"] == true).ok_or("the node is not in its own list")?;
        let applied = own["applied"].as_str().and_then(|applied| applied.split_once('.')?.1.parse::<i64>().ok());
        if applied.is_some_and(|applied| applied >= head) {
            return Ok(begin.elapsed());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err("the node did not catch up".into())
}
