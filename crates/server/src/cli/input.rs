//! What a command reads: secrets by standard input or from a file, never as an argument.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use claviger_domain::Secret;
use claviger_domain::credential::CREDENTIAL_LENGTH_MAX;
use zeroize::Zeroizing;

use super::failure::Failure;

/// Where a credential is read from.
#[derive(Debug, Args)]
pub(crate) struct CredentialSource {
    /// The file that holds the credential; without it standard input is read
    #[arg(long, value_name = "FILE")]
    credential_file: Option<PathBuf>,
}

// === impl CredentialSource ===

impl CredentialSource {
    /// Reads the credential; white space around it is ignored.
    pub(crate) fn read(&self) -> Result<Secret, Failure> {
        read_credential(self.credential_file.as_deref().unwrap_or(Path::new("-")))
    }
}

/// Reads a credential from a file, or from standard input for `-`; white space around it is ignored.
pub(crate) fn read_credential(path: &Path) -> Result<Secret, Failure> {
    // Room for the line break, and one byte more to see that there is too much.
    let bytes = Zeroizing::new(read_bounded(path, CREDENTIAL_LENGTH_MAX + 2)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::usage("the credential is not UTF-8"))?.trim();
    if text.is_empty() {
        return Err(Failure::usage("no credential: name its file in --credential-file, or send it by standard input"));
    }
    Ok(Secret::new(text.to_owned()))
}

/// Reads a password from standard input: a line, of which everything but its end counts.
pub(crate) fn read_password() -> Result<Secret, Failure> {
    let bytes = Zeroizing::new(read_bounded(Path::new("-"), CREDENTIAL_LENGTH_MAX + 2)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| Failure::usage("the password is not UTF-8"))?;
    let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
    if text.is_empty() {
        return Err(Failure::usage("no password: send it by standard input"));
    }
    Ok(Secret::new(text.to_owned()))
}

/// Reads a whole file, or standard input for `-`, of at most `bytes_max`.
pub(crate) fn read_bounded(path: &Path, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let unreadable = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(std::io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    let mut bytes = Vec::new();
    source.take(bytes_max as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > bytes_max {
        return Err(Failure::usage(format!("{} has more than {bytes_max} bytes", path.display())));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_read_from_its_file_without_the_line_break() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("credential");
        std::fs::write(&path, " a-credential\n").expect("written");
        let source = CredentialSource { credential_file: Some(path.clone()) };
        assert_eq!(source.read().expect("read").expose(), "a-credential");
        std::fs::write(&path, "\n").expect("written");
        assert!(source.read().expect_err("empty").message.contains("--credential-file"));
        std::fs::write(&path, "x".repeat(CREDENTIAL_LENGTH_MAX + 3)).expect("written");
        assert_eq!(source.read().expect_err("too long").code, 2);
    }

    #[test]
    fn a_missing_file_is_named() {
        let failure = read_bounded(Path::new("/nowhere/file"), 10).expect_err("missing");
        assert!(failure.message.contains("/nowhere/file") && failure.code == 2);
    }
}
