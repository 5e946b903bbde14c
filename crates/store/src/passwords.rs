//! Passwords of people: their hashes, one row each.

use claviger_domain::password::PasswordHash;
use claviger_domain::{Timestamp, UserId};

use crate::Result;
use crate::conn::Conn;
use crate::sql::sql;
use crate::write::Tx;

/// The hash of a person's password; `None`: they have none.
pub async fn get(conn: &mut Conn, user: UserId) -> Result<Option<PasswordHash>> {
    let statement = sql("SELECT hash FROM user_passwords WHERE user_id = $1");
    conn.row(statement.bind(user), |row| Ok(PasswordHash::new(row.text(0)?.to_owned()))).await
}

/// The same, and nobody changes it until the transaction is over: what begins on the strength of it cannot slip past a change
/// that ends all that began before.
pub async fn get_locked(tx: &mut Tx, user: UserId) -> Result<Option<PasswordHash>> {
    let statement = sql("UPDATE user_passwords SET changed_at = changed_at WHERE user_id = $1");
    tx.execute(statement.bind(user)).await?;
    get(tx, user).await
}

/// Gives a person a password, in the place of the one before.
pub async fn set(tx: &mut Tx, user: UserId, hash: &PasswordHash, at: Timestamp) -> Result<()> {
    let statement = sql("INSERT INTO user_passwords (user_id, hash, changed_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at");
    tx.execute(statement.bind(user).bind(hash.expose()).bind(at)).await?;
    Ok(())
}

/// Writes the same password hashed anew, unless it was changed meanwhile.
pub async fn replace(tx: &mut Tx, user: UserId, old: &PasswordHash, new: &PasswordHash) -> Result<bool> {
    let statement = sql("UPDATE user_passwords SET hash = $1 WHERE user_id = $2 AND hash = $3");
    Ok(tx.execute(statement.bind(new.expose()).bind(user).bind(old.expose())).await? == 1)
}
