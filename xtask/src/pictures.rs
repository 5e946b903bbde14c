//! The pictures of README and docs, taken of the real console by the test that makes them in every run.

use crate::workspace::{Workspace, succeed};
use crate::{Result, packages};

/// Where the pictures stand.
const FOLDER: &str = "docs/images";
/// Tells the test where they go.
const FOLDER_VARIABLE: &str = "CLAVIGER_PICTURES";
const TEST: &str = "console::pictures::";

/// Makes them anew.
pub fn run(workspace: &Workspace) -> Result {
    packages::install_missing()?;
    let folder = workspace.root().join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    let mut command = workspace.cargo(["test", "--locked", "--workspace", "--test", "e2e", TEST]);
    succeed(command.env(FOLDER_VARIABLE, folder))
}
