//! Files that the product itself writes, committed so that a change of the wire shows in review.

use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::workspace::{Workspace, output, succeed};

/// Where they lie, below the root.
const FOLDER: &str = "docs/generated";

/// File name, and the arguments that make `claviger` print it.
const FILES: [(&str, &[&str]); 3] = [
    ("config.schema.json", &["config", "schema"]),
    ("openapi-control.json", &["openapi", "control"]),
    ("openapi-doors.json", &["openapi", "doors"]),
];

/// Writes the files, or with `check` fails naming those that are not what the binary prints.
pub fn run(workspace: &Workspace, check: bool) -> Result {
    // The whole workspace: with the same features as the tests, nothing is built twice.
    succeed(&mut workspace.cargo(["build", "--locked", "--workspace", "--bins"]))?;
    let program = workspace.target().join("debug/claviger");
    let mut stale = Vec::new();
    for (name, arguments) in FILES {
        let path = workspace.root().join(FOLDER).join(name);
        let fresh = print(&program, arguments)?;
        if check {
            if std::fs::read_to_string(&path).ok().as_ref() != Some(&fresh) {
                stale.push(format!("{FOLDER}/{name}"));
            }
        } else {
            std::fs::create_dir_all(workspace.root().join(FOLDER))?;
            std::fs::write(&path, fresh)?;
        }
    }
    if stale.is_empty() {
        Ok(())
    } else {
        Err(format!("not fresh: {}; run `cargo xtask generated`", stale.join(", ")).into())
    }
}

/// The settings of whoever runs this must not show in the files.
fn print(program: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    command.args(arguments);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CLAVIGER_")) {
            command.env_remove(name);
        }
    }
    let mut text = output(&mut command)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
