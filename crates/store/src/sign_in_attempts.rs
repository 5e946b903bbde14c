//! Tries to sign in, in a bounded number of slots: a slot counts the tries of whoever tried last there.

use claviger_domain::attempts::{Attempts, COUNTERS};

use crate::Result;
use crate::conn::Conn;
use crate::sql::sql;
use crate::write::Tx;

/// The counter of somebody's tries: the keyed digest of who tries what from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter([u8; 32]);

/// The tries that are counted there.
pub async fn get(conn: &mut Conn, counter: &Counter) -> Result<Attempts> {
    let statement = sql("SELECT tries, last_at FROM sign_in_attempts WHERE slot = $1 AND tag = $2");
    let read = |row: &dyn crate::fields::Fields| {
        let count = u32::try_from(row.number(0)?).map_err(|_| row.unreadable(0, "out of range"))?;
        Ok(Attempts { count, last_at: row.time(1)? })
    };
    Ok(conn.row(statement.bind(counter.slot()).bind(&counter.tag()), read).await?.unwrap_or_default())
}

/// Counts these tries, in the place of whatever the slot counted.
pub async fn put(tx: &mut Tx, counter: &Counter, attempts: Attempts) -> Result<()> {
    let statement = sql("INSERT INTO sign_in_attempts (slot, tag, tries, last_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (slot) DO UPDATE SET tag = excluded.tag, tries = excluded.tries, last_at = excluded.last_at");
    let statement = statement.bind(counter.slot()).bind(&counter.tag()).bind(i64::from(attempts.count));
    tx.execute(statement.bind(attempts.last_at)).await?;
    Ok(())
}

/// Forgets the tries: one has succeeded.
pub async fn clear(tx: &mut Tx, counter: &Counter) -> Result<()> {
    let statement = sql("DELETE FROM sign_in_attempts WHERE slot = $1 AND tag = $2");
    tx.execute(statement.bind(counter.slot()).bind(&counter.tag())).await?;
    Ok(())
}

/// How many slots count something.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM sign_in_attempts")).await
}

// === impl Counter ===

impl Counter {
    /// The counter of this digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    fn slot(&self) -> i64 {
        let [a, b, c, d, ..] = self.0;
        i64::from(u32::from_be_bytes([a, b, c, d]) % COUNTERS)
    }

    pub(crate) fn tag(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}
