//! The load of a replica: everything, in one snapshot, by the native driver.

use std::collections::HashMap;
use std::time::Duration;

use claviger_domain::change::{Change, LastUse, Object, ObjectRef};
use claviger_domain::operation::Operation;
use claviger_domain::{ApiId, Clock, KeyId, Timestamp};
use tokio::sync::mpsc;

use crate::feed::{self, Mark};
use crate::ip_lists::{self, IpLists};
use crate::keys::Old;
use crate::native::Native;
use crate::raw_rows::RawRows;
use crate::{
    Error, Result, api_sessions, api_sets, api_users, apis, application_types, applications, key_usage, keys, members,
    operations, organizations, roles,
};

/// The most records of a chunk: few enough that they stay in the processor's cache on their way.
pub const CHUNK: usize = 500;
/// Chunks that wait for the next thread.
const CHUNKS_WAITING: usize = 3;

/// How long a value that ended, by rotation or with its key, is still told from an unknown one.
const ENDED_KEPT: Duration = Duration::from_hours(90 * 24);

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadProgress {
    /// Keys read.
    pub loaded: u64,
    /// Keys there are.
    pub total: u64,
}

/// What a load asks, in this order.
pub(crate) const STATEMENTS: [&str; 16] = [
    feed::SELECT_HEAD,
    ip_lists::SELECT,
    organizations::SELECT,
    operations::SELECT_ALL,
    apis::SELECT,
    api_sets::SELECT,
    application_types::SELECT,
    applications::SELECT,
    roles::SELECT,
    members::SELECT,
    api_users::SELECT,
    api_sessions::SELECT,
    COUNT_KEYS,
    keys::SELECT_OLD,
    key_usage::SELECT_LAST,
    keys::SELECT,
];

const COUNT_KEYS: &str = "SELECT COUNT(*) FROM keys";

