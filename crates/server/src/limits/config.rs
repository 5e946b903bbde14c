//! The settings of limits.

use std::str::FromStr;
use std::time::Duration;

use claviger_engine::Otherwise;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redis_url::RedisUrl;
use crate::config::ConfigError;

/// The longest that a request may wait for what a limit must ask, in milliseconds.
pub const TIMEOUT_MS_MAX: u64 = 50;

/// How limits hold over several nodes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// What becomes of a request whose quota cannot be asked for, as the database is away or does not answer in 50 ms: `closed`
    /// refuses it, `open` lets it pass uncounted.
    pub when_unavailable: WhenUnavailable,
    /// Redis or Valkey, where rates of all nodes are counted together: `redis://USER:PASSWORD@HOST:6379/0`, or `rediss://` with
    /// TLS. Without it each node counts its part of a rate. It is never shown with its password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub redis_url: Option<RedisUrl>,
    /// What becomes of rates while Redis does not answer: `divide` has each node count its part, `open` lets requests pass
    /// uncounted, `closed` refuses them.
    pub redis_unavailable: RedisUnavailable,
    /// How long a request waits for Redis at the most, in milliseconds.
    #[schemars(range(min = 1, max = TIMEOUT_MS_MAX))]
    pub redis_timeout_ms: u64,
}

/// What becomes of a request whose quota cannot be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenUnavailable {
    /// It passes, uncounted.
    Open,
    /// It is refused.
    #[default]
    Closed,
}

/// What becomes of rates while Redis does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RedisUnavailable {
    /// Each node counts its part.
    #[default]
    Divide,
    /// Requests pass, uncounted.
    Open,
    /// Requests are refused.
    Closed,
}

// === impl LimitsConfig ===

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            when_unavailable: WhenUnavailable::default(),
            redis_url: None,
            redis_unavailable: RedisUnavailable::default(),
            redis_timeout_ms: TIMEOUT_MS_MAX,
        }
    }
}

impl LimitsConfig {
    /// The first setting that is wrong by itself.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if (1..=TIMEOUT_MS_MAX).contains(&self.redis_timeout_ms) {
            return Ok(());
        }
        Err(ConfigError::setting("limits.redis_timeout_ms", &format!("expected 1 to {TIMEOUT_MS_MAX}")))
    }

    /// What of it is the engine's to know.
    pub(crate) fn of_engine(&self) -> claviger_engine::LimitsConfig {
        claviger_engine::LimitsConfig {
            quotas_otherwise: match self.when_unavailable {
                WhenUnavailable::Open => Otherwise::Open,
                WhenUnavailable::Closed => Otherwise::Closed,
            },
            rates_otherwise: match self.redis_unavailable {
                RedisUnavailable::Divide => Otherwise::Divided,
                RedisUnavailable::Open => Otherwise::Open,
                RedisUnavailable::Closed => Otherwise::Closed,
            },
            ..claviger_engine::LimitsConfig::default()
        }
    }

    /// How long a request waits for Redis.
    pub(crate) fn redis_timeout(&self) -> Duration {
        Duration::from_millis(self.redis_timeout_ms)
    }
}

impl FromStr for WhenUnavailable {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err("expected `open` or `closed`"),
        }
    }
}

impl FromStr for RedisUnavailable {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "divide" => Ok(Self::Divide),
            "open" => Ok(Self::Open),
            "closed" => Ok(Self::Closed),
            _ => Err("expected `divide`, `open` or `closed`"),
        }
    }
}
