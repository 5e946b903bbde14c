//! gitleaks, which Debian does not have in a version of today. Go builds it from the module proxy, on demand and not in every run.

use std::ffi::OsString;
use std::process::Command;

use crate::Result;
use crate::workspace::{Workspace, succeed};

/// The module, and the version that the rules were tried with.
const MODULE: &str = "github.com/zricethezav/gitleaks/v8@v8.30.0";
/// Where the test finds the program.
const PROGRAM_VARIABLE: &str = "CLAVIGER_TEST_GITLEAKS";

/// Builds it if it is not there, and has it look for keys by the rules that the server gives. `arguments` go to the test binary.
pub fn run(workspace: &Workspace, arguments: &[OsString]) -> Result {
    let folder = workspace.target().join("gitleaks");
    let program = folder.join("gitleaks");
    if !program.is_file() {
        eprintln!("xtask: building {MODULE}");
        succeed(Command::new("go").args(["install", MODULE]).env("GOBIN", &folder).env("CGO_ENABLED", "0"))?;
    }
    let mut tests = workspace.cargo(["test", "--locked", "--workspace", "--test", "e2e", "--", "--ignored"]);
    tests.arg("leaks::gitleaks_finds").args(arguments);
    succeed(tests.env(PROGRAM_VARIABLE, program))
}
