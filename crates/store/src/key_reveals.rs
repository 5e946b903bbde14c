//! Secrets that can be revealed, as sealed copies. Which keys have one is what their reveal mode follows from.

use std::collections::HashSet;

use claviger_domain::key::Key;
use claviger_domain::{KeyId, OrganizationId};

use crate::Result;
use crate::conn::Conn;
use crate::keys::{bind_ids, id_lists, placeholders};
use crate::sql::sql;
use crate::write::Tx;

/// Keeps the sealed secret of a key, in the place of the one before.
pub async fn put(tx: &mut Tx, key: &Key, sealed: &[u8]) -> Result<()> {
    let statement =
        sql("INSERT INTO key_reveals (key_id, organization_id, owner_kind, sealed) VALUES ($1, $2, $3, $4) \
                         ON CONFLICT (key_id) DO UPDATE SET sealed = excluded.sealed");
    let statement = statement.bind(key.id).bind(key.organization).bind(key.owner.kind()).bind(sealed);
    tx.execute(statement).await?;
    Ok(())
}

/// The sealed secret of a key; `None` where it was shown once.
pub async fn get(conn: &mut Conn, key: KeyId) -> Result<Option<Vec<u8>>> {
    let statement = sql("SELECT sealed FROM key_reveals WHERE key_id = $1").bind(key);
    conn.row(statement, |row| row.bytes(0).map(<[u8]>::to_vec)).await
}

/// Those of `keys` whose secret can be revealed.
pub async fn among(conn: &mut Conn, keys: &[KeyId]) -> Result<HashSet<KeyId>> {
    let mut found = HashSet::new();
    for ids in id_lists(keys) {
        let statement = sql("SELECT key_id FROM key_reveals WHERE key_id IN (").push(placeholders(ids.len())).push(")");
        found.extend(conn.rows(bind_ids(statement, ids), |row| row.parsed::<KeyId>(0)).await?);
    }
    Ok(found)
}

/// How many living keys of owners of this kind can be revealed.
pub async fn count(conn: &mut Conn, organization: OrganizationId, owner_kind: &str) -> Result<i64> {
    let statement = sql("SELECT COUNT(*) FROM key_reveals WHERE organization_id = $1 AND owner_kind = $2");
    conn.number(statement.bind(organization).bind(owner_kind)).await
}

/// Destroys the sealed secret of a key.
pub async fn forget(tx: &mut Tx, key: KeyId) -> Result<()> {
    // Overwritten before it goes: the page that the row stood in may stay on the disk for long.
    tx.execute(sql("UPDATE key_reveals SET sealed = $2 WHERE key_id = $1").bind(key).bind(&NOTHING[..])).await?;
    tx.execute(sql("DELETE FROM key_reveals WHERE key_id = $1").bind(key)).await?;
    Ok(())
}

/// Destroys the sealed secrets of all keys of owners of this kind; says how many.
pub async fn forget_all(tx: &mut Tx, organization: OrganizationId, owner_kind: &str) -> Result<u64> {
    let of = " WHERE organization_id = $1 AND owner_kind = $2";
    let blank = sql("UPDATE key_reveals SET sealed = $3").push(of).bind(organization).bind(owner_kind);
    tx.execute(blank.bind(&NOTHING[..])).await?;
    tx.execute(sql("DELETE FROM key_reveals").push(of).bind(organization).bind(owner_kind)).await
}

/// As long as the sealed secret of a usual key, so that the row is overwritten where it stands.
const NOTHING: [u8; 75] = [0; 75];
