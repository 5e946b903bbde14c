//! `claviger config show|schema`.

use clap::Subcommand;

use super::Global;
use super::failure::Failure;
use super::output::Output;

#[derive(Debug, Subcommand)]
pub(super) enum ConfigCommand {
    /// Print the configuration in force, without secrets
    Show,
    /// Print the JSON Schema of the configuration file
    Schema,
}

// === impl ConfigCommand ===

impl ConfigCommand {
    pub(super) fn run(&self, global: &Global, output: Output) -> Result<(), Failure> {
        match self {
            Self::Schema => output.value(&claviger_server::config::load::schema()),
            Self::Show => {
                let config = global.config()?;
                if output.is_json() {
                    return output.value(&serde_json::to_value(&config).map_err(Failure::usage)?);
                }
                output.text(toml::to_string(&config).map_err(Failure::usage)?.trim_end())
            }
        }
    }
}
