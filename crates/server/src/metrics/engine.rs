//! Verdicts, and the replica that they come from.

use claviger_engine::Metrics;

use super::page::Page;

pub(super) fn write(page: &mut Page, metrics: &Metrics) {
    let verdicts = metrics
        .decisions
        .iter()
        .map(|(door, code, count)| ([("door", door.as_str()), ("code", code.as_str())], *count));
    page.counters("claviger_verdicts_total", "Verdicts given.", verdicts);
    let reported = metrics.reported.iter().map(|(code, count)| ([("code", code.as_str())], *count));
    let help = "Requests that APIs in report-only mode let pass, by what they would have been refused with.";
    page.counters("claviger_report_only_total", help, reported);

    page.gauge("claviger_keys", "Living keys in memory.", metrics.keys as f64);
    page.gauge("claviger_organizations", "Organizations in memory.", metrics.organizations as f64);
    page.counter("claviger_loads_total", "Loads of everything from the database, the first included.", metrics.loads);
    page.counter("claviger_feed_steps_total", "Steps of the change feed that were applied.", metrics.steps);
    if let Some(time) = metrics.load_time {
        page.gauge("claviger_load_seconds", "How long the last load took.", time.as_secs_f64());
    }
    if let Some(position) = metrics.position {
        page.gauge("claviger_change_epoch", "The epoch of the change applied last.", position.epoch as f64);
        page.gauge("claviger_change_seq", "The number of the change applied last.", position.seq as f64);
    }

    let help = "Keys whose usage is summed up in memory and not yet taken to be written.";
    page.gauge("claviger_usage_keys_waiting", help, metrics.usage_waiting as f64);
    let help = "Requests missing from the counts: too much waited to be written.";
    page.counter("claviger_usage_dropped_total", help, metrics.usage_dropped);
    let help = "Refusals in memory that are not yet taken to the diagnostic log.";
    page.gauge("claviger_refusals_waiting", help, metrics.refusals_waiting as f64);
    let help = "Refusals that the diagnostic log did not take.";
    page.counter("claviger_refusals_dropped_total", help, metrics.refusals_dropped);
}
