//! Verification over the wire: every way to ask the engine whether a request may pass. Plain requests are read by hand
//! ([`http1`]), all others on plain hyper.
//!
//! A door reads a request, asks [`claviger_engine::Engine`] and writes the answer; it decides nothing itself. What it
//! reads is fixed: [`client_ip`] and the header families are where a mistake is a bypass.

pub mod address;
mod answer;
mod body;
mod challenge;
pub mod client_ip;
pub mod config;
mod credentials;
mod envoy;
mod forward;
pub mod grpc;
mod headers;
pub mod http1;
mod identity;
mod introspect;
mod json;
#[cfg(test)]
mod limit_tests;
mod limits;
mod lines;
mod listener;
mod meter;
mod metrics;
mod nginx;
mod openapi;
mod problem;
mod question;
mod request_id;
mod request_log;
mod rest;
pub mod route;
mod service;
pub mod shares;
mod shed;
#[cfg(test)]
mod signature_tests;
mod template;
#[cfg(test)]
mod testing;
pub mod tls;
mod traefik;
#[cfg(test)]
mod transport_tests;
mod turn;
mod whoami;
#[cfg(test)]
mod wire_tests;

use std::sync::Arc;

use claviger_engine::Engine;

pub use address::{Address, BindError, InvalidAddress, InvalidSocketMode, Listen, SocketMode};
pub use config::{Config, ConfigProblem};
pub use listener::Running;
pub use metrics::{Metrics, Readings, TIMED_ONE_IN};
pub use openapi::openapi;
pub use request_log::{SPANS, SPANS_ONE_IN};
pub use tls::{Tls, TlsError, TlsFiles};

/// Opens the doors and answers from `engine`. Until its first load every door says 503.
///
/// The workers run on threads and runtimes of their own; [`Running::stop`] closes the doors, so does dropping it.
pub fn start(config: Config, engine: Arc<Engine>, listen: &Listen) -> Result<Running, BindError> {
    listener::open(Arc::new(service::Doors::new(config, engine, &listen.address)), listen)
}
