//! Requests without a key whose secret was right: counted by organization and verdict.

use claviger_domain::usage::{Subject, SubjectCount};
use claviger_domain::verdict::Code;
use claviger_domain::{OrganizationId, Timestamp};
use hashbrown::HashMap;

const MINUTE_MICROS: i64 = 60_000_000;
/// Different counts of one buffer, while the database takes none; what comes beyond is not counted.
const COUNTS_MAX: usize = 1_024;

/// Counts by organization, minute since 1970 and verdict.
#[derive(Debug, Default)]
pub(super) struct Strangers(HashMap<(OrganizationId, i64, Code), u64>);

// === impl Strangers ===

impl Strangers {
    pub(super) fn count(&mut self, organization: OrganizationId, at: Timestamp, code: Code) {
        let key = (organization, at.as_micros().div_euclid(MINUTE_MICROS), code);
        if let Some(count) = self.0.get_mut(&key) {
            *count += 1;
        } else if self.0.len() < COUNTS_MAX {
            self.0.insert(key, 1);
        }
    }

    pub(super) fn drain(&mut self) -> Vec<SubjectCount> {
        let count = |((organization, minute, code), count)| SubjectCount {
            organization,
            subject: Subject::All,
            minute: Timestamp::from_micros(minute * MINUTE_MICROS),
            code,
            count,
        };
        self.0.drain().map(count).collect()
    }
}
