//! `claviger key rotate-many`: new secrets for all keys that filters select, into a file, with progress on standard error.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use clap::Args;
use claviger_domain::key::OVERLAP_SECONDS_MAX;
use claviger_manage::keys::OVERLAP_SECONDS_MIN;
use serde_json::{Value, json};

use super::client::Client;
use super::failure::Failure;
use super::key::Filters;
use super::output::{Output, cell};
use super::progress::Progress;

/// The most keys that were not rotated which are told; the file names them all.
const REFUSED_TOLD_MAX: usize = 50;

#[derive(Debug, Args)]
pub(super) struct RotateMany {
    /// For how long the old secrets stay valid too
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(u32).range(i64::from(OVERLAP_SECONDS_MIN)..=i64::from(OVERLAP_SECONDS_MAX)))]
    overlap_seconds: u32,
    /// The file for the new secrets, JSON Lines; there may be none by this name yet
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    output: Option<PathBuf>,
    /// Say how many keys that would be, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    filters: Filters,
}

/// What a file of rotated keys says.
#[derive(Debug, Default)]
struct Told {
    rotated: u64,
    /// Name and reason of the first that were not.
    refused: Vec<(String, String)>,
    refused_count: u64,
}

// === impl RotateMany ===

impl RotateMany {
    pub(super) async fn run(&self, client: &Client, output: Output) -> Result<(), Failure> {
        let (path, query) = (["keys", "rotate"], self.filters.query());
        let body = json!({"overlap_seconds": self.overlap_seconds, "dry_run": self.dry_run});
        let Some(file_path) = self.output.as_ref().filter(|_| !self.dry_run) else {
            let mut answer = Vec::new();
            client.post_and_download(&path, &query, &body, &mut answer).await?;
            let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
            let count = &answer["keys"];
            return if output.is_json() {
                output.value(&answer)
            } else {
                output.text(format_args!("{count} keys would be rotated"))
            };
        };
        let cannot = |error: &std::io::Error| {
            let hint = if error.kind() == ErrorKind::AlreadyExists { "; name another file" } else { "" };
            Failure::usage(format!("cannot write {}: {error}{hint}", file_path.display()))
        };
        // Secrets of before are not lost to those of now, and nobody else reads them.
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(file_path).map_err(|e| cannot(&e))?;
        let mut progress = Progress::of(0, "rotating", "keys");
        let received = client.post_and_download(&path, &query, &body, &mut progress.count(&mut file)).await;
        drop(progress);
        file.sync_all().map_err(|error| cannot(&error))?;
        let told = Told::read(&File::open(file_path).map_err(|error| cannot(&error))?);
        if let Err(failure) = received {
            return Err(told.broken_off(failure, file_path));
        }
        told.tell(output, file_path)
    }
}

// === impl Told ===

impl Told {
    fn read(file: &File) -> Self {
        let mut told = Self::default();
        for line in BufReader::new(file).lines().map_while(Result::ok) {
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["code"].is_string() {
                told.refused_count += 1;
                if told.refused.len() < REFUSED_TOLD_MAX {
                    told.refused.push((cell(&line["name"]), cell(&line["detail"])));
                }
            } else if line["id"].is_string() {
                told.rotated += 1;
            }
        }
        told
    }

    fn tell(&self, output: Output, path: &std::path::Path) -> Result<(), Failure> {
        let Told { rotated, refused, refused_count, .. } = self;
        if output.is_json() {
            output.value(&json!({"rotated": rotated, "refused": refused_count, "file": path}))?;
        } else {
            output.text(format_args!("{rotated} keys rotated; their new secrets are in {}", path.display()))?;
            for (name, reason) in refused {
                eprintln!("{name}: {reason}");
            }
            if *refused_count > refused.len() as u64 {
                eprintln!(
                    "{} more keys were not rotated; the file names them all.",
                    refused_count - refused.len() as u64
                );
            }
        }
        if *refused_count == 0 {
            Ok(())
        } else {
            Err(Failure::refused(format!("{refused_count} keys were not rotated")))
        }
    }

    /// The failure of a call that had begun, with how far it got. The keys that are in their overlap are refused by a second call,
    /// which thus goes on with the others.
    fn broken_off(&self, failure: Failure, path: &std::path::Path) -> Failure {
        if self.rotated == 0 && self.refused_count == 0 {
            // Nothing was told: the file holds nothing that anybody needs.
            let _ = std::fs::remove_file(path);
            return failure;
        }
        let message = format!(
            "{}\n{} keys were rotated before this; their new secrets are in {}. A key whose new secret did not arrive keeps its old \
             one for the overlap: `claviger key rotate ID --overlap-seconds 0` gives it another. Call it again with another file for \
             the rest: keys in their overlap are refused, the others rotated.",
            failure.message,
            self.rotated,
            path.display()
        );
        Failure { message, ..failure }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn told(lines: &[Value]) -> Told {
        let mut file = tempfile::tempfile().expect("a temporary file");
        for line in lines {
            writeln!(file, "{line}").expect("written");
        }
        std::io::Seek::rewind(&mut file).expect("rewound");
        Told::read(&file)
    }

    #[test]
    fn a_file_says_how_many_were_rotated_and_which_were_not() {
        let refused =
            json!({"id": "key_2", "name": "Old", "code": "conflict", "detail": "Only an active key can be rotated."});
        let lines = [
            json!({"keys": 2}),
            json!({"id": "key_1", "secret": "x"}),
            refused.clone(),
            json!({"rotated": 1, "refused": 1}),
        ];
        let all = told(&lines);
        assert_eq!((all.rotated, all.refused_count), (1, 1));
        assert_eq!(all.refused, [("Old".to_owned(), "Only an active key can be rotated.".to_owned())]);
        let many = told(&vec![refused; 70]);
        assert_eq!((many.refused.len(), many.refused_count), (50, 70));
        let failure = told(&lines[..2]).broken_off(Failure::refused("gone"), "file".as_ref());
        assert!(failure.message.starts_with("gone\n1 keys were rotated before this"), "{}", failure.message);
    }
}
