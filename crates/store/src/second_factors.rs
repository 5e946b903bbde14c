//! Second factors of people: the sealed secret of their one-time codes, and their recovery codes.
//!
//! What works once is taken by one statement that says whether it was there: of two who come at once, at two nodes, one is told
//! that it was not.

use claviger_domain::digest::CredentialDigest;
use claviger_domain::totp::Step;
use claviger_domain::{Timestamp, UserId};

use crate::Result;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{Sql, sql};
use crate::write::Tx;

/// One-time codes of a person, which are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// The sealed secret.
    pub sealed: Vec<u8>,
    /// The step of the code that was used last.
    pub last_step: Step,
    /// Since when they are in force.
    pub confirmed_at: Timestamp,
    /// When the recovery codes were made.
    pub codes_made_at: Timestamp,
}

/// A secret that waits for its person to confirm it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTotp {
    /// The sealed secret.
    pub sealed: Vec<u8>,
    /// From this instant on it is void.
    pub expires_at: Timestamp,
}

/// The one-time codes of a person; `None`: they have none.
pub async fn get(conn: &mut Conn, user: UserId) -> Result<Option<Totp>> {
    let statement = sql("SELECT sealed, last_step, confirmed_at, codes_made_at FROM user_totp WHERE user_id = $1");
    let read = |row: &dyn Fields| {
        Ok(Totp {
            sealed: row.bytes(0)?.to_vec(),
            last_step: Step::new(row.number(1)?),
            confirmed_at: row.time(2)?,
            codes_made_at: row.time(3)?,
        })
    };
    conn.row(statement.bind(user), read).await
}

/// Puts one-time codes in force, in the place of those before.
pub async fn put(tx: &mut Tx, user: UserId, totp: &Totp) -> Result<()> {
    let statement = sql("INSERT INTO user_totp (user_id, sealed, last_step, confirmed_at, codes_made_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, \
         last_step = excluded.last_step, confirmed_at = excluded.confirmed_at, codes_made_at = excluded.codes_made_at");
    let statement = statement.bind(user).bind(&totp.sealed).bind(totp.last_step.number());
    tx.execute(statement.bind(totp.confirmed_at).bind(totp.codes_made_at)).await?;
    Ok(())
}

/// Takes the code of `step`: it counts no more, and none before it. False where it, or a later one, was taken already, or
/// another secret is in force.
pub async fn take_step(tx: &mut Tx, user: UserId, sealed: &Vec<u8>, step: Step) -> Result<bool> {
    let statement = sql("UPDATE user_totp SET last_step = $1 WHERE user_id = $2 AND last_step < $3 AND sealed = $4");
    let statement = statement.bind(step.number()).bind(user).bind(step.number()).bind(sealed);
    Ok(tx.execute(statement).await? == 1)
}

/// Ends one-time codes and recovery codes of a person; whether there were any.
pub async fn remove(tx: &mut Tx, user: UserId) -> Result<bool> {
    tx.execute(sql("DELETE FROM new_totp WHERE user_id = $1").bind(user)).await?;
    let removed = tx.execute(sql("DELETE FROM user_totp WHERE user_id = $1").bind(user)).await? == 1;
    tx.execute(sql("DELETE FROM recovery_codes WHERE user_id = $1").bind(user)).await?;
    Ok(removed)
}

// === to be confirmed ===

/// Keeps a secret until its person confirms it, in the place of the one before.
pub async fn put_new(tx: &mut Tx, user: UserId, new: &NewTotp) -> Result<()> {
    let statement = sql("INSERT INTO new_totp (user_id, sealed, expires_at) VALUES ($1, $2, $3) \
         ON CONFLICT (user_id) DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at");
    tx.execute(statement.bind(user).bind(&new.sealed).bind(new.expires_at)).await?;
    Ok(())
}

/// The secret that a person is to confirm, whatever has become of its time.
pub async fn get_new(conn: &mut Conn, user: UserId) -> Result<Option<NewTotp>> {
    let statement = sql("SELECT sealed, expires_at FROM new_totp WHERE user_id = $1");
    conn.row(statement.bind(user), |row| Ok(NewTotp { sealed: row.bytes(0)?.to_vec(), expires_at: row.time(1)? })).await
}

/// Takes the secret that was to be confirmed; false where it is not this one any more.
pub async fn take_new(tx: &mut Tx, user: UserId, new: &NewTotp) -> Result<bool> {
    let statement = sql("DELETE FROM new_totp WHERE user_id = $1 AND sealed = $2");
    Ok(tx.execute(statement.bind(user).bind(&new.sealed)).await? == 1)
}

// === recovery codes ===

/// Gives a person these recovery codes in the place of all before; false where the person has no one-time codes, and then
/// there are none. The person's row is written first: of two calls at once the codes of one are left.
pub async fn put_codes(tx: &mut Tx, user: UserId, digests: &[CredentialDigest], at: Timestamp) -> Result<bool> {
    let made = sql("UPDATE user_totp SET codes_made_at = $1 WHERE user_id = $2").bind(at).bind(user);
    if tx.execute(made).await? == 0 {
        return Ok(false);
    }
    tx.execute(sql("DELETE FROM recovery_codes WHERE user_id = $1").bind(user)).await?;
    let mut statement = Sql::rows("INSERT INTO recovery_codes (digest, user_id) VALUES", 2, digests.len(), "");
    for digest in digests {
        statement = statement.bind(&digest.as_bytes()[..]).bind(user);
    }
    tx.execute(statement).await?;
    Ok(true)
}

/// Takes a recovery code of a person; false where it is not there: it never was, or was used.
pub async fn take_code(tx: &mut Tx, user: UserId, digest: &CredentialDigest) -> Result<bool> {
    let statement = sql("DELETE FROM recovery_codes WHERE digest = $1 AND user_id = $2");
    Ok(tx.execute(statement.bind(&digest.as_bytes()[..]).bind(user)).await? == 1)
}

/// How many recovery codes of a person were not used.
pub async fn count_codes(conn: &mut Conn, user: UserId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1").bind(user)).await
}
