//! The TypeScript client: built with what its tests need, and tested by itself. The Rust client is a crate like the others.

use std::process::Command;

use crate::Result;
use crate::workspace::{Workspace, succeed};

/// Where it lies.
const FOLDER: &str = "clients/typescript";

/// Installs what `package-lock.json` names and builds `dist`, which the tests against the real server take too; checks types; tests.
pub fn run(workspace: &Workspace) -> Result {
    build(workspace)?;
    succeed(&mut npm(workspace, &["run", "--silent", "check"]))?;
    succeed(&mut npm(workspace, &["test", "--silent"]))
}

/// Installs and builds. Scripts of packages are not run: none of these needs any.
pub fn build(workspace: &Workspace) -> Result {
    succeed(&mut npm(workspace, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]))?;
    succeed(&mut npm(workspace, &["run", "--silent", "prepare"]))
}

fn npm(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(arguments).current_dir(workspace.root().join(FOLDER));
    command
}
