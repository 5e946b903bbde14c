//! Writing: by a thread of its own, which nobody waits for.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use claviger_domain::change::{Position, Step};
use claviger_domain::keyring::{Keyring, SealedKeyring};
use claviger_domain::snapshot_key::SnapshotKey;
use claviger_domain::{Clock, Random, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{FILE_NAME, Head, KeptStep, Kind, MAGIC, Standing, rows};
use crate::feed::{self, Mark};
use crate::load::{CHUNK, STATEMENTS};
use crate::native::Native;
use crate::{Error, Result, SCHEMA_VERSION, Store};

/// Parts that wait to be written; a writer that is further behind gives the snapshot up.
const PARTS_WAITING: usize = 4_096;
/// Bytes of steps that wait for the load of the same snapshot to be written.
const STEPS_BYTES_MAX: usize = 64 << 20;
/// A snapshot is written anew when its steps have this many bytes more than its load.
const STEPS_BYTES_BEYOND: u64 = 64 << 20;
/// How often it is noted, and made safe against a power cut, that nothing more had come.
const MARK_PERIOD: Duration = Duration::from_secs(5);

/// Keeps the local snapshot of a node: tell it each step that was applied.
pub struct SnapshotWriter {
    path: PathBuf,
    parts: mpsc::Sender<Message>,
    state: Arc<State>,
    marked_at: Mutex<Option<Duration>>,
}

/// The file as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotFile {
    /// Its length.
    pub bytes: u64,
    /// Until when it is known to have everything.
    pub until: Timestamp,
}

/// What both sides know.
#[derive(Default)]
struct State {
    /// The file is whole and followed by every step.
    is_current: AtomicBool,
    /// It should be written anew all the same.
    is_long: AtomicBool,
    /// A part did not find a place: what was written is not whole.
    has_missed: AtomicBool,
    /// Until when the file is known to have everything; `None` while there is none.
    until: Mutex<Option<Timestamp>>,
}

enum Message {
    Begin,
    Part(Kind, Vec<u8>),
    Loaded(Standing),
    Step(WaitingStep),
    Mark(Timestamp),
    Forget,
    Stop,
}

/// A step on its way into the file.
#[derive(Clone)]
struct WaitingStep {
    position: Position,
    at: Timestamp,
    kept: Vec<u8>,
}

/// What the thread works with.
struct Thread {
    path: PathBuf,
    ring: SealedKeyring,
    keyring: Keyring,
    random: Arc<dyn Random>,
    state: Arc<State>,
    current: Option<Output>,
    draft: Option<Draft>,
}

/// A file in the making.
struct Draft {
    output: Output,
    steps: Vec<WaitingStep>,
    steps_bytes: usize,
}

struct Output {
    file: BufWriter<File>,
    key: SnapshotKey,
    number: u64,
    bytes: u64,
    /// Bytes of the load.
    load_bytes: u64,
}

// === impl SnapshotWriter ===

impl SnapshotWriter {
    /// Begins to keep the snapshot of `folder`; the handle ends after [`SnapshotWriter::stop`]. Where the node was started
    /// from the file that is there, `until` is until when that was known to have everything.
    pub fn start(
        folder: &Path,
        ring: SealedKeyring,
        keyring: Keyring,
        random: Arc<dyn Random>,
        until: Option<Timestamp>,
    ) -> (Self, JoinHandle<()>) {
        let (parts, taken) = mpsc::channel(PARTS_WAITING);
        let state = Arc::new(State { until: Mutex::new(until), ..State::default() });
        let path = folder.join(FILE_NAME);
        let writer = Self { path: path.clone(), parts, state: Arc::clone(&state), marked_at: Mutex::default() };
        let thread = Thread { path, ring, keyring, random, state, current: None, draft: None };
        (writer, tokio::task::spawn_blocking(move || thread.run(taken)))
    }

    /// Whether a load should be written: there is none, or its steps have become long.
    pub fn wants_load(&self) -> bool {
        !self.state.is_current.load(Ordering::SeqCst) || self.state.is_long.load(Ordering::SeqCst)
    }

    /// The file as it stands; `None` while there is none that a start could use.
    pub fn file(&self) -> Option<SnapshotFile> {
        let until = (*self.state.until())?;
        let bytes = std::fs::metadata(&self.path).ok()?.len();
        Some(SnapshotFile { bytes, until })
    }

