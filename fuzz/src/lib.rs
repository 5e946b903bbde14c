//! What must hold for every input, each beside an oracle that knows nothing of the code it judges.
//!
//! The targets in `fuzz_targets` hand libFuzzer's inputs over; the tests here run the seeds and a few thousand random
//! inputs through the same functions, without any instrumentation.

#![allow(clippy::missing_panics_doc, reason = "to panic is how a finding is told")]

pub mod basic_header;
pub mod check;
pub mod cidr_list;
pub mod client_ip;
mod credentials;
pub mod http1;
pub mod mysql_dump;
pub mod path;
pub mod token;
mod upstreams;

#[cfg(test)]
mod tests;
