//! The server: configuration, files, wiring, lifecycle, telemetry. [`start`] is the wiring, from top to bottom.

mod audit;
pub mod clock;
pub mod config;
pub mod data_dir;
mod feed_task;
mod health;
mod hourly_task;
pub mod limits;
mod listener;
pub mod local_token;
pub mod logging;
pub mod mail;
pub mod master_secret;
mod metrics;
mod node_id;
mod node_task;
mod notices_task;
pub mod open_store;
mod outgoing;
mod own_node;
mod running;
mod skew_task;
mod snapshot_task;
pub mod start;
mod start_error;
mod sweep_task;
mod telemetry;
mod tls_task;
#[cfg(feature = "otel")]
mod traces;
mod usage_task;
mod uses_watch;
mod webhooks;

pub use running::Running;
pub use start::Server;
pub use start_error::StartError;
