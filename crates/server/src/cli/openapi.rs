//! `claviger openapi control|doors`: the documents that the listeners serve, as they are committed.

use clap::Subcommand;

use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum OpenapiCommand {
    /// The management API
    Control,
    /// The verification doors
    Doors,
}

// === impl OpenapiCommand ===

impl OpenapiCommand {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        match self {
            Self::Control => output.value(&serde_json::to_value(claviger_manage::openapi()).map_err(Failure::usage)?),
            Self::Doors => output.value(&claviger_doors::openapi()),
        }
    }
}
