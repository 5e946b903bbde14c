//! Traefik, which neither Debian nor `PyPI` has. Go builds it from the module proxy, on demand and not in every run: that takes
//! seven minutes of two cores, and 5 GB while it lasts. What it asks is recorded for the tests of every run.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use crate::postgres::{Cluster, URL_VARIABLE};
use crate::workspace::{Workspace, output, succeed};
use crate::{Result, check};

/// The module, and the newest version whose every dependency the module proxy has.
const MODULE: &str = "github.com/traefik/traefik/v3@v3.7.6";
/// A module of its own inside the other one, which is why the other one's archive lacks it. It adds nothing there.
const EXTENSION: &str = "pkg/config/dynamic/ext";
const EXTENSION_MODULE: &str = "module github.com/traefik/traefik/dynamic/ext\n\ngo 1.25\n";
const EXTENSION_SOURCE: &str = "package ext

type HTTP struct{}

type Router struct{}

func (in *HTTP) DeepCopyInto(out *HTTP) { *out = *in }

func (in *Router) DeepCopyInto(out *Router) { *out = *in }
";

/// Builds it if it is not there, and runs its cases. `arguments` go to the test binary.
pub fn run(workspace: &Workspace, arguments: &[OsString]) -> Result {
    let folder = workspace.target().join("traefik");
    if !folder.join("traefik").is_file() {
        build(&folder)?;
    }
    let cluster = Cluster::start()?;
    let mut tests = workspace.cargo(["test", "--locked", "--workspace", "--features", check::TRAEFIK_FEATURE]);
    tests.args(["--test", "e2e", "--", "gateways::traefik"]).args(arguments);
    succeed(tests.env(URL_VARIABLE, cluster.url()))
}

fn build(folder: &Path) -> Result {
    eprintln!("xtask: building {MODULE}");
    let work = folder.join("build");
    let modules = work.join("modules");
    let go = |directory: &Path| {
        let mut go = Command::new("go");
        // Modules that may be written can be deleted.
        go.current_dir(directory).env("GOFLAGS", "-modcacherw").env("CGO_ENABLED", "0");
        go.env("GOMODCACHE", &modules).env("GOCACHE", work.join("cache"));
        go
    };
    std::fs::create_dir_all(&work)?;
    succeed(go(&work).args(["mod", "download", MODULE]))?;
    // A module's own folder is Go's: the missing part is added to a copy.
    let source = work.join("source");
    succeed(Command::new("cp").arg("-r").arg(modules.join(MODULE)).arg(&source))?;
    succeed(Command::new("chmod").args(["-R", "u+w"]).arg(&source))?;
    let extension = source.join(EXTENSION);
    std::fs::create_dir_all(&extension)?;
    std::fs::write(extension.join("go.mod"), EXTENSION_MODULE)?;
    std::fs::write(extension.join("ext.go"), EXTENSION_SOURCE)?;
    let program = work.join("traefik");
    succeed(go(&source).args(["build", "-trimpath", "-ldflags=-s -w", "-o"]).arg(&program).arg("./cmd/traefik"))?;
    println!("xtask: {}", output(Command::new(&program).arg("version"))?.lines().next().unwrap_or_default());
    std::fs::rename(&program, folder.join("traefik"))?;
    std::fs::remove_dir_all(&work)?;
    Ok(())
}