    /// What was written is of no use any more: the feed is another one.
    pub fn forget(&self) {
        self.state.is_current.store(false, Ordering::SeqCst);
        self.tell(Message::Forget);
    }

    /// Notes a step that is about to be applied.
    pub fn note(&self, step: &Step, after: &Resumable, now: Timestamp) {
        let Resumable(Mark { position, nonce }) = after;
        let standing = Standing { position: *position, nonce: nonce.clone(), at: now };
        // Only maps with keys that are no texts fail, and no record has one.
        let kept = serde_json::to_vec(&KeptStep { standing, step });
        match kept {
            Ok(kept) => self.tell(Message::Step(WaitingStep { position: *position, at: now, kept })),
            Err(_) => self.state.has_missed.store(true, Ordering::SeqCst),
        }
    }

    /// Notes that nothing more has come until now.
    pub fn mark(&self, clock: &dyn Clock) {
        let mut marked_at = self.marked_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock.monotonic();
        if marked_at.is_none_or(|at| now.saturating_sub(at) >= MARK_PERIOD) {
            *marked_at = Some(now);
            self.tell(Message::Mark(clock.now()));
        }
    }

    /// Reads everything from the database and writes it.
    pub async fn write_load(&self, store: &Store) -> Result<()> {
        store.check_open()?;
        let at = store.clock().now();
        let mut native = Native::begin(&store.server()).await?;
        let mut applied = None;
        self.send(Message::Begin).await?;
        for statement in STATEMENTS {
            self.send(Message::Part(Kind::Statement, statement.as_bytes().to_vec())).await?;
            let mut rows = native.rows(statement);
            loop {
                let mut part = Vec::new();
                let count = rows
                    .take(CHUNK, |row| {
                        if statement == feed::SELECT_HEAD {
                            applied = Some(feed::read_head(row)?);
                        }
                        rows::encode(row, &mut part)
                    })
                    .await?;
                if count == 0 {
                    break;
                }
                self.send(Message::Part(Kind::Rows, part)).await?;
            }
        }
        native.end().await?;
        let Mark { position, nonce } = applied.ok_or_else(|| Error::Unreadable("the feed has no head".to_owned()))?;
        self.send(Message::Loaded(Standing { position, nonce, at })).await
    }

    /// Writes what waits, and ends.
    pub async fn stop(&self) {
        // Nobody is there to be told any more.
        let _ = self.parts.send(Message::Stop).await;
    }

    /// Without waiting: whoever applies changes must not.
    fn tell(&self, message: Message) {
        if self.parts.try_send(message).is_err() {
            self.state.has_missed.store(true, Ordering::SeqCst);
        }
    }

    async fn send(&self, message: Message) -> Result<()> {
        self.parts.send(message).await.map_err(|_| Error::Unavailable("nobody writes the local snapshot".to_owned()))
    }
}

/// Where a feed stands, for a snapshot to go on from.
#[derive(Debug, Clone)]
pub struct Resumable(pub(crate) Mark);

// === impl State ===

