//! The database: how far behind it the replica is, how fast it answers, what is written.

use claviger_domain::change::Position;
use claviger_store::Metrics;

use super::page::Page;

pub(super) fn write(page: &mut Page, metrics: &Metrics, applied: Option<Position>) {
    if let Some(stale) = metrics.stale {
        let help = "Since when the replica in memory is not known to hold everything that the database does.";
        page.gauge("claviger_staleness_seconds", help, stale.as_secs_f64());
    }
    if let (Some(head), Some(applied)) = (metrics.head, applied) {
        let behind = if head.epoch == applied.epoch { (head.seq - applied.seq).max(0) } else { head.seq };
        let help = "Changes that are known to be in the database and are not applied yet.";
        page.gauge("claviger_changes_behind", help, behind as f64);
    }
    let help = "How long a look at the change feed took: how fast the database answers.";
    page.durations("claviger_database_look_seconds", help, [([], metrics.feed_looks.clone())]);
    let help = "How long a committed write took, its time in line included.";
    page.durations("claviger_write_seconds", help, [([], metrics.committed.clone())]);
    let writes = [
        ("committed", metrics.committed.count),
        ("not_committed", metrics.not_committed),
        ("turned_away", metrics.turned_away),
    ];
    let writes = writes.map(|(result, count)| ([("result", result)], count));
    page.counters("claviger_writes_total", "Writes that ended, by how.", writes);
    page.gauge("claviger_writes_open", "Writes that run or wait their turn.", metrics.writes_open as f64);
    let connections = [("busy", metrics.connections.busy), ("idle", metrics.connections.idle)];
    let connections = connections.map(|(state, count)| ([("state", state)], count as f64));
    page.gauges("claviger_database_connections", "Open connections to the database.", connections);
    let help = "Connections to the database that may be open at once.";
    page.gauge("claviger_database_connections_max", help, metrics.connections.max as f64);
}
