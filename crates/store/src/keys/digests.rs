//! The digests of every value a key has or had.

use std::collections::HashMap;

use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{EndedSecret, Key, Overlap, StoredSecret};
use claviger_domain::{KeyId, OrganizationId, Timestamp};

use super::{bind_ids, id_lists, placeholders};
use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{Sql, batches, sql, word};
use crate::write::Tx;
use crate::{Result, Taken};

use serde::{Deserialize, Serialize};

/// Values that are no longer current; the replica's load reads it with the native driver.
pub(crate) const SELECT_OLD: &str =
    "SELECT digest, key_id, standing, hint, ends_at FROM key_digests WHERE standing <> 'current'";

const INSERT: &str = "INSERT INTO key_digests (digest, key_id, standing, hint, ends_at) VALUES";

/// What a value is to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The one that counts; of a deleted key, the one that counted.
    Current,
    /// The one before a rotation, with an end that may have come.
    Overlapping,
    /// Rotated out.
    Ended,
}

/// The key that a value belongs or belonged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestMatch {
    /// The key; it may be deleted.
    pub key: KeyId,
    /// Its tenant.
    pub organization: OrganizationId,
    /// What the value is to it.
    pub standing: Standing,
}

/// A value that is no longer current.
pub(crate) struct Old {
    key: KeyId,
    standing: Standing,
    secret: StoredSecret,
    ends_at: Timestamp,
}

/// A row of `key_digests`.
struct Value<'k> {
    key: KeyId,
    digest: &'k CredentialDigest,
    hint: &'k str,
    standing: Standing,
    ends_at: Option<Timestamp>,
}

// === impl Value ===

impl<'k> Value<'k> {
    /// All values that a key lists: those that ended, the one before, the current one.
    fn all(key: &'k Key) -> impl Iterator<Item = Self> {
        let ended = key.ended.iter().map(|ended| Self::ended(key.id, &ended.digest, ended.ended_at));
        let overlapping = key.overlap.iter().map(|Overlap { secret, valid_until }| Self {
            key: key.id,
            digest: &secret.digest,
            hint: &secret.hint,
            standing: Standing::Overlapping,
            ends_at: Some(*valid_until),
        });
        let StoredSecret { digest, hint } = &key.secret;
        ended.chain(overlapping).chain([Self { key: key.id, digest, hint, standing: Standing::Current, ends_at: None }])
    }

    fn ended(key: KeyId, digest: &'k CredentialDigest, at: Timestamp) -> Self {
        Self { key, digest, hint: "", standing: Standing::Ended, ends_at: Some(at) }
    }
}

// === impl Old ===

impl Old {
    /// Whether it ended before `at`.
    pub(crate) fn ended_before(&self, at: Timestamp) -> bool {
        self.ends_at < at
    }
}

/// Which key a value belongs or belonged to, whichever organization's.
pub async fn by_digest(conn: &mut Conn, digest: &CredentialDigest) -> Result<Option<DigestMatch>> {
    let statement =
        sql("SELECT d.key_id, k.organization_id, d.standing FROM key_digests d JOIN keys k ON k.id = d.key_id \
                         WHERE d.digest = $1");
    conn.row(statement.bind(&digest.as_bytes()[..]), |row| {
        Ok(DigestMatch { key: row.parsed(0)?, organization: row.parsed(1)?, standing: row.word(2)? })
    })
    .await
}

/// Adds the values of new keys.
pub(super) async fn insert(tx: &mut Tx, keys: &[Key]) -> Result<()> {
    let values: Vec<Value<'_>> = keys.iter().flat_map(Value::all).collect();
    for batch in batches(&values) {
        let statement = batch.iter().fold(Sql::rows(INSERT, 5, batch.len(), " ON CONFLICT (digest) DO NOTHING"), bind);
        if tx.execute(statement).await? < batch.len() as u64 {
            return Err(Taken::Digest.into());
        }
    }
    Ok(())
}

