//! The outbox: mails that wait to be sent, and those of late that were sent or given up.
//!
//! A mail is put in by the transaction of the change that causes it, once for each unique key. A node that has the time
//! leases what is due; while the lease runs no other node touches it, and a node that dies lets it run out.

use claviger_domain::email::Email;
use claviger_domain::{MailId, OrganizationId, Timestamp};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::links::text;
use crate::sql::sql;
use crate::write::Tx;
use crate::{Error, Result, Store};

/// The most mails of one organization that wait at once; those that are no organization's count as one.
pub const WAITING_MAX: i64 = 10_000;
/// The most characters that are kept of a reason.
pub const ERROR_LENGTH_MAX: usize = 500;
/// How many rows a transaction of the trimming deletes at most.
const TRIMMED_MAX: i64 = 10_000;

/// A mail as it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its id, and its Message-ID's.
    pub id: MailId,
    /// By this it is put in once.
    pub unique_key: String,
    /// The tenant that sends it, if it is one.
    pub organization: Option<OrganizationId>,
    /// Where it goes.
    pub recipient: Email,
    /// In which language: a BCP 47 tag.
    pub language: String,
    /// What it says, without its link: JSON.
    pub mail: String,
    /// Where its link leads, below the control URL, before the `#`; empty without a link.
    pub link_path: String,
    /// The token of its link, sealed; empty without a link.
    pub sealed_token: Vec<u8>,
    /// When it was put in.
    pub created_at: Timestamp,
    /// From this instant on it is not tried any more.
    pub give_up_at: Timestamp,
    /// How often it was tried.
    pub attempts: i64,
}

/// How full the outbox is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Mails that wait.
    pub waiting: i64,
    /// When the oldest of them was put in.
    pub oldest: Option<Timestamp>,
}

/// In the place of a token that is not needed any more.
const NOTHING: &[u8] = &[];

const SELECT: &str = "SELECT id, unique_key, organization_id, recipient, language, mail, link_path, sealed_token, \
                      created_at, give_up_at, attempts FROM outbox";
const DUE: &str = " WHERE state = 'waiting' AND next_at <= $1 AND leased_until <= $1";

/// Puts a mail in, in the transaction of its cause; false if one with its key is there, or was of late.
///
/// # Errors
/// [`Error::Busy`] while too many wait.
pub async fn put(tx: &mut Tx, mail: &Waiting) -> Result<bool> {
    let waiting = sql("SELECT COUNT(*) FROM outbox WHERE organization_id = $1 AND state = 'waiting'");
    if tx.number(waiting.bind(text(mail.organization))).await? >= WAITING_MAX {
        return Err(Error::Busy);
    }
    let statement = sql("INSERT INTO outbox (id, unique_key, organization_id, recipient, language, mail, link_path, \
         sealed_token, created_at, give_up_at, next_at, attempts, state, lease, leased_until) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, 0, 'waiting', '', 0) ON CONFLICT (unique_key) DO NOTHING");
    let statement = statement.bind(mail.id).bind(&mail.unique_key).bind(text(mail.organization));
    let statement = statement.bind(mail.recipient.as_str()).bind(&mail.language).bind(&mail.mail);
    let statement = statement.bind(&mail.link_path).bind(&mail.sealed_token);
    Ok(tx.execute(statement.bind(mail.created_at).bind(mail.give_up_at)).await? == 1)
}

/// What stands under a unique key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The mail's id.
    pub id: MailId,
    /// What it says: JSON.
    pub mail: String,
    /// Whether nobody has begun to send it.
    pub is_untouched: bool,
}

/// The mail with this key that waits, or ended of late.
pub async fn by_key(conn: &mut Conn, unique_key: &str) -> Result<Option<Found>> {
    let statement =
        sql("SELECT id, mail, CAST(CASE WHEN state = 'waiting' AND lease = '' AND attempts = 0 THEN 1 ELSE 0 END \
                         AS BIGINT) FROM outbox WHERE unique_key = $1");
    let read = |row: &dyn Fields| {
        Ok(Found { id: row.parsed(0)?, mail: row.text(1)?.to_owned(), is_untouched: row.number(2)? == 1 })
    };
    conn.row(statement.bind(unique_key), read).await
}

/// Gives a mail that nobody has begun to send other words, in the transaction of their cause; false where somebody has: what was
/// sent once under a Message-ID stays as it was.
pub async fn reword(tx: &mut Tx, id: MailId, mail: &str) -> Result<bool> {
    let statement =
        sql("UPDATE outbox SET mail = $2 WHERE id = $1 AND state = 'waiting' AND lease = '' AND attempts = 0");
    Ok(tx.execute(statement.bind(id).bind(mail)).await? == 1)
}

/// When each of the mails with these keys was put in that is there still, the oldest first.
pub async fn put_in_at(conn: &mut Conn, unique_keys: &[String]) -> Result<Vec<Timestamp>> {
    let mut statement = sql("SELECT created_at FROM outbox WHERE unique_key IN (''");
    for key in unique_keys {
        statement = statement.push_bound(", ?", [key.clone()]);
    }
    conn.rows(statement.push(") ORDER BY created_at"), |row| row.time(0)).await
}

