//! The workspace as cargo sees it, and the commands that are run in it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand};

use crate::Result;

/// The workspace that this tool was started in.
pub struct Workspace {
    /// Packages and the resolved graph of all of them, all features as the members ask for them.
    pub metadata: Metadata,
}

// === impl Workspace ===

impl Workspace {
    /// Asks cargo, without changing Cargo.lock.
    pub fn read() -> Result<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        // The path compiled in is another clone's if clones share a target directory and cargo is bypassed: prefer cargo's word.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or(manifest, |directory| PathBuf::from(directory).join("../Cargo.toml"));
        let metadata = MetadataCommand::new().manifest_path(manifest).other_options(["--locked".to_owned()]).exec()?;
        Ok(Self { metadata })
    }

    /// The repository's root.
    pub fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// Where cargo builds.
    pub fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// A cargo command in the root.
    pub fn cargo<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(self.root());
        // What `cargo run` set for this tool would reach build scripts and make them run again.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                command.env_remove(name);
            }
        }
        command
    }
}

/// Runs a command with this terminal; an error unless it ends with success.
pub fn succeed(command: &mut Command) -> Result {
    let text = line(command);
    let status = command.status().map_err(|error| format!("cannot start `{text}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{text}` failed ({status})").into()) }
}

/// Runs a command and gives what it wrote to standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let text = line(command);
    let output = command.output().map_err(|error| format!("cannot start `{text}`: {error}"))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{text}` failed ({}): {}", output.status, message.trim()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
