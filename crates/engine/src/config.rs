//! The engine's own settings.

use crate::limits::LimitsConfig;

/// Bounds of what waits to be written to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Refusals that wait for the diagnostic log, at most.
    pub refusals_queued_max: usize,
    /// Refusals of one organization that are kept a second, those that name a key and those that do not counted apart;
    /// the rest is counted only.
    pub refusals_per_second_max: u32,
    /// Keys of one drained batch of usage, at most; the others follow with the next. The server writes one a second, so
    /// this bounds what writing costs (about 5 µs a key) and how far behind it is when very many keys are in use at once.
    pub usage_keys_max: usize,
    /// How limits are counted.
    pub limits: LimitsConfig,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            refusals_queued_max: 10_000,
            refusals_per_second_max: 200,
            usage_keys_max: 4_000,
            limits: LimitsConfig::default(),
        }
    }
}
