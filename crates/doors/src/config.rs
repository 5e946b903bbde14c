//! The settings of the door listener.

use std::time::Duration;

use claviger_domain::ip_list::IpRange;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most worker threads.
pub const THREADS_MAX: usize = 256;
/// The largest body that may be allowed, in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The smallest room for a request's headers, in bytes: hyper's own lower bound.
pub const HEADER_BYTES_MIN: usize = 8 * 1024;
/// The most room for a request's headers that may be allowed, in bytes.
pub const HEADER_BYTES_MAX: usize = 1024 * 1024;
/// The longest time-out that may be set, in seconds.
pub const TIMEOUT_SECONDS_MAX: u32 = 3_600;

/// How the doors are served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Peers whose forwarded headers are believed: addresses, networks or ranges. Peers on a Unix socket always are.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpRange>,
    /// Whether a call needs a door token. Not set: as soon as the listener is not on loopback. With more than one
    /// organization it is needed whatever stands here.
    pub require_token: Option<bool>,
    /// Worker threads, each with its own listener; 0 = one for each processor.
    pub threads: usize,
    /// Connections open at once, all workers together; more are answered with 503.
    pub connections_max: usize,
    /// Connections of one address that are open at once, where it is no trusted proxy; more are answered with 503.
    pub connections_of_address_max: usize,
    /// Bodies of `/v1/verify`, its batch and `/v1/introspect` that are on their way at once, a quarter of them from one
    /// address that is no trusted proxy; more are answered with 503.
    pub bodies_max: usize,
    /// Largest body of `/v1/verify`, its batch and `/v1/introspect`, in bytes.
    pub body_max_bytes: usize,
    /// Room for a request's line and headers, in bytes; more is answered with 431.
    pub header_max_bytes: usize,
    /// How long a request may take to arrive, in seconds.
    pub request_timeout_seconds: u32,
    /// How long a connection may stand idle, in seconds: longer than a gateway keeps it, so that the gateway hangs up
    /// first and never sends into a closing connection.
    pub keep_alive_seconds: u32,
    /// Calls of `/v1/whoami` that one address may make in a minute.
    pub whoami_per_minute: u32,
    /// Requests of one address without a right key (none, malformed, unknown) that get a verdict in a second; more are
    /// answered with 503. The address is the client's, as a trusted proxy tells it. 0 = no bound.
    pub wrong_keys_per_second_of_address: u32,
    /// The same of all addresses together.
    pub wrong_keys_per_second: u32,
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {expected}")]
pub struct ConfigProblem {
    /// The field.
    pub field: &'static str,
    /// What was expected.
    pub expected: String,
}

// === impl Config ===

impl Config {
    /// Checks every number against its bounds.
    pub fn validate(&self) -> Result<(), ConfigProblem> {
        let bounds = [
            ("threads", self.threads, 0, THREADS_MAX),
            ("connections_max", self.connections_max, 1, 1_000_000),
            ("connections_of_address_max", self.connections_of_address_max, 1, 1_000_000),
            ("bodies_max", self.bodies_max, 1, 1_000_000),
            ("body_max_bytes", self.body_max_bytes, 1024, BODY_BYTES_MAX),
            ("header_max_bytes", self.header_max_bytes, HEADER_BYTES_MIN, HEADER_BYTES_MAX),
            ("request_timeout_seconds", self.request_timeout_seconds as usize, 1, TIMEOUT_SECONDS_MAX as usize),
            ("keep_alive_seconds", self.keep_alive_seconds as usize, 1, TIMEOUT_SECONDS_MAX as usize),
            ("whoami_per_minute", self.whoami_per_minute as usize, 1, 1_000_000),
        ];
        match bounds.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((field, _, least, most)) => {
                Err(ConfigProblem { field, expected: format!("expected a number from {least} to {most}") })
            }
            None => Ok(()),
        }
    }

    /// How long a request may take to arrive.
    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_seconds.into())
    }

    /// How long a connection may stand idle.
    pub(crate) fn keep_alive(&self) -> Duration {
        Duration::from_secs(self.keep_alive_seconds.into())
    }
}

impl Default for Config {
    fn default() -> Self {
        let loopback = ["127.0.0.0/8", "::1"];
        Self {
            trusted_proxies: loopback.iter().filter_map(|range| range.parse().ok()).collect(),
            require_token: None,
            threads: 0,
            connections_max: 16_384,
            connections_of_address_max: 1_024,
            bodies_max: 4_096,
            body_max_bytes: 256 * 1024,
            header_max_bytes: 64 * 1024,
            request_timeout_seconds: 10,
            keep_alive_seconds: 75,
            whoami_per_minute: 60,
            wrong_keys_per_second_of_address: 1_000,
            wrong_keys_per_second: 20_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_trust_loopback_alone() {
        let config = Config::default();
        assert_eq!(config.validate(), Ok(()));
        let texts: Vec<_> = config.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["127.0.0.0/8", "::1"]);
    }

    #[test]
    fn a_number_out_of_bounds_is_named_with_its_bounds() {
        let problem = Config { header_max_bytes: 5, ..Config::default() }.validate().expect_err("too small");
        assert_eq!(problem.to_string(), "header_max_bytes: expected a number from 8192 to 1048576");
    }
}
