//! The management API: how much it is called, and how long that takes.

use claviger_manage::metrics::Metrics;

use super::page::Page;

pub(super) fn write(page: &mut Page, metrics: &Metrics) {
    let calls =
        metrics.calls.iter().map(|(method, status, count)| ([("method", *method), ("status", *status)], *count));
    page.counters("claviger_management_requests_total", "Calls of the management API.", calls);
    let times = metrics.times.iter().map(|(method, times)| ([("method", *method)], times.clone()));
    page.durations("claviger_management_request_seconds", "How long calls of the management API took.", times);
}
