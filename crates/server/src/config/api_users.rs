//! Sign-ins of API users.

use std::time::Duration;

use claviger_domain::api_user::{API_SESSION_IDLE_MINUTES, API_SESSION_MINUTES, ApiSessionLimits};
use claviger_manage::api_users::SecondFactorPolicy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::load::ConfigError;

/// The longest that a session of an API user may last, in minutes: 90 days.
pub const API_SESSION_MINUTES_MAX: u32 = 90 * 24 * 60;

/// Sign-ins of API users.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiUsersConfig {
    /// How long a session lasts at the most, in minutes.
    #[schemars(range(min = 1, max = API_SESSION_MINUTES_MAX))]
    pub session_minutes: u32,
    /// How long a session lasts without a use, in minutes.
    #[schemars(range(min = 1, max = API_SESSION_MINUTES_MAX))]
    pub session_idle_minutes: u32,
    /// What becomes of one-time codes of users whose sign-in asks for them.
    pub second_factor: SecondFactor,
}

/// Whether users whose sign-in asks for a code must have one-time codes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// Nobody is asked for a code.
    Off,
    /// Whoever has set codes up is.
    #[default]
    Optional,
    /// Whoever has not set them up may do nothing else.
    Obligatory,
}

// === impl ApiUsersConfig ===

impl Default for ApiUsersConfig {
    fn default() -> Self {
        Self {
            session_minutes: API_SESSION_MINUTES,
            session_idle_minutes: API_SESSION_IDLE_MINUTES,
            second_factor: SecondFactor::default(),
        }
    }
}

impl ApiUsersConfig {
    /// What management makes of it.
    pub fn settings(&self) -> claviger_manage::api_users::Config {
        let minutes = |minutes: u32| Duration::from_mins(u64::from(minutes));
        claviger_manage::api_users::Config {
            sessions: ApiSessionLimits {
                idle: minutes(self.session_idle_minutes),
                absolute: minutes(self.session_minutes),
            },
            second_factor: match self.second_factor {
                SecondFactor::Off => SecondFactorPolicy::Off,
                SecondFactor::Optional => SecondFactorPolicy::Optional,
                SecondFactor::Obligatory => SecondFactorPolicy::Obligatory,
            },
        }
    }

    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        let minutes = [("session_minutes", self.session_minutes), ("session_idle_minutes", self.session_idle_minutes)];
        match minutes.into_iter().find(|(_, minutes)| !(1..=API_SESSION_MINUTES_MAX).contains(minutes)) {
            Some((name, _)) => {
                let expected = format!("expected 1 to {API_SESSION_MINUTES_MAX}");
                Err(ConfigError::setting(&format!("api_users.{name}"), &expected))
            }
            None => Ok(()),
        }
    }
}
