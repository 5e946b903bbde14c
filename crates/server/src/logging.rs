//! The log: lines on standard error, for people or as JSON. What is logged never holds a secret: those are
//! `claviger_domain::Secret`, whose `Debug` prints the type's name.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

use crate::config::{LogConfig, LogFormat};

/// Whether `filter` can be read.
pub(crate) fn parse_filter(filter: &str) -> Result<(), String> {
    EnvFilter::try_new(filter).map(drop).map_err(|_| {
        "expected a level (error, warn, info, debug, trace) or directives such as `info,claviger_store=debug`"
            .to_owned()
    })
}

/// Exchanges the filter of the subscriber that [`start`] made.
static EXCHANGE: OnceLock<Box<dyn Fn(EnvFilter) + Send + Sync>> = OnceLock::new();

/// Starts logging for the whole process; does nothing if something else has started it before.
pub fn start(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // `Err` means that a subscriber is there already (a test's): its owner decides.
    let _ = match config.format {
        LogFormat::Text => {
            let builder = builder.with_ansi(std::io::stderr().is_terminal()).with_target(false);
            let builder = builder.with_filter_reloading();
            let handle = builder.reload_handle();
            let _ = EXCHANGE.set(Box::new(move |filter| drop(handle.reload(filter))));
            builder.try_init()
        }
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            let handle = builder.reload_handle();
            let _ = EXCHANGE.set(Box::new(move |filter| drop(handle.reload(filter))));
            builder.try_init()
        }
    };
}

/// From now on another filter counts; a wrong one changes nothing.
pub(crate) fn exchange_filter(filter: &str) {
    if let (Some(exchange), Ok(filter)) = (EXCHANGE.get(), EnvFilter::try_new(filter)) {
        exchange(filter);
    }
}
