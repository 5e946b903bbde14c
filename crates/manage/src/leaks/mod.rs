//! Keys that were found where they should not be: scanners report them, and they end at once.

mod github;
pub mod http;
mod read;
mod report;
mod rules;

pub use github::{KEY_HEADER, SIGNATURE_HEADER, check_signature};
pub use read::{LeakReport, REPORTS_MAX, read};
pub use report::{Finding, Reporter, report};
pub use rules::{Scanner, rules};
