//! The file that the audit log is appended to, and the one beside it that says how far it is.
//!
//! The cursor is saved after what it speaks of, and speaks of a length of the file: what was appended behind that, before a process was
//! killed, is read back. So nothing is lost, and nothing is written twice but where the file was taken away in that moment.

use std::collections::BTreeMap;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::data_dir::{sync_parent, write_private};

/// What each line of ours begins with.
const LINE_BEGIN: &[u8] = b"{\"chain\":";
/// More bytes than any line has.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How much is read at once where a line's beginning is looked for.
const STEP_BYTES: u64 = 64 * 1024;

/// How far a chain is written: its last entry in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Its number.
    pub(super) seq: i64,
    /// Its MAC, in hexadecimal: a database that was set back has other entries with the same numbers.
    pub(super) hash: String,
}

/// Which file, whatever it is called by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct FileId {
    device: u64,
    inode: u64,
}

/// What is saved beside the file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Cursor {
    file: Option<FileId>,
    /// The file's length to which the marks belong.
    length: u64,
    chains: BTreeMap<String, Mark>,
}

/// What is read back of a line.
#[derive(Debug, Deserialize)]
struct Line {
    chain: String,
    seq: Option<i64>,
    hash: Option<String>,
    checkpoint: Option<Checkpoint>,
}

/// What a line says that tells of removed entries.
#[derive(Debug, Deserialize)]
struct Checkpoint {
    seq: i64,
    mac: String,
}

/// The file with its cursor. All of it waits for the disk.
#[derive(Debug)]
pub(super) struct StreamFile {
    path: PathBuf,
    open: Option<File>,
    cursor: Option<Cursor>,
}

// === impl StreamFile ===

impl StreamFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: None, cursor: None }
    }

    /// Opens the file, anew if another one or none is there under its name by now.
    pub(super) fn ready(&mut self) -> Result<()> {
        if let (Some(_), Some(cursor)) = (&self.open, &self.cursor) {
            match std::fs::metadata(&self.path) {
                Ok(found) if Some(FileId::of(&found)) == cursor.file => return Ok(()),
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => self.save()?,
            }
        }
        self.open = None;
        let mut cursor = match &self.cursor {
            Some(cursor) => cursor.clone(),
            None => read_cursor(&self.cursor_path())?,
        };
        let file = open(&self.path)?;
        take_up(&file, &mut cursor)?;
        self.cursor = Some(cursor);
        self.save()?;
        self.open = Some(file);
        Ok(())
    }

    /// How far each chain is written.
    pub(super) fn marks(&self) -> BTreeMap<String, Mark> {
        self.cursor.as_ref().map(|cursor| cursor.chains.clone()).unwrap_or_default()
    }

    /// Appends whole lines, with which `chain` is written up to `mark`, and waits until the disk has them.
    pub(super) fn append(&mut self, chain: &str, lines: &[u8], mark: Mark) -> Result<()> {
        let (Some(file), Some(cursor)) = (&mut self.open, &mut self.cursor) else {
            return Err(Error::from(ErrorKind::NotConnected));
        };
        let written = file.write_all(lines).and_then(|()| file.sync_data()).and_then(|()| file.metadata());
        match written {
            Ok(metadata) => {
                cursor.length = metadata.len();
                cursor.chains.insert(chain.to_owned(), mark);
                Ok(())
            }
            Err(error) => {
                // What was written of it is read back at the next opening.
                self.open = None;
                Err(error)
            }
        }
    }

    /// Begins a chain anew.
    pub(super) fn forget(&mut self, chain: &str) {
        if let Some(cursor) = &mut self.cursor {
            cursor.chains.remove(chain);
        }
    }

    /// Writes down how far the file is.
    pub(super) fn save(&self) -> Result<()> {
        let Some(cursor) = &self.cursor else { return Ok(()) };
        write_private(&self.cursor_path(), &serde_json::to_string(cursor)?)
    }

    fn cursor_path(&self) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(".cursor");
        name.into()
    }
}

