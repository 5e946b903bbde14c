//! `claviger completions SHELL`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::failure::Failure;
use super::output::Output;

/// Prints a completion script.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell that reads it
    shell: Shell,
}

// === impl Completions ===

impl Completions {
    pub(super) fn run(&self, output: Output) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "claviger", &mut script);
        output.text(String::from_utf8_lossy(&script).trim_end())
    }
}