/// The instant before which ended values are forgotten by now.
pub(crate) fn ended_since(clock: &dyn Clock) -> Timestamp {
    let kept = i64::try_from(ENDED_KEPT.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(clock.now().as_micros().saturating_sub(kept))
}

/// Reads everything, by [`STATEMENTS`]; `since`: what ended before it is left out.
pub(crate) async fn run(
    native: &mut Native,
    since: Timestamp,
    mut add: impl FnMut(Vec<Change>) + Send,
    progress: impl FnMut(LoadProgress) + Send,
) -> Result<Mark> {
    // The first statement fixes the snapshot.
    let mut head = None;
    native.each(feed::SELECT_HEAD, |row| feed::read_head(row).map(|read| head = Some(read))).await?;
    let head = head.ok_or_else(|| Error::Unreadable("the feed has no head".to_owned()))?;
    let mut lists = IpLists::default();
    native.each(ip_lists::SELECT, |row| lists.add(row)).await?;
    load_catalog(native, &lists, &mut add).await?;
    load_keys(native, lists, since, add, progress).await?;
    Ok(head)
}

async fn load_catalog(native: &mut Native, lists: &IpLists, add: &mut (impl FnMut(Vec<Change>) + Send)) -> Result<()> {
    let mut changes = Vec::new();
    native
        .each(organizations::SELECT, |row| {
            let record = organizations::read(row)?;
            let object = ObjectRef::Organization(record.id);
            changes.push(Change { object, now: Some(Object::Organization(Box::new(record))) });
            Ok(())
        })
        .await?;
    let mut operations: HashMap<ApiId, Vec<Operation>> = HashMap::new();
    native
        .each(operations::SELECT_ALL, |row| {
            operations.entry(row.parsed(8)?).or_default().push(operations::read(row)?);
            Ok(())
        })
        .await?;
    native
        .each(apis::SELECT, |row| {
            let record = apis::read(row)?;
            let (object, listed) = (ObjectRef::Api(record.id), operations.remove(&record.id).unwrap_or_default());
            changes.push(Change { object, now: Some(Object::Api(Box::new(record), listed)) });
            Ok(())
        })
        .await?;
    native
        .each(api_sets::SELECT, |row| {
            let record = api_sets::read(row)?;
            changes.push(Change { object: ObjectRef::ApiSet(record.id), now: Some(Object::ApiSet(Box::new(record))) });
            Ok(())
        })
        .await?;
    native
        .each(application_types::SELECT, |row| {
            let record = application_types::read(row)?;
            let object = ObjectRef::ApplicationType(record.id);
            changes.push(Change { object, now: Some(Object::ApplicationType(Box::new(record))) });
            Ok(())
        })
        .await?;
    native
        .each(applications::SELECT, |row| {
            let record = applications::read(row)?.with_list(lists)?;
            let object = ObjectRef::Application(record.id);
            changes.push(Change { object, now: Some(Object::Application(Box::new(record))) });
            Ok(())
        })
        .await?;
    load_people(native, &mut changes).await?;
    load_api_users(native, &mut changes).await?;
    while !changes.is_empty() {
        let rest = changes.split_off(changes.len().min(CHUNK));
        add(std::mem::replace(&mut changes, rest));
    }
    Ok(())
}

async fn load_people(native: &mut Native, changes: &mut Vec<Change>) -> Result<()> {
    native
        .each(roles::SELECT, |row| {
            let record = roles::read(row)?;
            changes.push(Change { object: ObjectRef::Role(record.id), now: Some(Object::Role(Box::new(record))) });
            Ok(())
        })
        .await?;
    native
        .each(members::SELECT, |row| {
            let record = members::read(row)?;
            let object = ObjectRef::Member(record.organization, record.user.id);
            changes.push(Change { object, now: Some(Object::Member(Box::new(record))) });
            Ok(())
        })
        .await
}

async fn load_api_users(native: &mut Native, changes: &mut Vec<Change>) -> Result<()> {
    native
        .each(api_users::SELECT, |row| {
            let record = api_users::read(row)?;
            let object = ObjectRef::ApiUser(record.id);
            changes.push(Change { object, now: Some(Object::ApiUser(Box::new(record))) });
            Ok(())
        })
        .await?;
    native
        .each(api_sessions::SELECT, |row| {
            let record = api_sessions::read(row)?;
            let object = ObjectRef::ApiSession(record.id);
            changes.push(Change { object, now: Some(Object::ApiSession(Box::new(record))) });
            Ok(())
        })
        .await
}

/// This task takes rows from the driver and hands the records on; a thread of its own reads what stands in them.
async fn load_keys(
    native: &mut Native,
    lists: IpLists,
    since: Timestamp,
    mut add: impl FnMut(Vec<Change>) + Send,
    mut progress: impl FnMut(LoadProgress) + Send,
) -> Result<()> {
    let mut total = 0;
    native.each(COUNT_KEYS, |row| row.number(0).map(|count| total = count as u64)).await?;
    let (rows_out, rows_in) = mpsc::channel(CHUNKS_WAITING);
    let (keys_out, mut keys_in) = mpsc::channel(CHUNKS_WAITING);
    let reader = Reader::prepare(native, lists, since).await?;
    let reading = tokio::task::spawn_blocking(move || reader.run(rows_in, &keys_out));
    let mut loaded = 0;
    let mut take = |keys: Result<Keys>| {
        let Keys { rows, changes } = keys?;
        loaded += rows as u64;
        add(changes);
        progress(LoadProgress { loaded, total });
        Ok::<(), Error>(())
    };
    let mut rows = native.table(&keys::TABLE).await?;
    let send = async move {
        loop {
            let chunk = rows.copy(CHUNK).await?;
            // Where the reader is gone, why is told below.
            if chunk.is_empty() || rows_out.send(chunk).await.is_err() {
                return Ok(());
            }
        }
    };
    let receive = async {
        while let Some(keys) = keys_in.recv().await {
            take(keys)?;
        }
        Ok::<(), Error>(())
    };
    tokio::try_join!(send, receive)?;
    reading.await.map_err(|error| Error::Unreadable(error.to_string()))
}

/// Keys that were read of one chunk of rows.
struct Keys {
    rows: usize,
    changes: Vec<Change>,
}

/// Reads rows of keys.
struct Reader {
    since: Timestamp,
    lists: IpLists,
    /// Values that are not current.
    old: HashMap<KeyId, Vec<Old>>,
    /// When keys were last used, ascending by key: a list takes a third of a map, and goes as one piece.
    last_uses: Vec<(KeyId, Timestamp)>,
}

// === impl Reader ===

impl Reader {
    /// With what stands in other tables.
    async fn prepare(native: &mut Native, lists: IpLists, since: Timestamp) -> Result<Self> {
        let mut old = HashMap::<KeyId, Vec<Old>>::new();
        let mut last_uses = Vec::new();
        native
            .each(keys::SELECT_OLD, |row| {
                let (key, value) = keys::read_old(row)?;
                if !value.ended_before(since) {
                    old.entry(key).or_default().push(value);
                }
                Ok(())
            })
            .await?;
        native
            .each(key_usage::SELECT_LAST, |row| {
                last_uses.push(key_usage::read_last(row)?);
                Ok(())
            })
            .await?;
        last_uses.sort_unstable();
        Ok(Self { since, lists, old, last_uses })
    }

    /// Reads chunk by chunk, until there are no more or nobody waits for them.
    fn run(mut self, mut rows: mpsc::Receiver<RawRows>, keys: &mpsc::Sender<Result<Keys>>) {
        while let Some(chunk) = rows.blocking_recv() {
            let read = self.read(&chunk);
            if read.is_err() | keys.blocking_send(read).is_err() {
                return;
            }
        }
    }

    fn read(&mut self, rows: &RawRows) -> Result<Keys> {
        let mut changes = Vec::with_capacity(rows.len());
        for row in rows.iter() {
            let mut key = keys::read(&row)?.with_list(&self.lists)?;
            if key.deleted_at.is_none_or(|at| at >= self.since) {
                if let Some(old) = self.old.remove(&key.id) {
                    keys::set_old(&mut key, old);
                }
                let (id, digest) = (key.id, key.secret.digest);
                changes.push(Change { object: ObjectRef::Key(id), now: Some(Object::Key(Box::new(key))) });
                if let Ok(place) = self.last_uses.binary_search_by_key(&id, |(key, _)| *key) {
                    let last_use = LastUse { digest, at: self.last_uses[place].1 };
                    changes.push(Change { object: ObjectRef::LastUse(id), now: Some(Object::LastUse(last_use)) });
                }
            }
        }
        Ok(Keys { rows: rows.len(), changes })
    }
}
