//! nginx as a gateway to a static service, with gateways/nginx.conf and without the question to Claviger; everything on
//! one core. The question goes over loopback, and over a Unix socket, as gateway and doors of one machine may have it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use crate::conditions::pin;
use crate::fixture::{API, CLIENT_IP, Fixture};
use crate::nginx::{BODY_LENGTH, Nginx, free_address};
use crate::report;
use crate::rounds::interleave;
use crate::server::{Place, Server};
use crate::workloads::{Draws, Target};
use crate::{Arguments, Result};

/// The file that users include.
const SNIPPET: &str = include_str!("../../gateways/nginx.conf");
/// What nginx with the question reaches of nginx without at least.
const LEAST: f64 = 0.55;

/// Measures, and returns the part of the report.
pub fn run(arguments: &Arguments, fixture: &Fixture, program: &Path) -> Result<String> {
    let mut text = String::from("## Through a gateway, all on one core\n\n");
    let socket = fixture.data_dir().with_extension("sock");
    for (name, socket) in [
        ("the same with `auth_request` to Claviger", None),
        ("the same with `auth_request` to Claviger's Unix socket", Some(&*socket)),
    ] {
        // Writing to a `String` never fails.
        let _ = writeln!(text, "{}", measure(arguments, fixture, program, name, socket)?);
    }
    Ok(text)
}

fn measure(
    arguments: &Arguments,
    fixture: &Fixture,
    program: &Path,
    name: &'static str,
    socket: Option<&Path>,
) -> Result<String> {
    let (draws, cpu) = (Draws::new(arguments.keys), arguments.server_core);
    let folder = fixture.data_dir().with_extension("gateway");
    let service = Nginx::return_200(&folder.join("service"), cpu)?;
    let place = Place { data_dir: fixture.data_dir(), fixture, url: None, cores: &cpu.to_string(), socket };
    let mut server = Server::start_at(program, &place)?;
    let (open, guarded) = (free_address()?, free_address()?);
    let doors = socket.map_or_else(|| server.doors.to_string(), |socket| format!("unix:{}", socket.display()));
    let gateway = Nginx::start(&folder, open, &servers(open, guarded, &doors, service.address), cpu)?;
    pin(arguments.generator_core)?;
    let all = gateway.processes()?.with(&service.processes()?).with(&server.processes()?);
    let (open, guarded) = (Target { address: open, server: all.clone() }, Target { address: guarded, server: all });
    let workloads = [
        (draws.proxied("nginx proxy to a static service", &open, BODY_LENGTH), None),
        (draws.proxied(name, &guarded, BODY_LENGTH), Some(LEAST)),
    ];
    server.wait_until_ready(&workloads[1].0)?;
    let seconds = Duration::from_secs(arguments.seconds.into());
    Ok(report::ratios(&interleave(&workloads, arguments.rounds, seconds)?))
}

/// The guarded server of the snippet, and the same service without a guard.
fn servers(open: SocketAddr, guarded: SocketAddr, doors: &str, service: SocketAddr) -> String {
    let words = [
        ("@LISTEN@", guarded.to_string()),
        ("@SERVER_NAME@", "api.github.com".to_owned()),
        ("@DOORS@", doors.to_owned()),
        ("@API@", API.to_owned()),
        ("@UPSTREAM@", service.to_string()),
        ("@DOOR_TOKEN@", String::new()),
        // The clients of the bench are on loopback; the keys' lists are not.
        ("X-Real-IP         $remote_addr", format!("X-Real-IP         {CLIENT_IP}")),
    ];
    let snippet = words.iter().fold(SNIPPET.to_owned(), |text, (word, value)| text.replace(word, value));
    format!(
        "{snippet}\nserver {{ listen {open}; location / {{ proxy_pass http://claviger_protected; \
         proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}"
    )
}