fn open(path: &Path) -> Result<File> {
    let is_new = match std::fs::metadata(path) {
        // A pipe would wait for who reads it.
        Ok(found) if !found.is_file() => return Err(Error::new(ErrorKind::InvalidInput, "it is no regular file")),
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::NotFound => true,
        Err(error) => return Err(error),
    };
    let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Err(Error::other("another process writes it")),
        Err(error) => return Err(error.into()),
    }
    if is_new {
        sync_parent(path)?;
    }
    Ok(file)
}

fn read_cursor(path: &Path) -> Result<Cursor> {
    match std::fs::read(path) {
        // One that says nothing is as none: the file itself is read.
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Cursor::default()),
        Err(error) => Err(error),
    }
}

/// Goes on with a file that was opened: what stands in it behind the cursor counts as written.
fn take_up(file: &File, cursor: &mut Cursor) -> Result<()> {
    let found = file.metadata()?;
    let id = FileId::of(&found);
    cut_broken_line(file, found.len())?;
    let length = file.metadata()?.len();
    let from = match cursor.file {
        Some(known) if known == id => Some(if cursor.length <= length { cursor.length } else { 0 }),
        // Another one was put in its place.
        Some(_) => None,
        None => Some(0),
    };
    if let Some(from) = from.filter(|from| *from < length) {
        read_back(file, from, cursor)?;
    }
    cursor.file = Some(id);
    cursor.length = length;
    Ok(())
}

/// Cuts a last line that was not written to its end. It is written again from its beginning.
fn cut_broken_line(file: &File, length: u64) -> Result<()> {
    let begin = begin_of_last_line(file, length)?;
    if begin == length {
        return Ok(());
    }
    let mut start = [0; LINE_BEGIN.len()];
    let known = LINE_BEGIN.len().min((length - begin) as usize);
    file.read_exact_at(&mut start[..known], begin)?;
    if start[..known] != LINE_BEGIN[..known] {
        return Err(Error::new(ErrorKind::InvalidData, "it holds something else than the audit log"));
    }
    file.set_len(begin)
}

