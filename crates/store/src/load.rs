//! The load of a replica: everything, in one snapshot, by the native driver.

use std::collections::HashMap;
use std::time::Duration;

use claviger_domain::change::{Change, LastUse, Object, ObjectRef};
use claviger_domain::operation::Operation;
use claviger_domain::{ApiId, Clock, KeyId, Timestamp};

use crate::config::DatabaseUrl;
use crate::feed::{self, Applied};
use crate::ip_lists::{self, IpLists};
use crate::keys::Old;
use crate::native::Native;
use crate::{Error, Result, api_sets, apis, key_usage, keys, operations, organizations};

/// The most records of a chunk.
pub const CHUNK: usize = 10_000;

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

/// The instant before which ended values are forgotten by now.
pub(crate) fn ended_since(clock: &dyn Clock) -> Timestamp {
    let kept = i64::try_from(ENDED_KEPT.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(clock.now().as_micros().saturating_sub(kept))
}

/// Reads everything; `since`: what ended before it is left out.
pub(crate) async fn run(
    url: &DatabaseUrl,
    since: Timestamp,
    mut add: impl FnMut(Vec<Change>) + Send,
    progress: impl FnMut(LoadProgress) + Send,
) -> Result<Applied> {
    let mut native = Native::begin(url).await?;
    // The first statement fixes the snapshot.
    let mut head = None;
    native.each(feed::SELECT_HEAD, |row| feed::read_head(row).map(|read| head = Some(read))).await?;
    let head = head.ok_or_else(|| Error::Unreadable("the feed has no head".to_owned()))?;
    load_catalog(&mut native, &mut add).await?;
    load_keys(&mut native, since, add, progress).await?;
    native.end().await?;
    Ok(head)
}

async fn load_catalog(native: &mut Native, add: &mut (impl FnMut(Vec<Change>) + Send)) -> Result<()> {
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
    while !changes.is_empty() {
        let rest = changes.split_off(changes.len().min(CHUNK));
        add(std::mem::replace(&mut changes, rest));
    }
    Ok(())
}

async fn load_keys(
    native: &mut Native,
    since: Timestamp,
    mut add: impl FnMut(Vec<Change>) + Send,
    mut progress: impl FnMut(LoadProgress) + Send,
) -> Result<()> {
    let mut total = 0;
    native.each("SELECT COUNT(*) FROM keys", |row| row.number(0).map(|count| total = count as u64)).await?;
    let mut old: HashMap<KeyId, Vec<Old>> = HashMap::new();
    native
        .each(keys::SELECT_OLD, |row| {
            let (key, value) = keys::read_old(row)?;
            if !value.ended_before(since) {
                old.entry(key).or_default().push(value);
            }
            Ok(())
        })
        .await?;
    let mut lists = IpLists::default();
    native.each(ip_lists::SELECT, |row| lists.add(row)).await?;
    let mut last_uses: HashMap<KeyId, Timestamp> = HashMap::new();
    native
        .each(key_usage::SELECT_LAST, |row| {
            let (key, at) = key_usage::read_last(row)?;
            last_uses.insert(key, at);
            Ok(())
        })
        .await?;
    let (mut chunk, mut loaded) = (Vec::with_capacity(CHUNK), 0);
    native
        .each(keys::SELECT, |row| {
            let mut key = keys::read(row)?.with_list(&lists)?;
            loaded += 1;
            if key.deleted_at.is_none_or(|at| at >= since) {
                let values = old.remove(&key.id).unwrap_or_default();
                keys::set_old(&mut key, values);
                let last_use = last_uses.get(&key.id).map(|at| LastUse { digest: key.secret.digest, at: *at });
                let id = key.id;
                chunk.push(Change { object: ObjectRef::Key(id), now: Some(Object::Key(Box::new(key))) });
                chunk.extend(
                    last_use.map(|it| Change { object: ObjectRef::LastUse(id), now: Some(Object::LastUse(it)) }),
                );
            }
            if chunk.len() >= CHUNK - 1 {
                add(std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK)));
                progress(LoadProgress { loaded, total });
            }
            Ok(())
        })
        .await?;
    if !chunk.is_empty() {
        add(chunk);
    }
    progress(LoadProgress { loaded, total });
    Ok(())
}
