//! What limits cost: keys without any, with a rate, and with all that usually stands together, in the same run.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use claviger_domain::Clock;
use claviger_domain::application::{Application, ApplicationType};
use claviger_domain::key::{Key, Owner};
use claviger_domain::limit::{Limit, LimitKind, Period, Quota, Rate, Scope};
use claviger_server::clock::SystemClock;
use claviger_server::open_store::OpenStore;
use claviger_store::{Scope as Locks, application_types, applications, keys};

use crate::conditions::pin;
use crate::credentials::Credentials;
use crate::fixture::Fixture;
use crate::nginx::{BODY_LENGTH, Nginx};
use crate::report::{self, Figure, median};
use crate::rounds::interleave;
use crate::server::Server;
use crate::workloads::{Draws, Target, Workload};
use crate::{Arguments, Result, crowd};

/// Keys of a group. So many that a verdict finds none of them in the processor's cache by chance, and so few that each is asked for
/// again before its block of a quota ends: a block is a write in the database, and the counting is what is measured.
const KEYS: u64 = 1_000;
/// The list of addresses that all keys carry.
const ADDRESSES: u16 = 64;
/// More than any run asks for: what is measured is the counting.
const PLENTY: u64 = 1_000_000_000;
/// What verdicts reach of nginx's rate at least.
const LEAST: f64 = 0.70;

/// Keys that have the same limits.
#[derive(Clone, Copy)]
enum Group {
    Free,
    Rate,
    /// A rate and a quota of its own, and a rate that it shares with all keys of its application.
    Many,
}

const GROUPS: [(Group, &str); 3] = [
    (Group::Free, "a key without limits"),
    (Group::Rate, "a key with a rate"),
    (Group::Many, "a key with a rate, a monthly quota and its owner's rate"),
];

/// Measures, and returns the part of the report.
pub fn run(arguments: &Arguments, program: &Path) -> Result<String> {
    let fixture = Fixture::filled(&arguments.data()?.join("limits"), ADDRESSES, fill)?;
    let draws = Draws::new(1);
    let nginx = Nginx::return_200(&fixture.data_dir().with_extension("nginx"), arguments.server_core)?;
    let mut server = Server::start(program, &fixture, arguments.server_core)?;
    pin(arguments.generator_core)?;
    let doors = Target { address: server.doors, server: server.processes()? };
    let peer = draws.return_200(&Target { address: nginx.address, server: nginx.processes()? }, BODY_LENGTH);
    let groups = GROUPS.iter().map(|(group, name)| {
        let credentials = Arc::new(Credentials::numbered(group.first(), KEYS));
        (Workload { name, credentials, ..draws.forward(&doors) }, Some(LEAST))
    });
    let workloads: Vec<_> = [(peer, None)].into_iter().chain(groups).collect();
    server.wait_until_ready(&workloads[1].0)?;
    let series = interleave(&workloads, arguments.rounds, Duration::from_secs(arguments.seconds.into()))?;
    let cost = |of: usize, most: f64| {
        let rates = series[of].runs.iter().zip(&series[1].runs).map(|(run, free)| 100.0 * (1.0 - run.rate / free.rate));
        let what = format!("what it loses to a key without limits: {}", series[of].name);
        Figure { what, value: median(rates), unit: "%", decimals: 1, budget: Some(most) }
    };
    Ok(format!(
        "## Limits, {KEYS} keys of each kind, `GET /v1/authorize/api/github`\n\n{}\n{}",
        report::ratios(&series),
        report::figures(&[cost(2, 5.0), cost(3, 10.0)])
    ))
}

async fn fill(fixture: &Fixture) -> Result {
    let (template, keyring) = fixture.template().await?;
    let OpenStore { store, keyring: _, data_dir: _lock } = fixture.open().await?;
    let (organization, now) = (template.organization(), SystemClock::new().now());
    let api_sets = template.api_sets().to_vec();
    let kind = ApplicationType { api_sets, ..crowd::application_type(organization, now)? };
    let owner = Application { limits: vec![rate("owner", Scope::Owner)?], ..crowd::application(0, &kind, now)? };
    let of = Arc::new((kind, owner.clone()));
    store
        .write(Locks::Organization(organization), move |tx| {
            let of = Arc::clone(&of);
            Box::pin(async move {
                application_types::insert(tx, &of.0).await?;
                applications::insert(tx, &of.1).await
            })
        })
        .await?;
    for (group, _) in GROUPS {
        let numbers = group.first()..group.first() + KEYS;
        let keys = numbers.map(|number| group.limited(template.key(number, &keyring), &owner));
        let keys: Arc<[Key]> = keys.collect::<Result<_>>()?;
        store
            .write(Locks::Organization(organization), move |tx| {
                let keys = Arc::clone(&keys);
                Box::pin(async move { keys::insert_all(tx, &keys).await })
            })
            .await?;
    }
    store.close().await;
    Ok(())
}

fn rate(name: &str, scope: Scope) -> Result<Limit> {
    let rate = Rate { limit: PLENTY, window_seconds: 60, burst: PLENTY };
    Ok(Limit { name: name.parse()?, kind: LimitKind::Rate(rate), cost: 1, scope })
}

fn quota(name: &str) -> Result<Limit> {
    let quota = Quota { limit: PLENTY, period: Period::Month, refill: None };
    Ok(Limit { name: name.parse()?, kind: LimitKind::Quota(quota), cost: 1, scope: Scope::Key })
}

// === impl Group ===

impl Group {
    /// The number of its first key.
    fn first(self) -> u64 {
        self as u64 * KEYS
    }

    /// The key with what the group has.
    fn limited(self, key: Key, owner: &Application) -> Result<Key> {
        Ok(match self {
            Self::Free => key,
            Self::Rate => Key { limits: vec![rate("minute", Scope::Key)?], ..key },
            Self::Many => Key {
                limits: vec![rate("minute", Scope::Key)?, quota("monthly")?],
                owner: Owner::Application(owner.id),
                ..key
            },
        })
    }
}
