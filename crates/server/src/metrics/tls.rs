//! The listeners' certificates.

use super::page::Page;
use crate::tls_task::ListenerTls;

pub(super) fn write(page: &mut Page, listeners: &[ListenerTls]) {
    let ends = listeners.iter().filter_map(|listener| {
        let end = listener.tls.expires_at()?.as_micros() as f64 / 1e6;
        Some(([("listener", listener.section)], end))
    });
    let help = "When the certificate in force ends, in seconds since 1970.";
    page.gauges("claviger_certificate_end_seconds", help, ends);
}
