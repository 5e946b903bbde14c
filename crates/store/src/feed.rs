//! The change feed, as one reader sees it: load everything once, then steps, each read in one snapshot.

use std::collections::HashSet;
use std::time::Duration;

use claviger_domain::KeyId;
use claviger_domain::change::{Change, Object, ObjectRef, Position, Step};
use tokio::sync::watch;

use crate::conn::Conn;
use crate::fields::Fields;
use crate::listen::Wakeup;
use crate::load::{self, LoadProgress};
use crate::migrate::may_read;
use crate::native::Native;
use crate::pools::Kind;
use crate::snapshot_file::{Resumable, Resumed};
use crate::sql::sql;
use crate::write::{LAST_USES, NO_OBJECT};
use crate::{
    Error, Result, Store, api_sessions, api_sets, api_users, apis, application_types, applications, key_usage, keys,
    members, operations, organizations, roles,
};

/// A reader that is further behind than this many rows loads anew.
const ROWS_BEHIND_MAX: i64 = 100_000;
/// How many transactions the feed remembers.
const SEQS_KEPT: i64 = 100_000;
/// Old transactions are forgotten by this many at once.
const TRIM_EVERY: i64 = 1_000;

/// A reader of the change feed.
pub struct Feed {
    store: Store,
    applied: Option<Mark>,
    wakeup: Wakeup,
    failed: bool,
    /// When the look began that found what was read last: whoever asks for more has applied it.
    looked_at: Duration,
    looks: watch::Sender<Look>,
}

/// What a look at the feed found beside changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Whether the database takes writes: it was not made read-only.
    pub takes_writes: bool,
}

/// What [`Feed::next`] found.
#[derive(Debug, Clone, PartialEq)]
pub enum FeedEvent {
    /// Changes, to be applied at once.
    Step(Step),
    /// The feed is not the one that was read before, or forgot what this reader needs: load anew.
    Diverged,
}

/// A transaction of the feed, and the nonce by which it is told from one at the same place of another feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub(crate) position: Position,
    pub(crate) nonce: Vec<u8>,
}

/// A row of the feed.
struct Row {
    seq: i64,
    nonce: Vec<u8>,
    objects: Objects,
}

/// What a row of the feed names.
enum Objects {
    None,
    One(ObjectRef),
    Uses(Vec<KeyId>),
}

// === impl Feed ===

impl Feed {
    pub(crate) fn new(store: Store) -> Self {
        let wakeup = Wakeup::new(store.committed(), store.config());
        let looks = watch::Sender::new(Look { takes_writes: true });
        Self { store, applied: None, wakeup, failed: false, looked_at: Duration::ZERO, looks }
    }

    /// Tells each look that found nothing new: what was applied is all there is.
    pub fn looks(&self) -> watch::Receiver<Look> {
        self.looks.subscribe()
    }

    /// Reads everything in one snapshot: organizations, APIs with operations, sets, then keys, in chunks of at most
    /// `load::CHUNK` records. Returns the position from which [`Feed::next`] goes on.
    pub async fn load(
        &mut self,
        add: impl FnMut(Vec<Change>) + Send,
        progress: impl FnMut(LoadProgress) + Send,
    ) -> Result<Position> {
        self.applied = None;
        self.looked_at = self.store.clock().monotonic();
        let since = load::ended_since(self.store.clock());
        self.store.check_open()?;
        let mut native = Native::begin(&self.store.server()).await?;
        let applied = load::run(&mut native, since, add, progress).await?;
        native.end().await?;
        let position = applied.position;
        self.applied = Some(applied);
        Ok(position)
    }

    /// The transaction up to which this reader has read; `None` before a load.
    pub fn mark(&self) -> Option<&Mark> {
        self.applied.as_ref()
    }

    /// Goes on from where a local snapshot ended, which was known to have everything this long ago.
    pub fn resume(&mut self, resumed: &Resumed, age: Duration) {
        self.looked_at = self.store.clock().monotonic().saturating_sub(age);
        self.applied = Some(resumed.applied.clone());
    }

    /// Where this reader stands, for a snapshot to go on from; none before a load.
    pub fn standing(&self) -> Option<Resumable> {
        self.applied.clone().map(Resumable)
    }

    /// Waits for changes and reads them. After an error it may be called again: it waits the poll interval first.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<FeedEvent> {
        let interval = self.store.config().poll_interval.min(crate::config::POLL_INTERVAL_MAX);
        if self.applied.is_some() {
            self.store.counters().note_in_step(self.looked_at);
        }
        loop {
            if self.failed {
                tokio::time::sleep(interval).await;
                self.failed = false;
            }
            let Some(applied) = &self.applied else { return Ok(FeedEvent::Diverged) };
            let looked_at = self.store.clock().monotonic();
            let read = Box::pin(read_step(&self.store, applied, looked_at)).await;
            self.failed = read.is_err();
            match read? {
                Read::Nothing(look) => {
                    self.store.counters().note_in_step(looked_at);
                    self.looks.send_replace(look);
                }
                Read::Diverged => {
                    self.applied = None;
                    return Ok(FeedEvent::Diverged);
                }
                Read::Step(step, applied) => {
                    self.looked_at = looked_at;
                    self.applied = Some(applied);
                    return Ok(FeedEvent::Step(step));
                }
            }
            if !Box::pin(self.wakeup.prepare(&self.store.server())).await {
                let _ = tokio::time::timeout(interval, self.wakeup.wait()).await;
            }
        }
    }
}

