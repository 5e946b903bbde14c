//! What is said to PostgreSQL beside the store: by `psql`, to the bench's own database.

use std::process::{Child, Command, Stdio};

use crate::Result;

/// Runs statements, and returns what they answered: rows by lines, columns with `|` between them.
pub fn ask(url: &str, statements: &str) -> Result<String> {
    let output = command(url, statements).output().map_err(|error| missing(&error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(format!("psql: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}

/// Begins statements that take a while.
pub fn begin(url: &str, statements: &str) -> Result<Child> {
    Ok(command(url, statements).stdout(Stdio::null()).spawn().map_err(|error| missing(&error))?)
}

fn command(url: &str, statements: &str) -> Command {
    let mut command = Command::new("psql");
    command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1"]);
    command.args(["--dbname", url, "--command", statements]).stdin(Stdio::null());
    command
}

fn missing(error: &std::io::Error) -> String {
    format!("psql does not start ({error}); install it with: apt-get install postgresql-client")
}
