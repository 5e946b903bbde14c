//! nginx as a gateway to a static service, with gateways/nginx.conf and without the question to Claviger; everything on
//! one core.

use std::path::Path;
use std::time::Duration;

use crate::conditions::pin;
use crate::fixture::{API, Fixture};
use crate::nginx::{BODY_LENGTH, Nginx, free_address};
use crate::report;
use crate::rounds::interleave;
use crate::server::Server;
use crate::workloads::{Draws, Target};
use crate::{Arguments, Result};

/// The file that users include.
const SNIPPET: &str = include_str!("../../gateways/nginx.conf");

/// Measures, and returns the part of the report.
pub fn run(arguments: &Arguments, fixture: &Fixture, program: &Path) -> Result<String> {
    let (draws, cpu) = (Draws::new(arguments.keys), arguments.server_core);
    let folder = fixture.data_dir().with_extension("gateway");
    let service = Nginx::return_200(&folder.join("service"), cpu)?;
    let mut server = Server::start(program, fixture, cpu)?;
    let (open, guarded) = (free_address()?, free_address()?);
    let words = [
        ("@LISTEN@", guarded.to_string()),
        ("@SERVER_NAME@", "api.github.com".to_owned()),
        ("@DOORS@", server.doors.to_string()),
        ("@API@", API.to_owned()),
        ("@UPSTREAM@", service.address.to_string()),
        ("@DOOR_TOKEN@", String::new()),
    ];
    let snippet = words.iter().fold(SNIPPET.to_owned(), |text, (word, value)| text.replace(word, value));
    // The clients of the bench are on loopback; the keys' lists are not.
    let snippet =
        snippet.replace("X-Real-IP         $remote_addr", &format!("X-Real-IP         {}", crate::fixture::CLIENT_IP));
    let plain = format!(
        "{snippet}\nserver {{ listen {open}; location / {{ proxy_pass http://claviger_protected; \
         proxy_http_version 1.1; proxy_set_header Connection \"\"; }} }}"
    );
    let gateway = Nginx::start(&folder, open, &plain, cpu)?;
    pin(arguments.generator_core)?;
    server.wait_until_ready(&draws.forward(&Target { address: server.doors, server: server.processes()? }))?;
    let all = gateway.processes()?.with(&service.processes()?).with(&server.processes()?);
    let (open, guarded) = (Target { address: open, server: all.clone() }, Target { address: guarded, server: all });
    let workloads = [
        (draws.proxied("nginx proxy to a static service", &open, BODY_LENGTH), None),
        (draws.proxied("the same with `auth_request` to Claviger", &guarded, BODY_LENGTH), Some(0.55)),
    ];
    let series = interleave(&workloads, arguments.rounds, Duration::from_secs(arguments.seconds.into()))?;
    Ok(format!("## Through a gateway, all on one core\n\n{}", report::ratios(&series)))
}
