//! The program of the schema before, for the test that runs it beside the new one: the newest commit with a
//! lower schema, built from git; the program alone is kept.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::workspace::{Workspace, output, succeed};

/// The variable by which the tests find it; `none` says that there is no history to build it from.
pub const VARIABLE: &str = "CLAVIGER_TEST_PREVIOUS_PROGRAM";
/// Where each migration is a file.
const MIGRATIONS: &str = "crates/store/migrations";

/// The program; `None` where the clone has no commit to build it from.
///
/// # Errors
/// It does not build.
pub fn program(workspace: &Workspace) -> Result<Option<PathBuf>> {
    let Some(commit) = commit_before(workspace.root()) else { return Ok(None) };
    let folder = workspace.target().join("previous");
    let program = folder.join(format!("claviger-{commit}"));
    if !program.exists() {
        println!("xtask: building the program of {commit}, whose schema is the one before");
        build(workspace, &commit, &folder)?;
        std::fs::rename(folder.join("target/debug/claviger"), &program)?;
        // What it was built from and with is gigabytes, and not needed until the schema changes again.
        std::fs::remove_dir_all(folder.join("source"))?;
        std::fs::remove_dir_all(folder.join("target"))?;
    }
    Ok(Some(program))
}

/// The newest commit before which the schema had a lower number than it has now. A commit that only moves a migration to
/// another number, as happens when two people took the same one, is none.
fn commit_before(root: &Path) -> Option<String> {
    let now = schema_of(root, "HEAD")?;
    let commits = git(root, &["log", "--format=%h", "--abbrev=12", "--", MIGRATIONS])?;
    let mut parents = commits
        .lines()
        .filter_map(|commit| git(root, &["rev-parse", "--verify", "--quiet", "--short=12", &format!("{commit}^")]));
    parents.find(|parent| schema_of(root, parent).is_some_and(|schema| schema < now))
}

/// The highest number of a migration in a commit.
fn schema_of(root: &Path, commit: &str) -> Option<u32> {
    let files = git(root, &["ls-tree", "--name-only", commit, &format!("{MIGRATIONS}/")])?;
    files.lines().filter_map(number_of).max()
}

/// `crates/store/migrations/0031_usage.sql` → 31.
fn number_of(path: &str) -> Option<u32> {
    path.rsplit('/').next()?.split('_').next()?.parse().ok()
}

/// What git says; `None` if it refuses or says nothing.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    let found = output(command.args(arguments).current_dir(root).stderr(Stdio::null())).ok()?;
    Some(found.trim().to_owned()).filter(|found| !found.is_empty())
}

fn build(workspace: &Workspace, commit: &str, folder: &Path) -> Result {
    let source = folder.join("source");
    let target = folder.join("target");
    // What a run left that did not come to its end.
    for left in [&source, &target] {
        if left.exists() {
            std::fs::remove_dir_all(left)?;
        }
    }
    std::fs::create_dir_all(&source)?;
    let archive = folder.join("source.tar");
    let git = ["archive", "--output"];
    succeed(Command::new("git").args(git).arg(&archive).arg(commit).current_dir(workspace.root()))?;
    succeed(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(&source))?;
    std::fs::remove_file(&archive)?;
    seed(&workspace.target().join("debug"), &target.join("debug"))?;
    // Of the whole workspace, so that what it depends on has the features with which it is there.
    let mut cargo = workspace.cargo(["build", "--locked", "--workspace", "--bin", "claviger"]);
    cargo.current_dir(&source).env("CARGO_TARGET_DIR", &target).env("CLAVIGER_COMMIT", commit);
    // Debug information would be most of what is written, and nobody looks at it.
    succeed(cargo.env("CARGO_PROFILE_DEV_DEBUG", "false"))
}

/// Links what this program was built from into another target directory: most of it serves the older one as well, and takes
/// minutes to build. Ours are left out: cargo knows members of a workspace by their place in it, and would take these for theirs.
fn seed(from: &Path, to: &Path) -> Result {
    for part in ["deps", "build", ".fingerprint"] {
        let (from, to) = (from.join(part), to.join(part));
        if !from.exists() {
            continue;
        }
        std::fs::create_dir_all(&to)?;
        succeed(Command::new("cp").arg("--archive").arg("--link").arg(from.join(".")).arg(&to))?;
        for entry in std::fs::read_dir(&to)? {
            let entry = entry?;
            if !is_ours(&entry.file_name().to_string_lossy()) {
                continue;
            }
            let path = entry.path();
            if path.is_dir() { std::fs::remove_dir_all(path)? } else { std::fs::remove_file(path)? }
        }
    }
    Ok(())
}

/// Whether a file or folder of a target directory belongs to a member of the workspace.
fn is_ours(name: &str) -> bool {
    let name = name.strip_prefix("lib").unwrap_or(name);
    ["claviger", "e2e-", "xtask-"].iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::{is_ours, number_of};

    #[test]
    fn a_migration_s_number_stands_before_its_name() {
        assert_eq!(number_of("crates/store/migrations/0031_usage_rows.sql"), Some(31));
        assert_eq!(number_of("crates/store/migrations/README.md"), None);
    }

    #[test]
    fn what_members_of_the_workspace_left_is_theirs() {
        for name in ["libclaviger_domain-0a1b.rlib", "claviger-server-0a1b", "xtask-0a1b", "e2e-0a1b.d"] {
            assert!(is_ours(name), "{name}");
        }
        for name in ["libserde-0a1b.rlib", "libc-0a1b", "tokio-0a1b"] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
