//! Which program this is, and whether it may be asked.

use super::page::Page;
use crate::health::{Health, Part};

pub(super) fn write(page: &mut Page, health: &Health) {
    let build = [("version", env!("CARGO_PKG_VERSION")), ("commit", env!("CLAVIGER_COMMIT"))];
    page.gauges("claviger_build_info", "1; the labels name the program.", [(build, 1.0)]);
    page.gauge("claviger_ready", "1 while verdicts can be given.", flag(health.is_ready()));
    let parts = health.parts().map(|(part, is_well)| ([("part", part.as_str())], flag(!is_well)));
    page.gauges("claviger_degraded", "1 for each part that is not as it should be.", parts);
    let reachable = health.parts().any(|(part, is_well)| part == Part::Database && is_well);
    page.gauge("claviger_database_up", "1 while changes come from the database.", flag(reachable));
    let skew = health.clock_ahead_micros().map(|ahead| ([], ahead as f64 / 1e6));
    let help = "How far this node's clock is ahead of PostgreSQL's; below zero, behind.";
    page.gauges("claviger_clock_skew_seconds", help, skew);
}

fn flag(is_so: bool) -> f64 {
    if is_so { 1.0 } else { 0.0 }
}
