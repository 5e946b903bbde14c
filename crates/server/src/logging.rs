//! The log: lines on standard error, for people or as JSON. What is logged never holds a secret: those are
//! `claviger_domain::Secret`, whose `Debug` prints the type's name.

use std::io::IsTerminal;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;
#[cfg(feature = "otel")]
use tracing_subscriber::{Layer, Registry, fmt, layer::SubscriberExt as _, reload, util::SubscriberInitExt as _};

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

/// What a server holds while it runs, so that nothing of its traces is lost.
#[derive(Debug)]
pub struct Serving {
    #[cfg(feature = "otel")]
    traces: Option<crate::traces::Traces>,
}

/// [`start`] for a server: beside the log, traces, where they are compiled in and a collector is named.
#[cfg(not(feature = "otel"))]
pub fn start_serving(config: &LogConfig) -> Serving {
    start(config);
    Serving {}
}

/// [`start`] for a server: beside the log, traces, where they are compiled in and a collector is named.
#[cfg(feature = "otel")]
pub fn start_serving(config: &LogConfig) -> Serving {
    match crate::traces::Traces::of_environment() {
        Ok(Some(traces)) => {
            start_beside(config, traces.layer());
            Serving { traces: Some(traces) }
        }
        Ok(None) => {
            start(config);
            Serving { traces: None }
        }
        Err(error) => {
            start(config);
            tracing::error!("no traces: {error}");
            Serving { traces: None }
        }
    }
}

/// The same lines as [`start`], each layer with a filter of its own.
#[cfg(feature = "otel")]
fn start_beside(config: &LogConfig, spans: Box<dyn Layer<Registry> + Send + Sync>) {
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let (filter, handle) = reload::Layer::new(filter);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match config.format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    if tracing_subscriber::registry().with(vec![lines.with_filter(filter).boxed(), spans]).try_init().is_ok() {
        let _ = EXCHANGE.set(Box::new(move |filter| drop(handle.reload(filter))));
    }
}

// === impl Serving ===

impl Serving {
    /// Sends what waits of its traces. Blocks for some seconds at most.
    #[cfg_attr(not(feature = "otel"), allow(clippy::unused_self, reason = "without traces there is nothing to send"))]
    pub fn end(&self) {
        #[cfg(feature = "otel")]
        if let Some(traces) = &self.traces {
            traces.end();
        }
    }
}

/// From now on another filter counts; a wrong one changes nothing.
pub(crate) fn exchange_filter(filter: &str) {
    if let (Some(exchange), Ok(filter)) = (EXCHANGE.get(), EnvFilter::try_new(filter)) {
        exchange(filter);
    }
}
