//! The sealed key ring.

use claviger_domain::keyring::SealedKeyring;

use crate::Result;
use crate::conn::Conn;
use crate::sql::sql;
use crate::write::Tx;

/// The ring as the database holds it; none in a new one.
pub async fn get(conn: &mut Conn) -> Result<Option<SealedKeyring>> {
    let statement = sql("SELECT check_value, sealed FROM keyring");
    let read = |row: &dyn crate::fields::Fields| {
        Ok(SealedKeyring { check: row.bytes(0)?.to_vec(), sealed: row.bytes(1)?.to_vec() })
    };
    conn.row(statement, read).await
}

/// Puts the same ring under another seal; false where the one before is not `old`.
pub async fn reseal(tx: &mut Tx, old: &SealedKeyring, new: &SealedKeyring) -> Result<bool> {
    let statement = sql("UPDATE keyring SET check_value = $1, sealed = $2 WHERE check_value = $3 AND sealed = $4");
    let statement = statement.bind(&new.check).bind(&new.sealed).bind(&old.check).bind(&old.sealed);
    Ok(tx.execute(statement).await? == 1)
}