// === impl Mark ===

impl Mark {
    /// Where it stands.
    pub fn position(&self) -> Position {
        self.position
    }
}

/// What one look at the feed found.
enum Read {
    Nothing(Look),
    Diverged,
    Step(Step, Mark),
}

async fn read_step(store: &Store, applied: &Mark, began: Duration) -> Result<Read> {
    let mut snapshot = store.read().await?;
    let head = head(&mut snapshot).await?;
    let look = look(&mut snapshot, store.kind()).await?;
    store.counters().note_look(store.clock().monotonic().saturating_sub(began), head.position);
    let behind = head.position.seq - applied.position.seq;
    if head == *applied {
        return Ok(Read::Nothing(look));
    }
    // One that is too far behind reads none of it: a load is less work, and bounded.
    if head.position.epoch != applied.position.epoch || !(1..=ROWS_BEHIND_MAX).contains(&behind) {
        return Ok(Read::Diverged);
    }
    let rows = rows_from(&mut snapshot, applied.position).await?;
    let is_same_feed = rows.first().is_some_and(|row| row.seq == applied.position.seq && row.nonce == applied.nonce);
    if !is_same_feed || rows.len() as i64 > ROWS_BEHIND_MAX {
        return Ok(Read::Diverged);
    }
    let mut touched: HashSet<ObjectRef> = HashSet::new();
    for row in rows.into_iter().filter(|row| row.seq > applied.position.seq) {
        match row.objects {
            Objects::None => {}
            Objects::One(object) => drop(touched.insert(object)),
            // Uses that this process wrote are known to it.
            Objects::Uses(_) if store.wrote_uses(Position { seq: row.seq, ..applied.position }) => {}
            Objects::Uses(keys) => touched.extend(keys.into_iter().map(ObjectRef::LastUse)),
        }
    }
    let changes = read_objects(&mut snapshot, touched).await?;
    Ok(Read::Step(Step { position: head.position, changes }, head))
}

/// A server that follows another one is none to follow: it may be behind.
async fn look(conn: &mut Conn, kind: Kind) -> Result<Look> {
    if kind == Kind::Sqlite {
        return Ok(Look { takes_writes: true });
    }
    let statement = sql("SELECT CAST(CASE WHEN pg_is_in_recovery() THEN 2 \
         WHEN current_setting('default_transaction_read_only') = 'on' THEN 1 ELSE 0 END AS BIGINT)");
    match conn.number(statement).await? {
        2 => Err(Error::Unavailable("the server follows another one".to_owned())),
        read_only => Ok(Look { takes_writes: read_only == 0 }),
    }
}

pub(crate) async fn head(conn: &mut Conn) -> Result<Mark> {
    let head = conn.row(sql(SELECT_HEAD), read_head).await?;
    head.ok_or_else(|| Error::Unreadable("the feed has no head".to_owned()))
}

/// The head row, and whether this program may read on; the replica's load reads it with the native driver.
pub(crate) const SELECT_HEAD: &str =
    "SELECT epoch, seq, nonce, (SELECT oldest_reader FROM schema_state) FROM feed_head";

/// # Errors
/// [`Error::Outdated`] where what stands behind it is not for this program.
pub(crate) fn read_head(row: &dyn Fields) -> Result<Mark> {
    may_read(row.number(3)?)?;
    let position = Position { epoch: row.number(0)?, seq: row.number(1)? };
    Ok(Mark { position, nonce: row.bytes(2)?.to_vec() })
}

async fn rows_from(conn: &mut Conn, position: Position) -> Result<Vec<Row>> {
    let statement =
        sql("SELECT seq, nonce, kind, object_id, organization_id FROM changes WHERE epoch = $1 AND seq >= $2 \
                         ORDER BY seq, n LIMIT $3");
    conn.rows(statement.bind(position.epoch).bind(position.seq).bind(ROWS_BEHIND_MAX + 1), |row| {
        let objects = match row.text(2)? {
            "organization" => Objects::One(ObjectRef::Organization(row.parsed(3)?)),
            "api" => Objects::One(ObjectRef::Api(row.parsed(3)?)),
            "api_set" => Objects::One(ObjectRef::ApiSet(row.parsed(3)?)),
            "application_type" => Objects::One(ObjectRef::ApplicationType(row.parsed(3)?)),
            "application" => Objects::One(ObjectRef::Application(row.parsed(3)?)),
            "role" => Objects::One(ObjectRef::Role(row.parsed(3)?)),
            "member" => Objects::One(ObjectRef::Member(row.parsed(4)?, row.parsed(3)?)),
            "api_user" => Objects::One(ObjectRef::ApiUser(row.parsed(3)?)),
            "api_session" => Objects::One(ObjectRef::ApiSession(row.parsed(3)?)),
            "key" => Objects::One(ObjectRef::Key(row.parsed(3)?)),
            LAST_USES => {
                let keys = row.text(3)?.split(' ').map(str::parse).collect::<Result<_, _>>();
                Objects::Uses(keys.map_err(|error| row.unreadable(3, error))?)
            }
            NO_OBJECT => Objects::None,
            kind => return Err(row.unreadable(2, format_args!("unknown kind {kind:?}"))),
        };
        Ok(Row { seq: row.number(0)?, nonce: row.bytes(1)?.to_vec(), objects })
    })
    .await
}