/// Brings the digests in line with a key that was changed. `before`: the value that was current until now.
pub(super) async fn update(tx: &mut Tx, key: &Key, before: CredentialDigest) -> Result<()> {
    let known = old_of(tx, &[key.id]).await?;
    // What is neither current nor overlapping any more has ended, whether the caller lists it or not.
    let unlisted = known.iter().filter(|old| old.standing == Standing::Overlapping).map(|old| old.secret.digest);
    for digest in unlisted.chain([before]) {
        if digest != key.secret.digest && key.overlap.as_ref().is_none_or(|overlap| overlap.secret.digest != digest) {
            let ended_at = key.ended.iter().find(|ended| ended.digest == digest).map(|ended| ended.ended_at);
            put(tx, &Value::ended(key.id, &digest, ended_at.unwrap_or(key.updated_at))).await?;
        }
    }
    for value in Value::all(key) {
        let is_known = match value.standing {
            Standing::Current => before == *value.digest,
            Standing::Overlapping => false,
            Standing::Ended => {
                known.iter().any(|old| old.standing == Standing::Ended && old.secret.digest == *value.digest)
            }
        };
        if !is_known {
            put(tx, &value).await?;
        }
    }
    Ok(())
}

/// A digest belongs to one key for ever, and an ended one never counts again.
async fn put(tx: &mut Tx, value: &Value<'_>) -> Result<()> {
    let tail = " ON CONFLICT (digest) DO UPDATE SET standing = excluded.standing, ends_at = excluded.ends_at \
         WHERE key_digests.key_id = excluded.key_id \
         AND (key_digests.standing <> 'ended' OR excluded.standing = 'ended')";
    let statement = bind(Sql::rows(INSERT, 5, 1, tail), value);
    if tx.execute(statement).await? == 0 { Err(Taken::Digest.into()) } else { Ok(()) }
}

fn bind(statement: Sql, value: &Value<'_>) -> Sql {
    let Value { key, digest, hint, standing, ends_at } = *value;
    statement.bind(&digest.as_bytes()[..]).bind(key).bind(word(&standing)).bind(hint).bind(ends_at)
}

/// Gives keys their overlapping and ended values.
pub(super) async fn attach_old(conn: &mut Conn, keys: &mut [Key]) -> Result<()> {
    let ids: Vec<KeyId> = keys.iter().map(|key| key.id).collect();
    let mut by_key: HashMap<KeyId, Vec<Old>> = HashMap::new();
    for old in old_of(conn, &ids).await? {
        by_key.entry(old.key).or_default().push(old);
    }
    for key in keys {
        set_old(key, by_key.remove(&key.id).unwrap_or_default());
    }
    Ok(())
}

/// Gives one key its overlapping and ended values.
pub(crate) fn set_old(key: &mut Key, mut old: Vec<Old>) {
    old.sort_by_key(|old| (old.ends_at, *old.secret.digest.as_bytes()));
    for Old { standing, secret, ends_at, .. } in old {
        match standing {
            Standing::Overlapping => key.overlap = Some(Overlap { secret, valid_until: ends_at }),
            _ => key.ended.push(EndedSecret { digest: secret.digest, ended_at: ends_at }),
        }
    }
}

async fn old_of(conn: &mut Conn, ids: &[KeyId]) -> Result<Vec<Old>> {
    let mut all = Vec::new();
    for ids in id_lists(ids) {
        let statement = sql(SELECT_OLD).push(" AND key_id IN (").push(placeholders(ids.len())).push(")");
        all.extend(conn.rows(bind_ids(statement, ids), |row| read_old(row).map(|(_, old)| old)).await?);
    }
    Ok(all)
}

pub(crate) fn read_old(row: &dyn Fields) -> Result<(KeyId, Old)> {
    let key = row.parsed(1)?;
    let secret = StoredSecret { digest: row.digest(0)?, hint: row.text(3)?.to_owned() };
    Ok((key, Old { key, standing: row.word(2)?, secret, ends_at: row.time(4)? }))
}