/// Where the last line begins that has no end; the length where each has one.
fn begin_of_last_line(file: &File, length: u64) -> Result<u64> {
    let mut end = length;
    while end > 0 {
        let begin = end.saturating_sub(STEP_BYTES);
        let mut step = vec![0; (end - begin) as usize];
        file.read_exact_at(&mut step, begin)?;
        if let Some(at) = step.iter().rposition(|byte| *byte == b'\n') {
            return Ok(begin + at as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

fn read_back(file: &File, from: u64, cursor: &mut Cursor) -> Result<()> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(from))?;
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let Ok(Line { chain, seq, hash, checkpoint }) = serde_json::from_slice(&line) else { continue };
        let mark = match (seq, hash, checkpoint) {
            (Some(seq), Some(hash), _) => Mark { seq, hash },
            (_, _, Some(Checkpoint { seq, mac })) => Mark { seq, hash: mac },
            _ => continue,
        };
        cursor.chains.insert(chain, mark);
    }
}

// === impl FileId ===

impl FileId {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(chain: &str, seq: i64) -> String {
        format!("{{\"chain\":\"{chain}\",\"seq\":{seq},\"hash\":\"h{seq}\"}}\n")
    }

    fn mark(seq: i64) -> Mark {
        Mark { seq, hash: format!("h{seq}") }
    }

    /// A file that is ready in an empty folder.
    fn ready(folder: &tempfile::TempDir) -> StreamFile {
        let mut file = StreamFile::new(folder.path().join("audit.jsonl"));
        file.ready().expect("it opens");
        file
    }

    fn text(folder: &tempfile::TempDir) -> String {
        std::fs::read_to_string(folder.path().join("audit.jsonl")).expect("it")
    }

    #[test]
    fn what_was_appended_after_the_cursor_was_saved_is_read_back_and_half_a_line_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = ready(&folder);
        file.append("a", line("a", 1).as_bytes(), mark(1)).expect("written");
        file.save().expect("saved");
        file.append("a", line("a", 2).as_bytes(), mark(2)).expect("written");
        file.append("b", line("b", 1).as_bytes(), mark(1)).expect("written");
        // It dies in the middle of a line, and says nothing any more.
        file.open.as_mut().expect("open").write_all(b"{\"chain\":\"a\",\"seq\":3,\"ha").expect("written");
        drop(file);
        let file = ready(&folder);
        assert_eq!(file.marks(), BTreeMap::from([("a".to_owned(), mark(2)), ("b".to_owned(), mark(1))]));
        assert_eq!(text(&folder), line("a", 1) + &line("a", 2) + &line("b", 1));
    }

    #[test]
    fn without_its_cursor_the_whole_file_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = ready(&folder);
        file.append("a", (line("a", 1) + &line("a", 2)).as_bytes(), mark(2)).expect("written");
        let path = file.cursor_path();
        drop(file);
        for damage in [None, Some("{")] {
            match damage {
                None => std::fs::remove_file(&path).expect("removed"),
                Some(text) => std::fs::write(&path, text).expect("written"),
            }
            assert_eq!(ready(&folder).marks(), BTreeMap::from([("a".to_owned(), mark(2))]), "{damage:?}");
        }
    }

    #[test]
    fn a_file_that_was_moved_away_is_followed_by_a_new_one_that_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = ready(&folder);
        file.append("a", line("a", 1).as_bytes(), mark(1)).expect("written");
        let path = folder.path().join("audit.jsonl");
        std::fs::rename(&path, folder.path().join("audit.jsonl.1")).expect("moved");
        file.ready().expect("it opens");
        file.append("a", line("a", 2).as_bytes(), mark(2)).expect("written");
        assert_eq!(text(&folder), line("a", 2));
        assert_eq!(std::fs::metadata(&path).expect("it").mode() & 0o777, 0o600);
        // The same while nobody writes.
        file.save().expect("saved");
        std::fs::rename(&path, folder.path().join("audit.jsonl.2")).expect("moved");
        drop(file);
        let file = ready(&folder);
        assert_eq!((file.marks()["a"].seq, text(&folder)), (2, String::new()));
    }

    #[test]
    fn one_that_was_emptied_goes_on_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = ready(&folder);
        file.append("a", (line("a", 1) + &line("a", 2)).as_bytes(), mark(2)).expect("written");
        file.save().expect("saved");
        OpenOptions::new().write(true).truncate(true).open(&file.path).expect("emptied");
        file.append("a", line("a", 3).as_bytes(), mark(3)).expect("written");
        drop(file);
        assert_eq!((ready(&folder).marks()["a"].seq, text(&folder)), (3, line("a", 3)));
    }

    #[test]
    fn what_is_not_ours_or_in_use_is_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        std::fs::write(&path, "a letter\nto somebody").expect("written");
        assert_eq!(StreamFile::new(path.clone()).ready().expect_err("foreign").kind(), ErrorKind::InvalidData);
        assert_eq!(text(&folder), "a letter\nto somebody");
        std::fs::remove_file(&path).expect("removed");
        let _in_use = ready(&folder);
        assert!(StreamFile::new(path).ready().is_err(), "two would write through each other");
        let missing = folder.path().join("missing/audit.jsonl");
        assert_eq!(StreamFile::new(missing).ready().expect_err("no folder").kind(), ErrorKind::NotFound);
        assert!(StreamFile::new(folder.path().to_owned()).ready().is_err(), "a folder");
    }

    #[test]
    fn a_line_that_tells_of_removed_entries_is_a_mark_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = ready(&folder);
        let removed = "{\"chain\":\"a\",\"checkpoint\":{\"seq\":7,\"mac\":\"h7\"}}\n";
        file.append("a", removed.as_bytes(), mark(7)).expect("written");
        let path = file.cursor_path();
        drop(file);
        std::fs::remove_file(path).expect("removed");
        assert_eq!(ready(&folder).marks()["a"], mark(7));
    }
}
