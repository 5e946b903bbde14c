//! What the engine tells about itself.

use std::time::Duration;

use claviger_domain::change::Position;
use claviger_domain::usage::Door;
use claviger_domain::verdict::Code;

use crate::limits::LimitsMetrics;

/// A reading of all counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Decisions since the start, by door and code; those that never happened are left out.
    pub decisions: Vec<(Door, Code, u64)>,
    /// Living keys.
    pub keys: usize,
    /// Organizations.
    pub organizations: usize,
    /// Up to where changes are applied; `None` before the first load.
    pub position: Option<Position>,
    /// How long the last load took.
    pub load_time: Option<Duration>,
    /// Loads of everything since the start, the first included.
    pub loads: u64,
    /// Steps of the change feed since the start.
    pub steps: u64,
    /// Keys whose usage is summed up and not yet taken to be written.
    pub usage_waiting: usize,
    /// Refusals that wait for the diagnostic log.
    pub refusals_waiting: usize,
    /// Refusals since the start that the diagnostic log did not take.
    pub refusals_dropped: u64,
    /// Requests since the start that are missing from the counts, because too much waited to be written.
    pub usage_dropped: u64,
    /// What APIs in report-only mode let pass since the start, by what it would have been; what never happened is left out.
    pub reported: Vec<(Code, u64)>,
    /// Of limits.
    pub limits: LimitsMetrics,
}
