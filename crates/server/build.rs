//! Tells the binary which commit it was built from: `CLAVIGER_COMMIT`, else what git says, else `unknown`.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=CLAVIGER_COMMIT");
    let given = std::env::var_os("CLAVIGER_COMMIT").and_then(|commit| commit.into_string().ok());
    let commit = given.filter(|commit| !commit.is_empty()).or_else(commit_of_git);
    println!("cargo::rustc-env=CLAVIGER_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
}

fn commit_of_git() -> Option<String> {
    // The log of HEAD grows with each commit; without it the script would run at every build.
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo::rerun-if-changed={log}");
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
