//! Several servers on one PostgreSQL, each a process of its own.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;
use crate::client::Client;
use crate::fixture::{Fixture, manager_token};
use crate::proxy;
use crate::server::{Place, Server};
use crate::workloads::{Draws, Target};

/// How many servers.
pub const NODES: usize = 3;
/// How long nodes of an earlier run, and new ones, may take to be seen as what they are.
const SETTLES_WITHIN: Duration = Duration::from_secs(20);

/// How the nodes but the first hear of changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// By the database's notifications.
    WakeUp,
    /// By looking, because no notification arrives.
    Polling,
}

/// Running servers, ready, each of which knows of the others.
pub struct Fleet {
    /// The servers.
    pub nodes: Vec<Server>,
}

// === impl Fleet ===

impl Fleet {
    /// Starts them on a fixture in PostgreSQL; on any core.
    pub fn start(program: &Path, fixture: &Fixture, hearing: Hearing, draws: &Draws) -> Result<Self> {
        let url = fixture.postgres_url().ok_or("nodes need PostgreSQL")?;
        let deaf = match hearing {
            Hearing::WakeUp => url.clone(),
            Hearing::Polling => through(&url, proxy::without_notifications(address_of(&url)?)?),
        };
        let cores = format!("0-{}", thread::available_parallelism()?.get() - 1);
        let mut nodes = Vec::new();
        for number in 0..NODES {
            let data_dir = fixture.data_dir().with_extension(format!("node-{number}"));
            std::fs::create_dir_all(&data_dir)?;
            let url = Some(if number == 0 { url.clone() } else { deaf.clone() });
            nodes.push(Server::start_at(
                program,
                &Place { data_dir: &data_dir, fixture, url, cores: &cores, socket: None },
            )?);
        }
        for node in &mut nodes {
            let doors = Target { address: node.doors, server: node.processes()? };
            node.wait_until_ready(&draws.forward(&doors))?;
        }
        let fleet = Self { nodes };
        fleet.settle()?;
        Ok(fleet)
    }

    /// The management API of a node, as an administrator.
    pub fn api(&self, node: usize) -> Result<Client> {
        Client::connect(self.nodes[node].control, Some(manager_token().expose()))
    }

    /// Waits until all are live in each other's eyes.
    fn settle(&self) -> Result {
        let begin = Instant::now();
        let mut api = self.api(0)?;
        loop {
            let listed = api.done("GET", "/nodes")?;
            let nodes = listed["data"].as_array().ok_or("no list of nodes")?;
            let live = nodes.iter().filter(|node| node["state"] == "live").count();
            let lost = nodes.iter().filter(|node| node["state"] == "lost").count();
            if live == NODES && lost == 0 {
                return Ok(());
            }
            if begin.elapsed() > SETTLES_WITHIN {
                return Err(format!("{live} nodes live and {lost} lost: {listed}").into());
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Where the server of a URL listens.
fn address_of(url: &str) -> Result<SocketAddr> {
    let host = authority(url)?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:5432") };
    host.to_socket_addrs()?.next().ok_or_else(|| format!("{host} has no address").into())
}

/// The same database at another address, without TLS: its request would be no message of the protocol.
fn through(url: &str, address: SocketAddr) -> String {
    let host = authority(url).unwrap_or_default();
    let user = host.rsplit_once('@').map(|(user, _)| format!("{user}@")).unwrap_or_default();
    let url = url.replacen(host, &format!("{user}{address}"), 1);
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}sslmode=disable")
}

fn authority(url: &str) -> Result<&str> {
    let (_, rest) = url.split_once("://").ok_or("a URL without ://")?;
    Ok(rest.split(['/', '?']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_through_the_proxy_with_the_same_user_and_database() {
        let url = "postgres://ann:secret@127.0.0.1:5433/bench";
        assert_eq!(address_of(url).expect("an address"), ([127, 0, 0, 1], 5433).into());
        let proxied = through(url, ([127, 0, 0, 1], 9).into());
        assert_eq!(proxied, "postgres://ann:secret@127.0.0.1:9/bench?sslmode=disable");
        assert_eq!(
            through("postgres://h/b?a=b", ([127, 0, 0, 1], 9).into()),
            "postgres://127.0.0.1:9/b?a=b&sslmode=disable"
        );
    }
}
