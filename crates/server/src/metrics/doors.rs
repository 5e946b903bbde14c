//! The doors: how long answers take, and calls that get no verdict.

use claviger_doors::Metrics;

use super::page::Page;

pub(super) fn write(page: &mut Page, metrics: &Metrics) {
    let help = "How long it took to make an answer once the request was read; one request in 16 is timed.";
    let times = metrics.answer_times.iter().map(|(door, times)| ([("door", door.as_str())], times.clone()));
    page.durations("claviger_door_answer_seconds", help, times);
    page.gauge("claviger_door_connections", "Connections open at the doors.", metrics.connections_open as f64);
    let refused = [
        ("bodies", metrics.bodies_rejected),
        ("busy", metrics.busy),
        ("connections", metrics.connections_rejected),
        ("connections_of_address", metrics.connections_of_address_rejected),
        ("door_token", metrics.door_token_refused),
        ("gateway", metrics.gateway_refused),
        ("handshake", metrics.handshakes_failed),
        ("malformed", metrics.malformed),
        ("wrong_keys", metrics.shed),
        ("wrong_keys_of_address", metrics.shed_of_address),
    ];
    let refused = refused.map(|(reason, count)| ([("reason", reason)], count));
    page.counters("claviger_door_calls_refused_total", "Calls of the doors that got no verdict on a key.", refused);
}
