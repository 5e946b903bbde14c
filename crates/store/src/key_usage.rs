//! When keys were last used and refused.

use std::collections::HashMap;

use claviger_domain::change::LastUse;
use claviger_domain::key::Owner;
use claviger_domain::usage::Sighting;
use claviger_domain::{KeyId, OrganizationId, Timestamp};

use crate::Result;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::keys::{bind_ids, id_lists, placeholders};
use crate::sql::sql;

/// What a key did last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastUsage {
    /// The newest use of the current secret.
    pub last_used: Option<Sighting>,
    /// The newest use of the old secret.
    pub old_last_used: Option<Timestamp>,
    /// The newest refusal.
    pub last_refused: Option<Sighting>,
}

// === impl LastUsage ===

impl LastUsage {
    /// The newest use of either secret.
    pub fn last_used_at(&self) -> Option<Timestamp> {
        self.last_used.as_ref().map(|seen| seen.at).max(self.old_last_used)
    }
}

/// When keys were last used; the replica's load reads it with the native driver.
pub(crate) const SELECT_LAST: &str = "SELECT key_id, last_used_at, old_last_used_at FROM key_usage \
     WHERE last_used_at IS NOT NULL OR old_last_used_at IS NOT NULL";

/// A key, and when it was last used by either of its secrets.
pub(crate) fn read_last(row: &dyn Fields) -> Result<(KeyId, Timestamp)> {
    let at = row.time_or_none(1)?.max(row.time_or_none(2)?);
    Ok((row.parsed(0)?, at.ok_or_else(|| row.unreadable(1, "nothing there"))?))
}

/// When these living keys were last used, and by which digest they are found.
pub(crate) async fn last_uses(conn: &mut Conn, keys: &[KeyId]) -> Result<Vec<(KeyId, LastUse)>> {
    let mut uses = Vec::with_capacity(keys.len());
    for ids in id_lists(keys) {
        let statement = sql("SELECT u.key_id, u.last_used_at, u.old_last_used_at, k.digest FROM key_usage u \
             JOIN keys k ON k.id = u.key_id WHERE k.deleted_at IS NULL AND u.key_id IN (");
        let statement = bind_ids(statement.push(placeholders(ids.len())).push(")"), ids);
        uses.extend(
            conn.rows(statement, |row| {
                let (key, at) = read_last(row)?;
                Ok((key, LastUse { digest: row.digest(3)?, at }))
            })
            .await?,
        );
    }
    Ok(uses)
}

/// What these keys did last; keys that did nothing are not in the map.
pub async fn get(conn: &mut Conn, keys: &[KeyId]) -> Result<HashMap<KeyId, LastUsage>> {
    let mut usage = HashMap::with_capacity(keys.len());
    for ids in id_lists(keys) {
        let statement =
            sql("SELECT key_id, last_used, old_last_used_at, last_refused FROM key_usage WHERE key_id IN (");
        let statement = bind_ids(statement.push(placeholders(ids.len())).push(")"), ids);
        usage.extend(conn.rows(statement, read).await?);
    }
    Ok(usage)
}

/// The newest use of any key of an owner.
pub async fn last_of_owner(conn: &mut Conn, organization: OrganizationId, owner: &Owner) -> Result<Option<Sighting>> {
    // The sighting is a long text: it is read of the one key alone.
    let statement = sql("SELECT last_used FROM key_usage WHERE key_id = (\
         SELECT u.key_id FROM keys k JOIN key_usage u ON u.key_id = k.id \
         WHERE k.organization_id = $1 AND k.owner = $2 AND k.deleted_at IS NULL AND u.last_used_at IS NOT NULL \
         ORDER BY u.last_used_at DESC, u.key_id LIMIT 1)");
    conn.row(statement.bind(organization).bind(owner.id()), |row| row.json(0)).await
}

fn read(row: &dyn Fields) -> Result<(KeyId, LastUsage)> {
    let sighting = |column| row.text_or_none(column)?.map(|_| row.json(column)).transpose();
    let usage = LastUsage { last_used: sighting(1)?, old_last_used: row.time_or_none(2)?, last_refused: sighting(3)? };
    Ok((row.parsed(0)?, usage))
}
