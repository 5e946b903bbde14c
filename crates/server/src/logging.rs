//! The log: lines on standard error, for people or as JSON. What is logged never holds a secret: those are
//! `claviger_domain::Secret`, whose `Debug` prints the type's name.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Whether `filter` can be read.
pub(crate) fn parse_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(drop).map_err(|_| {
        "expected a level (error, warn, info, debug, trace) or directives such as `info,claviger_store=debug`"
            .to_owned()
    })
}

/// Starts logging for the whole process; does nothing if something else has started it before.
pub fn start(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // `Err` means that a subscriber is there already (a test's): its owner decides.
    let _ = match config.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
