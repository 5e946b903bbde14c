//! `claviger backup`: the running server's backup, as a file that is there whole or not at all.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use clap::Args;
use claviger_server::data_dir::sync_parent;
use claviger_store::backup::{Backup as Contents, Header, Progress as Done};
use serde_json::json;
use tempfile::NamedTempFile;

use super::client::Client;
use super::failure::Failure;
use super::output::Output;
use super::progress::Progress;

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The file to write; - for standard output
    file: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

// === impl Backup ===

impl Backup {
    pub(super) async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let mut progress = Progress::of(0, "writing", "rows");
        if self.file == Path::new("-") {
            return client.download(&["backup"], &[], &mut progress.count(std::io::stdout())).await;
        }
        self.check_free()?;
        let cannot = |error: std::io::Error| Failure::usage(format!("cannot write {}: {error}", self.file.display()));
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Made with mode 0600, and gone if this is left early.
        let draft = tempfile::Builder::new().prefix(".claviger-backup-").tempfile_in(folder.unwrap_or(Path::new(".")));
        let mut draft = draft.map_err(cannot)?;
        client.download(&["backup"], &[], &mut progress.count(draft.as_file_mut())).await.map_err(|failure| {
            Failure {
                message: format!("{}\nNothing was written to {}.", failure.message, self.file.display()),
                ..failure
            }
        })?;
        drop(progress);
        let (header, done) = read_again(&draft)?;
        draft.as_file().sync_all().map_err(cannot)?;
        self.put(draft)?;
        sync_parent(&self.file).map_err(cannot)?;
        self.tell(output, &header, done)
    }

    /// Refuses before anything is asked of the server.
    fn check_free(&self) -> Result<(), Failure> {
        let file = self.file.display();
        match self.file.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Failure::usage(format!("cannot write {file}: {error}"))),
            Ok(facts) if !facts.is_file() => Err(Failure::usage(format!("{file} is there and is no file"))),
            Ok(_) if !self.force => Err(Failure::usage(format!("{file} is there already; --force writes over it"))),
            Ok(_) => Ok(()),
        }
    }

    fn put(&self, draft: NamedTempFile) -> Result<(), Failure> {
        let put = if self.force { draft.persist(&self.file) } else { draft.persist_noclobber(&self.file) };
        put.map(drop).map_err(|error| Failure::usage(format!("cannot write {}: {}", self.file.display(), error.error)))
    }

    fn tell(&self, output: Output, header: &Header, done: Done) -> Result<(), Failure> {
        let file = self.file.display();
        if output.is_json() {
            return output.value(&json!({
                "file": file.to_string(), "made_at": header.made_at, "change": header.position().to_string(),
                "keys": header.rows.get("keys"), "rows": done.rows, "bytes": done.bytes,
            }));
        }
        output.text(format_args!(
            "Wrote {file}: {} rows as of {}, change {}.",
            done.rows,
            header.made_at,
            header.position()
        ))?;
        eprintln!("It opens with the server's master secret alone, which is not in it: keep a copy of that elsewhere.");
        Ok(())
    }
}

/// What came is read back from the disk: whole, and as it was sent.
fn read_again(draft: &NamedTempFile) -> Result<(Header, Done), Failure> {
    let wrong = |error: &dyn std::fmt::Display| {
        Failure::unreachable(format!("what the server sent is no whole backup: {error}"))
    };
    let file: File = draft.reopen().map_err(|error| wrong(&error))?;
    let backup = Contents::open(BufReader::new(file)).map_err(|error| wrong(&error))?;
    let header = backup.header().clone();
    let mut progress = Progress::of(header.row_count(), "checking", "rows");
    let done = backup.check(None, |done| progress.set(done.rows)).map_err(|error| wrong(&error))?;
    Ok((header, done))
}
