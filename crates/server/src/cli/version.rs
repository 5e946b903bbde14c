//! `claviger version`.

use serde_json::json;

use super::failure::Failure;
use super::output::Output;

/// The version with its commit.
pub(super) const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("CLAVIGER_COMMIT"), ")");

pub(super) fn run(output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&json!({"version": env!("CARGO_PKG_VERSION"), "commit": env!("CLAVIGER_COMMIT")}));
    }
    output.text(format_args!("claviger {TEXT}"))
}
