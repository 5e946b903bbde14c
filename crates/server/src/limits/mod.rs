//! Limits over many nodes: what the engine asks of others. Quotas are kept in the database, in blocks; rates are counted in Redis
//! where one is configured, and divided among the live nodes otherwise.

mod circuit;
mod config;
mod counters;
mod keeper;
#[cfg(test)]
mod keeper_tests;
mod redis_rates;
#[cfg(test)]
mod redis_tests;
mod redis_url;
mod sweep;
mod task;
#[cfg(test)]
mod testing;

pub use config::{LimitsConfig, RedisUnavailable, TIMEOUT_MS_MAX, WhenUnavailable};
pub use counters::{Counters, Reading};
pub use keeper::Keeper;
pub use redis_rates::RedisRates;
pub use redis_url::{InvalidRedisUrl, RedisUrl};
pub(crate) use sweep::Sweep;
pub(crate) use task::LimitsTask;
