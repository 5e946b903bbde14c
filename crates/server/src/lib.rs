//! The server: configuration, files, wiring, lifecycle, telemetry. [`start`] is the wiring, from top to bottom.

pub mod clock;
pub mod config;
pub mod data_dir;
pub mod local_token;
pub mod logging;
pub mod master_secret;
