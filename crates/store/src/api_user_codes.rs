//! Recovery codes of API users: keyed digests of those that were not used. Each is taken by one statement, which says whether it
//! was there.

use claviger_domain::ApiUserId;
use claviger_domain::digest::CredentialDigest;

use crate::Result;
use crate::conn::Conn;
use crate::sql::{Sql, sql};
use crate::write::Tx;

/// Gives a user these codes in the place of all before; false where the user has no one-time codes, and then there are none.
/// The row of the one-time codes is written first: of two calls at once the codes of one are left.
pub async fn put(tx: &mut Tx, user: ApiUserId, digests: &[CredentialDigest]) -> Result<bool> {
    let held = sql("UPDATE api_user_totp SET last_step = last_step WHERE api_user_id = $1").bind(user);
    if tx.execute(held).await? == 0 {
        return Ok(false);
    }
    remove(tx, user).await?;
    let mut statement =
        Sql::rows("INSERT INTO api_user_recovery_codes (digest, api_user_id) VALUES", 2, digests.len(), "");
    for digest in digests {
        statement = statement.bind(&digest.as_bytes()[..]).bind(user);
    }
    tx.execute(statement).await?;
    Ok(true)
}

/// Takes a code of a user; false where it is not there: it never was, or was used.
pub async fn take(tx: &mut Tx, user: ApiUserId, digest: &CredentialDigest) -> Result<bool> {
    let statement = sql("DELETE FROM api_user_recovery_codes WHERE digest = $1 AND api_user_id = $2");
    Ok(tx.execute(statement.bind(&digest.as_bytes()[..]).bind(user)).await? == 1)
}

/// How many codes of a user were not used.
pub async fn count(conn: &mut Conn, user: ApiUserId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM api_user_recovery_codes WHERE api_user_id = $1").bind(user)).await
}

/// Ends all codes of a user.
pub(crate) async fn remove(tx: &mut Tx, user: ApiUserId) -> Result<()> {
    tx.execute(sql("DELETE FROM api_user_recovery_codes WHERE api_user_id = $1").bind(user)).await?;
    Ok(())
}
