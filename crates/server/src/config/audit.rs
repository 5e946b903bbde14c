//! For how long the audit log is kept, and where it goes beside the database.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::load::ConfigError;

/// The shortest that the audit log may be kept, in days.
pub const RETENTION_DAYS_MIN: u32 = 30;
/// The longest that can be said, in days: a hundred years.
pub const RETENTION_DAYS_MAX: u32 = 36_500;

/// For how long the audit log is kept, and where it goes beside the database.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// Whole days (UTC) for which entries are kept; older ones are removed, and a checkpoint stands in their place. Not set: for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = RETENTION_DAYS_MIN, max = RETENTION_DAYS_MAX))]
    pub retention_days: Option<u32>,
    /// A file to which this node appends every entry of all organizations and of the installation, as JSON Lines. Not set: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_file: Option<PathBuf>,
}

// === impl AuditConfig ===

impl AuditConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.retention_days.is_some_and(|days| !(RETENTION_DAYS_MIN..=RETENTION_DAYS_MAX).contains(&days)) {
            let expected = format!("expected {RETENTION_DAYS_MIN} to {RETENTION_DAYS_MAX}");
            return Err(ConfigError::setting("audit.retention_days", &expected));
        }
        if self.stream_file.as_ref().is_some_and(|path| path.file_name().is_none()) {
            return Err(ConfigError::setting("audit.stream_file", "expected the path of a file"));
        }
        Ok(())
    }
}
