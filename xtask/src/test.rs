//! The test command of the README: from a bare Debian machine with a Rust toolchain to one line that says how it went.

use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use crate::postgres::{Cluster, URL_VARIABLE};
use crate::workspace::{Workspace, succeed};
use crate::{Result, check, clients, install, previous};

/// Installs, checks, tests, cleans up. A failed check does not keep the tests from running: one run tells all.
#[allow(clippy::disallowed_methods, reason = "how long a run took is for the person who waits")]
pub fn run(workspace: &Workspace, with_checks: bool, arguments: &[OsString]) -> Result {
    let start = Instant::now();
    install(workspace)?;
    let checks = if with_checks { check::run(workspace).map(|()| "checks passed") } else { Ok("checks left out") };
    // Tests of the whole start the binary itself, which `cargo test` alone does not promise to build.
    succeed(&mut workspace.cargo(["build", "--locked", "--workspace", "--bins"]))?;
    let previous = previous::program(workspace)?;
    // Before the others, of which some start what this builds.
    let clients = clients::run(workspace);
    let tests = test(workspace, previous.as_deref(), arguments).and(clients);
    let minutes = start.elapsed().as_secs().div_ceil(60);
    let summary = match (checks, tests) {
        (Ok(checks), Ok(())) => {
            println!("xtask: {checks}, all tests passed ({minutes} min)");
            if previous.is_none() {
                println!("xtask: NOT TESTED, as this clone has no history: an older program beside this one");
            }
            return Ok(());
        }
        (Err(checks), Ok(())) => format!("FAILED: {checks}; all tests passed"),
        (Ok(checks), Err(tests)) => format!("FAILED: {tests}; {checks}"),
        (Err(checks), Err(tests)) => format!("FAILED: {tests}; {checks}"),
    };
    Err(format!("{summary} ({minutes} min)").into())
}

fn test(workspace: &Workspace, previous: Option<&Path>, arguments: &[OsString]) -> Result {
    let cluster = Cluster::start()?;
    let mut command = workspace.cargo(["test", "--locked", "--workspace", "--no-fail-fast"]);
    let previous = previous.unwrap_or(Path::new("none"));
    let tests = succeed(command.args(arguments).env(URL_VARIABLE, cluster.url()).env(previous::VARIABLE, previous));
    // After the others: it leaves a program with another feature where theirs was.
    let feature = ["--features", check::TRACES_FEATURE, "--test", check::TRACES_TEST];
    let traces = succeed(workspace.cargo(["test", "--locked", "--workspace"]).args(feature));
    tests.and(traces)
}