/// The records as they stand; organizations first, keys and their uses last, as in a load.
async fn read_objects(conn: &mut Conn, touched: HashSet<ObjectRef>) -> Result<Vec<Change>> {
    let mut changes = Vec::with_capacity(touched.len());
    let (mut key_ids, mut used_ids) = (Vec::<KeyId>::new(), Vec::<KeyId>::new());
    for object in touched {
        let now = match object {
            ObjectRef::Organization(id) => {
                organizations::get(conn, id).await?.map(|record| Object::Organization(Box::new(record)))
            }
            ObjectRef::Api(id) => match apis::find(conn, id).await? {
                Some(api) => Some(Object::Api(Box::new(api), operations::all(conn, id).await?)),
                None => None,
            },
            ObjectRef::ApiSet(id) => api_sets::find(conn, id).await?.map(|record| Object::ApiSet(Box::new(record))),
            ObjectRef::ApplicationType(id) => {
                application_types::find(conn, id).await?.map(|record| Object::ApplicationType(Box::new(record)))
            }
            ObjectRef::Application(id) => {
                applications::find(conn, id).await?.map(|record| Object::Application(Box::new(record)))
            }
            ObjectRef::Role(id) => roles::find(conn, id).await?.map(|record| Object::Role(Box::new(record))),
            ObjectRef::Member(organization, user) => {
                members::get(conn, organization, user).await?.map(|record| Object::Member(Box::new(record)))
            }
            ObjectRef::ApiUser(id) => api_users::find(conn, id).await?.map(|record| Object::ApiUser(Box::new(record))),
            ObjectRef::ApiSession(id) => {
                api_sessions::find(conn, id).await?.map(|record| Object::ApiSession(Box::new(record)))
            }
            ObjectRef::Key(id) => {
                key_ids.push(id);
                continue;
            }
            ObjectRef::LastUse(id) => {
                used_ids.push(id);
                continue;
            }
        };
        changes.push(Change { object, now });
    }
    changes.sort_by_key(|change| match change.object {
        ObjectRef::Organization(id) => (0, id.as_raw()),
        ObjectRef::Api(id) => (1, id.as_raw()),
        ObjectRef::ApiSet(id) => (2, id.as_raw()),
        ObjectRef::ApplicationType(id) => (3, id.as_raw()),
        ObjectRef::Application(id) => (4, id.as_raw()),
        ObjectRef::Role(id) => (5, id.as_raw()),
        ObjectRef::Member(_, user) => (6, user.as_raw()),
        ObjectRef::ApiUser(id) => (7, id.as_raw()),
        ObjectRef::ApiSession(id) => (8, id.as_raw()),
        ObjectRef::Key(id) | ObjectRef::LastUse(id) => (9, id.as_raw()),
    });
    key_ids.sort_unstable();
    for key in keys::find_many(conn, &key_ids).await? {
        changes.push(Change { object: ObjectRef::Key(key.id), now: Some(Object::Key(Box::new(key))) });
    }
    used_ids.sort_unstable();
    for (id, last_use) in key_usage::last_uses(conn, &used_ids).await? {
        changes.push(Change { object: ObjectRef::LastUse(id), now: Some(Object::LastUse(last_use)) });
    }
    Ok(changes)
}

/// Forgets old transactions every now and then; the head's row always stays.
pub(crate) async fn trim_after(store: &Store, position: Position) {
    if position.seq % TRIM_EVERY != 0 || position.seq <= SEQS_KEPT {
        return;
    }
    if let Err(error) = trim(store, position, SEQS_KEPT).await {
        tracing::warn!(%error, "old rows of the change feed could not be deleted");
    }
}

async fn trim(store: &Store, position: Position, kept: i64) -> Result<()> {
    let mut writing = store.begin().await?;
    let statement = sql("DELETE FROM changes WHERE epoch < $1 OR (epoch = $1 AND seq < $2)");
    writing.conn.execute(statement.bind(position.epoch).bind(position.seq - kept.max(0))).await?;
    writing.commit().await.map_err(Error::at_commit)
}
