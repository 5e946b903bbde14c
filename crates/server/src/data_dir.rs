//! The data directory: made with mode 0700, held by one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

/// The file whose lock means "a process works here"; it holds that process's id.
const LOCK_FILE: &str = "lock";
/// More bytes than any process id has.
const PID_LENGTH_MAX: u64 = 32;

/// A data directory, held until this is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process holds it.
    #[error(
        "the data directory {} is in use by another claviger process{}; stop that one, or choose another directory \
         with --data or CLAVIGER_DATA_DIR",
        path.display(), pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Locked {
        /// The directory.
        path: PathBuf,
        /// The other process, where its id could be read.
        pid: Option<u32>,
    },
    /// Nothing can be written there.
    #[error(
        "the data directory {} cannot be written ({error}); make it writable for this user, or choose another with \
         --data or CLAVIGER_DATA_DIR",
        path.display()
    )]
    ReadOnly {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// The disk is full.
    #[error("no space is left on the device of the data directory {}; free some and start again", path.display())]
    Full {
        /// The directory.
        path: PathBuf,
    },
    /// Something else, such as a file where the directory should be.
    #[error("the data directory {} cannot be used: {error}", path.display())]
    Unusable {
        /// The directory.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
}

// === impl DataDir ===

impl DataDir {
    /// Makes the directory if it is missing, and takes its lock.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let fail = |error| DataDirError::of(path, error);
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(fail)?;
        let path = path.canonicalize().map_err(fail)?;
        let fail = |error| DataDirError::of(&path, error);
        keep_private(&path).map_err(fail)?;
        let mut lock = open_lock(&path.join(LOCK_FILE)).map_err(fail)?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(DataDirError::Locked { pid: read_pid(&mut lock), path: path.clone() });
            }
            Err(error) => return Err(fail(error.into())),
        }
        lock.set_len(0).and_then(|()| write!(lock, "{}", std::process::id())).map_err(fail)?;
        Ok(Self { path, _lock: lock })
    }

    /// The directory, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// An empty directory becomes this user's alone; one that is in use is its owner's decision.
fn keep_private(path: &Path) -> std::io::Result<()> {
    let mode = path.metadata()?.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    if path.read_dir()?.next().is_none() {
        return std::fs::set_permissions(path, Permissions::from_mode(0o700));
    }
    tracing::warn!("other users can reach the data directory {} (mode {mode:o}); `chmod 700` it", path.display());
    Ok(())
}

/// Writes a file that only this user can read, whole or not at all: the new content replaces the old at once.
pub fn write_private(path: &Path, content: &str) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    sync_parent(path)
}

/// Writes the entry of a new file to the disk: without it a power cut can lose the file though its bytes are safe.
pub fn sync_parent(path: &Path) -> std::io::Result<()> {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn read_pid(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.take(PID_LENGTH_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

// === impl DataDirError ===

impl DataDirError {
    /// The error that the system's `error` means for `path`.
    pub fn of(path: &Path, error: std::io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, error },
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Unusable { path, error },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_for_its_owner_alone_and_held_by_one() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("made/here");
        let held = DataDir::open(&path).expect("a new directory");
        assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o700);
        let message = DataDir::open(&path).expect_err("held").to_string();
        assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
        assert!(message.contains(held.path().to_str().expect("text")) && message.contains("--data"), "{message}");
        drop(held);
        DataDir::open(&path).expect("free again");
    }

    #[test]
    fn an_empty_directory_is_closed_to_others_and_a_used_one_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
        for (name, file, closed) in [("empty", None, 0o700), ("used", Some("claviger.db"), 0o755)] {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).expect("made");
            std::fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("opened");
            if let Some(file) = file {
                std::fs::write(path.join(file), "").expect("written");
            }
            drop(DataDir::open(&path).expect("usable"));
            assert_eq!(mode(&path), closed, "{name}");
        }
    }

    #[test]
    fn a_file_in_its_place_is_named() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("a-file");
        std::fs::write(&path, "x").expect("written");
        let message = DataDir::open(&path).expect_err("a file").to_string();
        assert!(message.contains("a-file") && message.contains("cannot be used"), "{message}");
    }

    #[test]
    fn the_systems_reasons_become_advice() {
        let path = Path::new("/data");
        for (errno, advice) in [
            (rustix::io::Errno::NOSPC, "no space is left"),
            (rustix::io::Errno::ROFS, "make it writable"),
            (rustix::io::Errno::ACCESS, "make it writable"),
            (rustix::io::Errno::NOTDIR, "cannot be used"),
        ] {
            let message = DataDirError::of(path, errno.into()).to_string();
            assert!(message.contains("/data") && message.contains(advice), "{message}");
        }
    }

    #[test]
    fn a_private_file_is_replaced_whole() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("token");
        for content in ["one", "another"] {
            write_private(&path, content).expect("written");
            assert_eq!(std::fs::read_to_string(&path).expect("read"), content);
            assert_eq!(path.metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(folder.path().read_dir().expect("listed").count(), 1);
    }
}
