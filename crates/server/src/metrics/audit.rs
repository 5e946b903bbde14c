//! The file that the audit log is appended to: what stands in it, and whether it can be written.

use crate::audit::Reading;

use super::page::Page;

pub(super) fn write(page: &mut Page, audit: &Reading) {
    let help = "Entries of the audit log that this node has written to its file.";
    page.counter("claviger_audit_stream_entries_total", help, audit.written);
    let help = "Attempts of this node to write the audit log to its file that failed.";
    page.counter("claviger_audit_stream_failures_total", help, audit.failures);
    let help = "Entries of the audit log that were removed before this node wrote them to its file.";
    page.counter("claviger_audit_stream_missed_total", help, audit.missed);
    let help = "Whether this node cannot write the audit log to its file now (1) or can (0).";
    page.gauge("claviger_audit_stream_failing", help, f64::from(u8::from(audit.is_failing)));
}
