//! The local snapshot: what a start without the database would find.

use claviger_domain::Timestamp;
use claviger_store::SnapshotFile;

use super::page::Page;

pub(super) fn write(page: &mut Page, file: Option<SnapshotFile>, now: Timestamp) {
    let bytes = file.map_or(0, |file| file.bytes);
    page.gauge("claviger_snapshot_bytes", "Length of the local snapshot; 0 while there is none.", bytes as f64);
    if let Some(file) = file {
        let help = "Since when the local snapshot is not known to hold everything that the database does.";
        page.gauge("claviger_snapshot_age_seconds", help, now.saturating_since(file.until).as_secs_f64());
    }
}
