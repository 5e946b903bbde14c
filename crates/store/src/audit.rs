//! The audit chains: each entry's MAC covers the one before it, a head row tells how long the chain is.

use claviger_domain::audit::{Chain, Entry, chain_mac};
use claviger_domain::keyring::AuditKey;

use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{json, sql};
use crate::{Error, Result};

/// Entries that are checked together.
const VERIFY_ROWS: i64 = 1_000;

/// The end of a chain, as it goes to the log and into exports.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The number of entries.
    pub seq: i64,
    /// The MAC of the last one; empty for an empty chain.
    pub mac: Vec<u8>,
}

/// What checking a chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// Every entry is as it was written, and none is missing.
    Intact(Head),
    /// The entry with this number is missing, changed, or not where it was written.
    Broken {
        /// The first number that is wrong.
        seq: i64,
    },
    /// The chain ends before its head says so, or goes on behind it.
    TailCut {
        /// The last entry found.
        last: i64,
        /// The number the head says.
        head: i64,
    },
}

/// The end of a chain.
pub async fn head(conn: &mut Conn, chain: Chain) -> Result<Head> {
    let statement = sql("SELECT seq, mac FROM audit_heads WHERE chain = $1").bind(chain.to_string());
    Ok(conn.row(statement, read_head).await?.unwrap_or_default())
}

/// Checks a chain from its first entry to its head.
pub async fn verify(conn: &mut Conn, key: &AuditKey, chain: Chain) -> Result<Verified> {
    let head = head(conn, chain).await?;
    let mut last = Head::default();
    loop {
        let statement = sql("SELECT seq, mac, entry, at, action, object_kind, object_id FROM audit_entries \
                             WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3");
        let statement = statement.bind(chain.to_string()).bind(last.seq).bind(VERIFY_ROWS);
        let rows =
            conn.rows(statement, |row| Ok((read_head(row)?, row.text(2)?.to_owned(), is_consistent(row)?))).await?;
        if rows.is_empty() {
            break;
        }
        for (found, entry, consistent) in rows {
            let expected = chain_mac(key, &chain, last.seq + 1, &last.mac, entry.as_bytes());
            if found.seq != last.seq + 1 || found.mac != expected || !consistent {
                return Ok(Verified::Broken { seq: last.seq + 1 });
            }
            last = found;
        }
    }
    Ok(if last == head { Verified::Intact(head) } else { Verified::TailCut { last: last.seq, head: head.seq } })
}

/// Appends an entry; the head's row is locked until the transaction's end.
pub(crate) async fn append(conn: &mut Conn, key: &AuditKey, chain: Chain, entry: &Entry) -> Result<()> {
    let name = chain.to_string();
    let begin = sql("INSERT INTO audit_heads (chain, seq, mac) VALUES ($1, 1, $2) \
                     ON CONFLICT (chain) DO UPDATE SET seq = audit_heads.seq + 1 RETURNING seq, mac");
    let head = conn.row(begin.bind(&name).bind(&Vec::new()), read_head).await?;
    let Head { seq, mac: previous } = head.ok_or_else(|| Error::Unreadable(format!("the head of chain {name}")))?;
    let stored = json(entry);
    let mac = chain_mac(key, &chain, seq, &previous, stored.as_bytes());
    let insert = sql("INSERT INTO audit_entries (chain, seq, at, action, object_kind, object_id, entry, mac) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    let insert = insert.bind(&name).bind(seq).bind(entry.at).bind(&entry.action).bind(&entry.object.kind);
    conn.execute(insert.bind(&entry.object.id).bind(stored).bind(&mac[..])).await?;
    conn.execute(sql("UPDATE audit_heads SET mac = $1 WHERE chain = $2").bind(&mac[..]).bind(&name)).await?;
    Ok(())
}

fn read_head(row: &dyn Fields) -> Result<Head> {
    Ok(Head { seq: row.number(0)?, mac: row.bytes(1)?.to_vec() })
}

/// Whether the columns for finding say what the entry says.
fn is_consistent(row: &dyn Fields) -> Result<bool> {
    let Ok(entry) = serde_json::from_str::<Entry>(row.text(2)?) else { return Ok(false) };
    Ok(entry.at == row.time(3)?
        && entry.action == row.text(4)?
        && entry.object.kind == row.text(5)?
        && entry.object.id == row.text(6)?)
}
