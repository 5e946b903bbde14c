//! For how long counts of requests are kept.

use std::time::Duration;

use claviger_store::usage::Kept;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::load::ConfigError;

/// The longest that counts may be kept, in days: ten years.
pub const USAGE_DAYS_MAX: u32 = 3_650;

/// For how long counts of requests are kept.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UsageConfig {
    /// Days for which requests by owner and by API are kept by the minute.
    #[schemars(range(min = 1, max = USAGE_DAYS_MAX))]
    pub minutes_kept_days: u32,
    /// Days for which requests by key, owner, API, set and verdict are kept by the hour.
    #[schemars(range(min = 1, max = USAGE_DAYS_MAX))]
    pub hours_kept_days: u32,
    /// Days for which the same are kept by the day, and which of their rights keys used.
    #[schemars(range(min = 1, max = USAGE_DAYS_MAX))]
    pub days_kept_days: u32,
}

// === impl UsageConfig ===

impl Default for UsageConfig {
    fn default() -> Self {
        Self { minutes_kept_days: 2, hours_kept_days: 90, days_kept_days: 1_095 }
    }
}

impl UsageConfig {
    /// What the store makes of it.
    pub fn kept(&self) -> Kept {
        let days = |days: u32| Duration::from_hours(24 * u64::from(days));
        Kept {
            minutes: days(self.minutes_kept_days),
            hours: days(self.hours_kept_days),
            days: days(self.days_kept_days),
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let days = [
            ("minutes_kept_days", self.minutes_kept_days),
            ("hours_kept_days", self.hours_kept_days),
            ("days_kept_days", self.days_kept_days),
        ];
        match days.into_iter().find(|(_, days)| !(1..=USAGE_DAYS_MAX).contains(days)) {
            Some((name, _)) => {
                Err(ConfigError::setting(&format!("usage.{name}"), &format!("expected 1 to {USAGE_DAYS_MAX}")))
            }
            None => Ok(()),
        }
    }
}