impl State {
    fn until(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Thread ===

impl Thread {
    fn run(mut self, mut taken: mpsc::Receiver<Message>) {
        while let Some(message) = taken.blocking_recv() {
            if self.state.has_missed.swap(false, Ordering::SeqCst) {
                tracing::warn!("the local snapshot is written too slowly; it is begun anew");
                self.give_up();
            }
            if matches!(message, Message::Stop) {
                break;
            }
            let is_of_the_draft = matches!(message, Message::Begin | Message::Part(..) | Message::Loaded(_));
            if let Err(error) = self.take(message) {
                tracing::error!("the local snapshot {} cannot be written: {error}", self.path.display());
                if is_of_the_draft { self.give_up_draft() } else { self.give_up() }
            }
        }
        if let Some(output) = &mut self.current
            && let Err(error) = output.make_safe()
        {
            tracing::error!("the local snapshot {} cannot be written: {error}", self.path.display());
        }
    }

    fn take(&mut self, message: Message) -> std::io::Result<()> {
        match message {
            Message::Begin => {
                let output = Output::create(&self.draft_path(), &self.ring, &self.keyring, &*self.random)?;
                self.draft = Some(Draft { output, steps: Vec::new(), steps_bytes: 0 });
            }
            Message::Part(kind, part) => {
                if let Some(draft) = &mut self.draft {
                    draft.output.append(kind, part)?;
                }
            }
            Message::Loaded(standing) => self.finish(&standing)?,
            Message::Step(step) => {
                if let Some(draft) = &mut self.draft {
                    draft.steps_bytes += step.kept.len();
                    draft.steps.push(step.clone());
                }
                if self.draft.as_ref().is_some_and(|draft| draft.steps_bytes > STEPS_BYTES_MAX) {
                    self.draft = None;
                }
                if let Some(output) = &mut self.current {
                    output.append(Kind::Step, step.kept)?;
                    output.file.flush()?;
                    *self.state.until() = Some(step.at);
                    self.state.is_long.store(output.is_long(), Ordering::SeqCst);
                }
            }
            Message::Mark(at) => {
                if let Some(output) = &mut self.current {
                    output.append(Kind::Mark, json(&at)?)?;
                    output.make_safe()?;
                    *self.state.until() = Some(at);
                }
            }
            Message::Forget => self.give_up(),
            Message::Stop => {}
        }
        Ok(())
    }

    /// Puts the draft in the place of the file, with the steps that came meanwhile.
    fn finish(&mut self, standing: &Standing) -> std::io::Result<()> {
        let Some(Draft { mut output, steps, .. }) = self.draft.take() else { return Ok(()) };
        output.append(Kind::Loaded, json(standing)?)?;
        output.load_bytes = output.bytes;
        let mut until = standing.at;
        for step in steps.into_iter().filter(|step| step.position > standing.position) {
            output.append(Kind::Step, step.kept)?;
            until = step.at;
        }
        output.make_safe()?;
        std::fs::rename(self.draft_path(), &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        *self.state.until() = Some(until);
        self.state.is_long.store(output.is_long(), Ordering::SeqCst);
        self.state.is_current.store(true, Ordering::SeqCst);
        tracing::debug!("the local snapshot is written, up to change {}: {} bytes", standing.position, output.bytes);
        self.current = Some(output);
        Ok(())
    }

    /// No snapshot rather than one that lacks a change.
    fn give_up(&mut self) {
        self.state.is_current.store(false, Ordering::SeqCst);
        *self.state.until() = None;
        self.current = None;
        self.give_up_draft();
        remove(&self.path);
    }

    fn give_up_draft(&mut self) {
        self.draft = None;
        remove(&self.draft_path());
    }

    fn draft_path(&self) -> PathBuf {
        self.path.with_extension("new")
    }
}

/// Removes the snapshot in a data directory, if there is one: this node gives no verdicts any more that the others do not
/// know of.
pub fn remove_snapshot(data_dir: &Path) {
    remove(&data_dir.join(FILE_NAME));
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::error!("the local snapshot {} cannot be removed: {error}", path.display());
        }
        _ => {}
    }
}

fn json(value: &impl serde::Serialize) -> std::io::Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(std::io::Error::other)
}

// === impl Output ===

impl Output {
    fn create(path: &Path, ring: &SealedKeyring, keyring: &Keyring, random: &dyn Random) -> std::io::Result<Self> {
        let mut salt = vec![0; 32];
        random.fill(&mut salt);
        let head = json(&Head { schema: SCHEMA_VERSION, ring: ring.clone(), salt })?;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        let mut file = BufWriter::with_capacity(1 << 18, file);
        file.write_all(MAGIC)?;
        file.write_all(&(head.len() as u32).to_be_bytes())?;
        file.write_all(&head)?;
        let key = SnapshotKey::new(keyring.sealing(), &head);
        Ok(Self { file, key, number: 0, bytes: 0, load_bytes: 0 })
    }

    fn append(&mut self, kind: Kind, mut part: Vec<u8>) -> std::io::Result<()> {
        self.key.seal(self.number, kind as u8, &mut part);
        self.number += 1;
        self.bytes += part.len() as u64 + 5;
        self.file.write_all(&[kind as u8])?;
        self.file.write_all(&(part.len() as u32).to_be_bytes())?;
        self.file.write_all(&part)
    }

    fn make_safe(&mut self) -> std::io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_data()
    }

    fn is_long(&self) -> bool {
        self.bytes > 2 * self.load_bytes + STEPS_BYTES_BEYOND
    }
}
