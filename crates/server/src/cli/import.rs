//! `claviger import …`: what another system has, taken over.

use clap::Subcommand;

use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use super::yetiforce::Yetiforce;

#[derive(Debug, Subcommand)]
pub(super) enum ImportCommand {
    /// Take the applications and API users of a YetiForce installation over, out of a dump of its database
    Yetiforce(Yetiforce),
}

// === impl ImportCommand ===

impl ImportCommand {
    pub(super) async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        match self {
            Self::Yetiforce(yetiforce) => yetiforce.run(client, output).await,
        }
    }
}
