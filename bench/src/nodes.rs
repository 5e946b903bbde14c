//! Several nodes: how soon a revocation is in force at another one, and how long it takes to know that it is at all.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use claviger_domain::KeyId;

use crate::client::Client;
use crate::fixture::{API, CLIENT_IP, Fixture, runtime};
use crate::fleet::{Fleet, Hearing, NODES};
use crate::report::{self, Figure};
use crate::server::Server;
use crate::workloads::Draws;
use crate::{Arguments, Result, door_storm};

/// Revocations by wake-up. Each is looked for at two nodes.
const REVOCATIONS: u64 = 300;
/// Revocations by polling, each of which takes up to half a second.
const REVOCATIONS_POLLED: u64 = 100;
/// Pause between two questions at the nodes that are looked at: how exact the figures are, and small beside them.
const PAUSE: Duration = Duration::from_micros(100);
/// After which time a revocation that is not in force has failed.
const REVOKED_WITHIN: Duration = Duration::from_secs(10);
/// The most that it may take on one network: 99 of 100, and ever (speed.md).
const P99_MILLIS_MAX: f64 = 50.0;
const MILLIS_MAX: f64 = 1_000.0;

/// What was seen of revocations, in milliseconds.
#[derive(Default)]
struct Seen {
    /// From the answer of the management API to the first refusal at another node.
    delays: Vec<f64>,
    /// How long a change took that waited for all nodes.
    waited: Vec<f64>,
}

/// Measures, and returns the part of the report.
pub fn run(arguments: &Arguments, fixture: &Fixture, program: &Path) -> Result<String> {
    let draws = Draws::new(arguments.keys);
    let ids = runtime()?.block_on(fixture.ids(0..REVOCATIONS))?;
    let mut figures = Vec::new();
    for (hearing, count, name) in
        [(Hearing::WakeUp, REVOCATIONS, "by wake-up"), (Hearing::Polling, REVOCATIONS_POLLED, "by polling alone")]
    {
        let fleet = Fleet::start(program, fixture, hearing, &draws)?;
        let seen = revoke(&fleet, &draws, &ids[..count as usize])?;
        let what = format!("from a revocation's answer to the refusal at another node, {name}");
        let p99 = Some(P99_MILLIS_MAX).filter(|_| hearing == Hearing::WakeUp);
        figures.extend(quantiles(&what, seen.delays, p99, Some(MILLIS_MAX)));
        let what = format!("a change with `?wait=all`, {NODES} nodes, {name}");
        figures.extend(quantiles(&what, seen.waited, None, None));
    }
    let storm = door_storm::run(arguments, fixture, program, &draws)?;
    Ok(format!("## {NODES} nodes on one PostgreSQL\n\n{}\n{storm}", report::figures(&figures)))
}

/// Revokes key after key at the first node, and looks at the others when it is in force; then takes it back.
fn revoke(fleet: &Fleet, draws: &Draws, ids: &[KeyId]) -> Result<Seen> {
    let mut api = fleet.api(0)?;
    let mut seen = Seen::default();
    for (number, id) in ids.iter().enumerate() {
        // An earlier run may have left it disabled.
        api.done("POST", &format!("/keys/{id}/enable?wait=all&wait_ms=5000"))?;
        let credential = draws.known(number as u64).to_owned();
        let looking = AtomicBool::new(false);
        let (answered, refused) = thread::scope(|scope| {
            let look = scope.spawn(|| refusals(&fleet.nodes[1..], &credential, &looking));
            while !looking.load(Ordering::Acquire) && !look.is_finished() {
                thread::sleep(PAUSE);
            }
            api.done("POST", &format!("/keys/{id}/disable"))?;
            let answered = Instant::now();
            let refused = look.join().map_err(|_| "the thread that looks has panicked")??;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((answered, refused))
        })?;
        seen.delays.extend(refused.iter().map(|at| millis(at.saturating_duration_since(answered))));
        let begin = Instant::now();
        let done = api.done("POST", &format!("/keys/{id}/enable?wait=all&wait_ms=5000"))?;
        seen.waited.push(millis(begin.elapsed()));
        if done["applied"].as_array().map(Vec::len) != Some(NODES) {
            return Err(format!("not applied everywhere: {done}").into());
        }
    }
    Ok(seen)
}

/// Asks nodes in turn until each refuses the credential; when each did first.
fn refusals(nodes: &[Server], credential: &str, looking: &AtomicBool) -> Result<Vec<Instant>> {
    let body = format!(
        "{{\"credential\":\"{credential}\",\"client_ip\":\"{CLIENT_IP}\",\"method\":\"GET\",\
         \"path\":\"/repos/octocat/hello-world\",\"host\":\"api.github.com\",\"api\":\"{API}\"}}"
    );
    let mut clients = nodes.iter().map(|node| Client::connect(node.doors, None)).collect::<Result<Vec<_>>>()?;
    let mut refused = vec![None; nodes.len()];
    let begin = Instant::now();
    while refused.contains(&None) {
        for (client, refused) in clients.iter_mut().zip(&mut refused) {
            let answer = client.call("POST", "/v1/verify", &body)?.body;
            let answer = String::from_utf8_lossy(&answer);
            match refused {
                None if answer.contains("\"code\":\"DISABLED\"") => *refused = Some(Instant::now()),
                None if !answer.contains("\"code\":\"VALID\"") => {
                    return Err(format!("unexpected answer: {answer}").into());
                }
                _ => {}
            }
        }
        if begin.elapsed() > REVOKED_WITHIN {
            return Err("a revocation did not arrive".into());
        }
        looking.store(true, Ordering::Release);
        thread::sleep(PAUSE);
    }
    Ok(refused.into_iter().flatten().collect())
}

fn quantiles(what: &str, mut values: Vec<f64>, p99: Option<f64>, most: Option<f64>) -> Vec<Figure> {
    values.sort_by(f64::total_cmp);
    let figure = |name: &str, quantile: f64, budget| {
        let rank = (values.len() as f64 * quantile).ceil() as usize;
        let value = values.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN);
        let what = format!("{what}: {name} of {}", values.len());
        Figure { what, value, unit: "ms", decimals: 2, budget }
    };
    vec![figure("p50", 0.5, None), figure("p99", 0.99, p99), figure("the longest", 1.0, most)]
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let values = (1..=200).rev().map(f64::from).collect();
        let seen: Vec<_> = quantiles("it", values, None, Some(100.0)).iter().map(|figure| figure.value).collect();
        assert_eq!(seen, [100.0, 198.0, 200.0]);
    }
}
