//! The digests of every value a key has or had.

use std::collections::HashMap;

use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{EndedSecret, Key, Overlap, StoredSecret};
use claviger_domain::{KeyId, OrganizationId, Timestamp};

use super::{bind_ids, id_lists, placeholders};
use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{sql, word};
use crate::write::Tx;
use crate::{Result, Taken};

use serde::{Deserialize, Serialize};

/// Values that are no longer current; the replica's load reads it with the native driver.
pub(crate) const SELECT_OLD: &str =
    "SELECT digest, key_id, standing, hint, ends_at FROM key_digests WHERE standing <> 'current'";

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

/// Brings the digests in line with the key. `before`: the value that was current until now.
pub(super) async fn write(tx: &mut Tx, key: &Key, before: Option<CredentialDigest>) -> Result<()> {
    let known = match before {
        Some(_) => old_of(tx, &[key.id]).await?,
        None => Vec::new(),
    };
    // What is neither current nor overlapping any more has ended, whether the caller lists it or not.
    let unlisted = known.iter().filter(|old| old.standing == Standing::Overlapping).map(|old| old.secret.digest);
    for digest in unlisted.chain(before) {
        if digest != key.secret.digest && key.overlap.as_ref().is_none_or(|overlap| overlap.secret.digest != digest) {
            let ended_at = key.ended.iter().find(|ended| ended.digest == digest).map(|ended| ended.ended_at);
            put(tx, key.id, &digest, "", Standing::Ended, Some(ended_at.unwrap_or(key.updated_at))).await?;
        }
    }
    for ended in &key.ended {
        if !known.iter().any(|old| old.standing == Standing::Ended && old.secret.digest == ended.digest) {
            put(tx, key.id, &ended.digest, "", Standing::Ended, Some(ended.ended_at)).await?;
        }
    }
    if let Some(Overlap { secret, valid_until }) = &key.overlap {
        put(tx, key.id, &secret.digest, &secret.hint, Standing::Overlapping, Some(*valid_until)).await?;
    }
    if before != Some(key.secret.digest) {
        put(tx, key.id, &key.secret.digest, &key.secret.hint, Standing::Current, None).await?;
    }
    Ok(())
}

/// A digest belongs to one key for ever, and an ended one never counts again.
async fn put(
    tx: &mut Tx,
    key: KeyId,
    digest: &CredentialDigest,
    hint: &str,
    standing: Standing,
    ends_at: Option<Timestamp>,
) -> Result<()> {
    let statement =
        sql("INSERT INTO key_digests (digest, key_id, standing, hint, ends_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (digest) DO UPDATE SET standing = excluded.standing, ends_at = excluded.ends_at \
         WHERE key_digests.key_id = excluded.key_id \
         AND (key_digests.standing <> 'ended' OR excluded.standing = 'ended')");
    let statement = statement.bind(&digest.as_bytes()[..]).bind(key).bind(word(&standing)).bind(hint).bind(ends_at);
    if tx.execute(statement).await? == 0 { Err(Taken::Digest.into()) } else { Ok(()) }
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
