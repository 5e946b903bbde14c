//! When keys were last used and refused.

use std::collections::HashMap;

use claviger_domain::usage::Sighting;
use claviger_domain::{KeyId, Timestamp};

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

fn read(row: &dyn Fields) -> Result<(KeyId, LastUsage)> {
    let sighting = |column| row.text_or_none(column)?.map(|_| row.json(column)).transpose();
    let usage = LastUsage { last_used: sighting(1)?, old_last_used: row.time_or_none(2)?, last_refused: sighting(3)? };
    Ok((row.parsed(0)?, usage))
}
