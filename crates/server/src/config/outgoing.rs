//! Where the server may connect to by itself.

use claviger_domain::ip_list::IpRange;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::load::ConfigError;

/// The most ranges that may be allowed.
pub const ALLOWED_MAX: usize = 1_000;

/// Where the server may connect to by itself, for webhooks.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutgoingConfig {
    /// Addresses beside those of the public Internet, such as `["10.0.0.0/8", "127.0.0.1/32"]`. Only they are called by `http`
    /// too.
    #[schemars(with = "Vec<String>", length(max = ALLOWED_MAX))]
    pub allow_private: Vec<IpRange>,
}

// === impl OutgoingConfig ===

impl OutgoingConfig {
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.allow_private.len() > ALLOWED_MAX {
            return Err(ConfigError::setting("outgoing.allow_private", &format!("expected at most {ALLOWED_MAX}")));
        }
        Ok(())
    }
}
