//! The identifiers of pairs: a digest to find them by, and the identifier itself, sealed.

use claviger_domain::KeyId;
use claviger_domain::digest::CredentialDigest;

use crate::conn::Conn;
use crate::sql::sql;
use crate::write::Tx;
use crate::{Result, Taken};

/// Adds the identifier of a pair that was just added.
///
/// # Errors
/// [`Taken::Digest`].
pub async fn insert(tx: &mut Tx, key: KeyId, digest: &CredentialDigest, sealed: &[u8]) -> Result<()> {
    let statement = sql("INSERT INTO key_identifiers (key_id, digest, sealed) VALUES ($1, $2, $3) \
                         ON CONFLICT DO NOTHING");
    let statement = statement.bind(key).bind(&digest.as_bytes()[..]).bind(sealed);
    if tx.execute(statement).await? == 0 { Err(Taken::Digest.into()) } else { Ok(()) }
}

/// The key that an identifier belongs or belonged to, whichever organization's.
pub async fn by_digest(conn: &mut Conn, digest: &CredentialDigest) -> Result<Option<KeyId>> {
    let statement = sql("SELECT key_id FROM key_identifiers WHERE digest = $1").bind(&digest.as_bytes()[..]);
    conn.row(statement, |row| row.parsed(0)).await
}

/// The sealed identifier of a pair.
pub async fn sealed(conn: &mut Conn, key: KeyId) -> Result<Option<Vec<u8>>> {
    let statement = sql("SELECT sealed FROM key_identifiers WHERE key_id = $1").bind(key);
    conn.row(statement, |row| row.bytes(0).map(<[u8]>::to_vec)).await
}