/// Leases up to `count` mails that are due at `now` for `holder`, until `until`; those that wait longest first.
pub async fn lease(store: &Store, holder: &str, now: Timestamp, until: Timestamp, count: i64) -> Result<Vec<Waiting>> {
    let due = |order: &'static str| sql(SELECT).push(DUE).push(order).bind(now).bind(count);
    // Mostly nothing is due: reading stands in nobody's way.
    if store.read().await?.rows(due(" ORDER BY next_at LIMIT $2"), read).await?.is_empty() {
        return Ok(Vec::new());
    }
    let mut writing = store.begin().await?;
    let mut leased = Vec::new();
    for mail in writing.conn.rows(due(" ORDER BY next_at LIMIT $2"), read).await? {
        // Another node may have been faster between the two statements, or something was added to the mail.
        let statement = sql("UPDATE outbox SET lease = $2, leased_until = $3 \
                             WHERE id = $4 AND state = 'waiting' AND leased_until <= $1 \
                             RETURNING id, unique_key, organization_id, recipient, language, mail, link_path, \
                             sealed_token, created_at, give_up_at, attempts");
        let statement = statement.bind(now).bind(holder).bind(until).bind(mail.id);
        leased.extend(writing.conn.row(statement, read).await?);
    }
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(leased)
}

/// Notes that a leased mail was sent; its token is gone with it. False if the lease ran out meanwhile and is another's.
pub async fn sent(store: &Store, holder: &str, id: MailId, now: Timestamp) -> Result<bool> {
    let mut writing = store.begin().await?;
    let statement = sql("UPDATE outbox SET state = 'sent', sealed_token = $4, leased_until = 0, ended_at = $3, \
         attempts = attempts + 1, last_error = NULL WHERE id = $1 AND lease = $2 AND state = 'waiting'");
    let noted = writing.conn.execute(statement.bind(id).bind(holder).bind(now).bind(NOTHING)).await? == 1;
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(noted)
}

/// Notes that an attempt failed; it is tried again from `next_at` on.
pub async fn postpone(store: &Store, holder: &str, id: MailId, next_at: Timestamp, reason: &str) -> Result<bool> {
    let mut writing = store.begin().await?;
    let statement = sql("UPDATE outbox SET leased_until = 0, next_at = $3, attempts = attempts + 1, last_error = $4 \
                         WHERE id = $1 AND lease = $2 AND state = 'waiting'");
    let noted = writing.conn.execute(statement.bind(id).bind(holder).bind(next_at).bind(cut(reason))).await? == 1;
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(noted)
}

/// Ends a mail that cannot be sent, in the transaction of its audit entry; its token is gone with it.
pub async fn give_up(tx: &mut Tx, holder: &str, id: MailId, now: Timestamp, reason: &str) -> Result<bool> {
    let statement = sql("UPDATE outbox SET state = 'failed', sealed_token = $5, leased_until = 0, ended_at = $3, \
         attempts = attempts + 1, last_error = $4 WHERE id = $1 AND lease = $2 AND state = 'waiting'");
    Ok(tx.execute(statement.bind(id).bind(holder).bind(now).bind(cut(reason)).bind(NOTHING)).await? == 1)
}

/// Takes mails back that wait and whose cause is gone.
pub async fn take_back(tx: &mut Tx, unique_key: &str) -> Result<()> {
    tx.execute(sql("DELETE FROM outbox WHERE unique_key = $1 AND state = 'waiting'").bind(unique_key)).await?;
    Ok(())
}

/// How full it is.
pub async fn depth(conn: &mut Conn) -> Result<Depth> {
    let statement = sql("SELECT COUNT(*), MIN(created_at) FROM outbox WHERE state = 'waiting'");
    let read = |row: &dyn Fields| Ok(Depth { waiting: row.number(0)?, oldest: row.time_or_none(1)? });
    Ok(conn.row(statement, read).await?.unwrap_or_default())
}

/// Deletes what ended before `before`; how many.
pub async fn trim(store: &Store, before: Timestamp) -> Result<u64> {
    let mut writing = store.begin().await?;
    let statement = sql("DELETE FROM outbox WHERE id IN \
                         (SELECT id FROM outbox WHERE state <> 'waiting' AND ended_at < $1 LIMIT $2)");
    let trimmed = writing.conn.execute(statement.bind(before).bind(TRIMMED_MAX)).await?;
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(trimmed)
}

fn cut(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_control()).take(ERROR_LENGTH_MAX).collect()
}

fn read(row: &dyn Fields) -> Result<Waiting> {
    Ok(Waiting {
        id: row.parsed(0)?,
        unique_key: row.text(1)?.to_owned(),
        organization: if row.text(2)?.is_empty() { None } else { Some(row.parsed(2)?) },
        recipient: row.parsed(3)?,
        language: row.text(4)?.to_owned(),
        mail: row.text(5)?.to_owned(),
        link_path: row.text(6)?.to_owned(),
        sealed_token: row.bytes(7)?.to_vec(),
        created_at: row.time(8)?,
        give_up_at: row.time(9)?,
        attempts: row.number(10)?,
    })
}
