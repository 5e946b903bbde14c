//! Sign-ins whose password was right and which wait for a code: one for each counter of tries, so that whoever tries elsewhere
//! takes nobody's away.

use claviger_domain::digest::CredentialDigest;
use claviger_domain::{OrganizationId, Timestamp, UserId};

use crate::conn::Conn;
use crate::sign_in_attempts::Counter;
use crate::sql::sql;
use crate::write::Tx;
use crate::{Error, Result, Store};

/// How many a transaction of the sweep deletes at most.
const SWEPT_MAX: i64 = 10_000;

/// A sign-in that waits for a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Where its tries are counted.
    pub counter: Counter,
    /// Of its token.
    pub digest: CredentialDigest,
    /// Who it is.
    pub user: UserId,
    /// The organization whose things are going to be meant.
    pub organization: OrganizationId,
    /// Of the hash of the password with which it began: another password ends it.
    pub password: [u8; 32],
    /// From this instant on it is void.
    pub expires_at: Timestamp,
}

/// Writes one, in the place of the one that its counter had.
pub async fn put(tx: &mut Tx, challenge: &Challenge) -> Result<()> {
    let statement =
        sql("INSERT INTO sign_in_challenges (counter, digest, user_id, organization_id, password, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (counter) DO UPDATE SET digest = excluded.digest, \
         user_id = excluded.user_id, organization_id = excluded.organization_id, password = excluded.password, \
         expires_at = excluded.expires_at");
    let statement = statement.bind(&challenge.counter.tag()).bind(&challenge.digest.as_bytes()[..]);
    let statement = statement.bind(challenge.user).bind(challenge.organization);
    tx.execute(statement.bind(&challenge.password[..]).bind(challenge.expires_at)).await?;
    Ok(())
}

/// The one whose token has this digest, whatever has become of its time.
pub async fn by_digest(conn: &mut Conn, digest: &CredentialDigest) -> Result<Option<Challenge>> {
    let statement = sql("SELECT counter, user_id, organization_id, password, expires_at FROM sign_in_challenges \
                         WHERE digest = $1");
    let read = |row: &dyn crate::fields::Fields| {
        let bytes =
            |at: usize| <[u8; 32]>::try_from(row.bytes(at)?).map_err(|_| row.unreadable(at, "expected 32 bytes"));
        Ok(Challenge {
            counter: Counter::new(bytes(0)?),
            digest: *digest,
            user: row.parsed(1)?,
            organization: row.parsed(2)?,
            password: bytes(3)?,
            expires_at: row.time(4)?,
        })
    };
    conn.row(statement.bind(&digest.as_bytes()[..]), read).await
}

/// Takes one; false where it is not there any more: it was used, or replaced.
pub async fn take(tx: &mut Tx, digest: &CredentialDigest) -> Result<bool> {
    let statement = sql("DELETE FROM sign_in_challenges WHERE digest = $1");
    Ok(tx.execute(statement.bind(&digest.as_bytes()[..])).await? == 1)
}

/// Deletes those that ended before `before`; how many.
pub async fn sweep(store: &Store, before: Timestamp) -> Result<u64> {
    let mut writing = store.begin().await?;
    let statement = sql("DELETE FROM sign_in_challenges WHERE counter IN \
         (SELECT counter FROM sign_in_challenges WHERE expires_at <= $1 LIMIT $2)");
    let swept = writing.conn.execute(statement.bind(before).bind(SWEPT_MAX)).await?;
    let statement = sql("DELETE FROM new_totp WHERE user_id IN \
         (SELECT user_id FROM new_totp WHERE expires_at <= $1 LIMIT $2)");
    let unconfirmed = writing.conn.execute(statement.bind(before).bind(SWEPT_MAX)).await?;
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(swept + unconfirmed)
}
