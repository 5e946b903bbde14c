//! Everything that is true of the sources without running a test.

use std::path::PathBuf;
use std::process::Command;

use crate::workspace::{Workspace, output, succeed};
use crate::{Result, edges, generated, rows};

/// A tool from crates.io, built once into the target directory.
struct Tool {
    name: &'static str,
    version: &'static str,
}

const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
const MACHETE: Tool = Tool { name: "cargo-machete", version: "0.9.2" };

/// Licences, bans and sources.
const DENY_ARGUMENTS: [&str; 5] = ["check", "--hide-inclusion-graph", "licenses", "bans", "sources"];

/// The only feature, and the only test of it: a program that is built with it.
pub(crate) const TRACES_FEATURE: &str = "claviger-server/otel";
pub(crate) const TRACES_TEST: &str = "traces";

/// The cases of a gateway that is built on demand.
pub(crate) const TRAEFIK_FEATURE: &str = "claviger-e2e/traefik";

type Step = (&'static str, fn(&Workspace) -> Result);

/// Cheap and telling first.
const STEPS: [Step; 9] = [
    ("format", format),
    ("edges", edges::run),
    ("rows", rows::run),
    ("unused dependencies", machete),
    ("licences, bans, sources", deny),
    ("lints", lints),
    ("documents", documents),
    ("generated files", |workspace| generated::run(workspace, true)),
    ("fuzz targets", fuzz),
];

/// Runs all steps, and names those that failed.
pub fn run(workspace: &Workspace) -> Result {
    let mut failed = Vec::new();
    for (name, step) in STEPS {
        eprintln!("xtask: {name}");
        if let Err(error) = step(workspace) {
            eprintln!("xtask: {name}: {error}");
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed checks: {}", failed.join(", ")).into()) }
}

fn format(workspace: &Workspace) -> Result {
    succeed(&mut workspace.cargo(["fmt", "--all", "--check"]))
}

fn lints(workspace: &Workspace) -> Result {
    let deny = ["--", "-D", "warnings"];
    let clippy = ["clippy", "--locked", "--workspace"];
    succeed(workspace.cargo(clippy).args(["--all-targets", "--features", TRAEFIK_FEATURE]).args(deny))?;
    // Of the whole workspace, so that others' crates are built for no other set of features than they are anyway.
    let with_feature = ["--features", TRACES_FEATURE, "--bin", "claviger", "--test", TRACES_TEST];
    succeed(workspace.cargo(clippy).args(with_feature).args(deny))
}

fn documents(workspace: &Workspace) -> Result {
    succeed(workspace.cargo(["doc", "--locked", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The fuzz targets compile, and hold for their seeds; a workspace of their own, so nothing else looks at them.
fn fuzz(workspace: &Workspace) -> Result {
    let target = workspace.target().join("fuzz");
    let manifest = ["--manifest-path", "fuzz/Cargo.toml"];
    succeed(workspace.cargo(["fmt", "--check"]).args(manifest))?;
    // A workspace of its own takes no profile from ours, and full debug information is gigabytes.
    let cargo = |command: &[&str]| {
        let mut cargo = workspace.cargo(command);
        cargo.args(manifest).arg("--target-dir").arg(&target).env("CARGO_PROFILE_DEV_DEBUG", "false");
        cargo
    };
    succeed(&mut cargo(&["build", "--locked", "--bins"]))?;
    // Not all targets: a fuzz target that is run goes on for ever.
    succeed(&mut cargo(&["test", "--locked", "--lib"]))
}

/// No advisories: their database lies on github.com, which a build machine need not reach.
fn deny(workspace: &Workspace) -> Result {
    let program = DENY.install(workspace)?;
    succeed(Command::new(program).current_dir(workspace.root()).args(DENY_ARGUMENTS))
}

fn machete(workspace: &Workspace) -> Result {
    let program = MACHETE.install(workspace)?;
    succeed(Command::new(program).arg(workspace.root()))
}

// === impl Tool ===

impl Tool {
    /// The program, built if it is missing or of another version.
    fn install(&self, workspace: &Workspace) -> Result<PathBuf> {
        let root = workspace.target().join("tools");
        let program = root.join("bin").join(self.name);
        let installed = output(Command::new(&program).arg("--version")).unwrap_or_default();
        if installed.split_whitespace().any(|word| word == self.version) {
            return Ok(program);
        }
        let version = format!("={}", self.version);
        let mut command = workspace.cargo(["install", "--locked", "--force", self.name, "--version", &version]);
        let build = workspace.target().join("tools-build");
        // Optimised, they would take minutes longer to build and save seconds of their one run.
        command.arg("--debug");
        succeed(command.arg("--root").arg(&root).arg("--target-dir").arg(&build))?;
        std::fs::remove_dir_all(build)?;
        Ok(program)
    }
}
