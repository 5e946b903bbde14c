//! The audit chains: each entry's MAC covers the one before it, a head row tells how long the chain is, and a checkpoint where it begins
//! when its oldest entries were removed.

use claviger_domain::Timestamp;
use claviger_domain::audit::{Chain, Checkpoint, Entry, TRIM, chain_mac, checkpoint_mac};
use claviger_domain::keyring::AuditKey;
use claviger_domain::name::search_form;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

use crate::conn::Conn;
use crate::fields::Fields;
use crate::page::{CursorValue, Listed, Page, Sieve};
use crate::sql::{Sql, containing, json, sql, word};
use crate::write::Tx;
use crate::{Error, Result};

/// Entries that are checked together.
const VERIFY_ROWS: i64 = 1_000;
/// Entries that are removed in one transaction.
pub const TRIMMED_TOGETHER: i64 = 1_000;

/// An entry as it stands in its chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its number, from 1.
    pub seq: i64,
    /// What it says.
    pub entry: Entry,
    /// The MAC over it and everything before it.
    pub mac: Vec<u8>,
}

/// Which entries of a chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Those by the actor with this id, or of this type.
    pub actor: Option<String>,
    /// Those of this action; `key.*` stands for all that begin so.
    pub action: Option<String>,
    /// Those about the object with this id, or of this type.
    pub object: Option<String>,
    /// Those of this instant or later.
    pub from: Option<Timestamp>,
    /// Those before this instant.
    pub before: Option<Timestamp>,
    /// Those that have this in actor, action, object, address, request id or in what changed, whatever its case.
    pub text: Option<String>,
    /// Those up to this number.
    pub up_to: Option<i64>,
    /// The oldest first.
    pub ascending: bool,
}

/// Whatever stands for an entry of a chain.
trait Place {
    /// Its place in the chain, as a cursor has it.
    fn place(&self) -> (CursorValue, String);
}

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
    /// The checkpoint, which says that the entries up to this number were removed, was not made by this installation.
    Forged {
        /// What it says.
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

/// Which entries may be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removable {
    /// Those written before this.
    pub before: Timestamp,
    /// Those up to this number.
    pub up_to: i64,
    /// When they are removed.
    pub now: Timestamp,
}

/// What removing the oldest entries came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trimmed {
    /// There are none that may be.
    Nothing,
    /// They are gone, and the chain begins at its checkpoint.
    Removed {
        /// The first that was.
        first: i64,
        /// The last that was.
        last: i64,
        /// When the newest entry was written that was ever removed.
        until: Timestamp,
        /// Whether there may be more.
        is_full: bool,
    },
    /// This entry or the checkpoint before it is not as it was written. Nothing is removed: it would take the proof along.
    Broken {
        /// The first number that is wrong.
        seq: i64,
    },
}

/// A row of a chain as it is checked.
struct Link {
    end: Head,
    at: Timestamp,
    action: String,
    entry: String,
    is_consistent: bool,
}

/// A checkpoint as it stands in the database, which anybody may have written there.
struct StoredCheckpoint {
    checkpoint: Checkpoint,
    seal: Vec<u8>,
}

impl Place for Stored {
    fn place(&self) -> (CursorValue, String) {
        (CursorValue::Number(self.seq), String::new())
    }
}

/// An entry that was read, or the number of one that was passed over.
impl Place for Result<Stored, i64> {
    fn place(&self) -> (CursorValue, String) {
        let seq = self.as_ref().map_or_else(|seq| *seq, |stored| stored.seq);
        (CursorValue::Number(seq), String::new())
    }
}

/// The end of a chain.
pub async fn head(conn: &mut Conn, chain: Chain) -> Result<Head> {
    let statement = sql("SELECT seq, mac FROM audit_heads WHERE chain = $1").bind(chain.to_string());
    Ok(conn.row(statement, read_head).await?.unwrap_or_default())
}

/// The ends of all chains, by their names.
pub async fn heads(conn: &mut Conn) -> Result<Vec<(String, Head)>> {
    let statement = sql("SELECT seq, mac, chain FROM audit_heads ORDER BY chain");
    conn.rows(statement, |row| Ok((row.text(2)?.to_owned(), read_head(row)?))).await
}

/// A page of a chain.
///
/// # Errors
/// [`Error::ForeignCursor`] if the page's cursor belongs to another list.
pub async fn list(conn: &mut Conn, chain: Chain, filter: &AuditFilter, page: &Page) -> Result<Listed<Stored>> {
    let Some(text) = filter.text.as_deref().map(search_form) else {
        return rows(conn, chain, filter, page, read_stored).await;
    };
    let mut sieve = Sieve::new(page);
    while let Some(part) = sieve.part() {
        // Most entries are passed over unread: reading one takes longer than all else.
        let read = |row: &dyn Fields| {
            if may_have(row.text(2)?, &text) { read_stored(row).map(Ok) } else { row.number(0).map(Err) }
        };
        let found = rows(conn, chain, filter, &part, read).await?;
        sieve.sift(found, |row| row.as_ref().is_ok_and(|stored| search_form(&texts(&stored.entry)).contains(&text)));
    }
    let Listed { items, next } = sieve.listed(Place::place);
    Ok(Listed { items: items.into_iter().filter_map(Result::ok).collect(), next })
}

/// Whether an entry may have a text that is folded. ASCII stands in JSON as it is, but for what is escaped.
fn may_have(entry: &str, text: &str) -> bool {
    let is_plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    !entry.is_ascii() || !text.bytes().all(is_plain) || entry.to_ascii_lowercase().contains(text)
}

async fn rows<T: Place>(
    conn: &mut Conn,
    chain: Chain,
    filter: &AuditFilter,
    page: &Page,
    read: impl Fn(&dyn Fields) -> Result<T>,
) -> Result<Listed<T>> {
    let select = "SELECT seq, mac, entry FROM audit_entries WHERE chain = $1";
    let mut statement = filtered(sql(select).bind(chain.to_string()), filter);
    if let Some(actor) = &filter.actor {
        statement = by_actor(statement, actor, has_old_entries(conn, chain).await?);
    }
    if let Some((seq, _)) = page.after_number()? {
        statement = statement.push_bound(if filter.ascending { " AND seq > ?" } else { " AND seq < ?" }, [seq]);
    }
    let order = if filter.ascending { " ORDER BY seq LIMIT ?" } else { " ORDER BY seq DESC LIMIT ?" };
    let rows = conn.rows(statement.push_bound(order, [page.rows_to_read()]), read).await?;
    Ok(page.cut(rows, Place::place))
}

pub(crate) fn read_stored(row: &dyn Fields) -> Result<Stored> {
    let Head { seq, mac } = read_head(row)?;
    Ok(Stored { seq, entry: row.json(2)?, mac })
}

/// What a search looks through, a line each.
fn texts(entry: &Entry) -> String {
    let Entry { actor, object, ip, request_id, .. } = entry;
    let mut texts: Vec<&str> = vec![&entry.action, &object.kind, &object.id];
    texts.extend([&actor.id, &actor.name, &object.name, ip, request_id].into_iter().flatten().map(String::as_str));
    let changed = [&entry.before, &entry.after];
    changed.into_iter().flatten().for_each(|value| collect_texts(value, &mut texts));
    texts.join("\n")
}

/// The names and texts in a value; it is as deep as what Claviger itself wrote.
fn collect_texts<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| collect_texts(value, texts)),
        Value::Object(members) => {
            for (name, value) in members {
                texts.push(name);
                collect_texts(value, texts);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn filtered(mut statement: Sql, filter: &AuditFilter) -> Sql {
    statement = match filter.action.as_deref().map(|action| (action, action.strip_suffix('*'))) {
        None => statement,
        Some((_, Some(beginning))) => {
            let pattern = containing(beginning);
            statement.push_bound(" AND action LIKE ? ESCAPE '!'", [pattern.strip_prefix('%').unwrap_or(&pattern)])
        }
        Some((action, None)) => statement.push_bound(" AND action = ?", [action]),
    };
    if let Some(object) = &filter.object {
        // One or the other, as the index of each gives the order.
        let either = if is_id(object) { " AND object_id = ?" } else { " AND object_kind = ?" };
        statement = statement.push_bound(either, [object]);
    }
    if let Some(from) = filter.from {
        statement = statement.push_bound(" AND at >= ?", [from]);
    }
    if let Some(before) = filter.before {
        statement = statement.push_bound(" AND at < ?", [before]);
    }
    if let Some(seq) = filter.up_to {
        statement = statement.push_bound(" AND seq <= ?", [seq]);
    }
    statement
}

/// Whether the chain has entries from before there was a column for the actor.
async fn has_old_entries(conn: &mut Conn, chain: Chain) -> Result<bool> {
    let statement = sql("SELECT 1 FROM audit_entries WHERE chain = $1 AND actor IS NULL LIMIT 1");
    Ok(conn.row(statement.bind(chain.to_string()), |_| Ok(())).await?.is_some())
}

fn by_actor(statement: Sql, actor: &str, has_old_entries: bool) -> Sql {
    if has_old_entries {
        // Their text is looked through.
        let either = " AND (actor = ? OR actor_type = ? OR (actor IS NULL AND entry LIKE ? ESCAPE '!'))";
        return statement.push_bound(either, [actor, actor, &containing(&format!("\"{actor}\""))]);
    }
    let either = if is_id(actor) { " AND actor = ?" } else { " AND actor_type = ?" };
    statement.push_bound(either, [actor])
}

/// Ids have digits: they begin with their time. Types of actors and objects have none.
fn is_id(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
}

/// Where a chain begins whose older entries were removed; `None` where all are there. It is checked by [`verify`] alone.
pub async fn checkpoint(conn: &mut Conn, chain: Chain) -> Result<Option<Checkpoint>> {
    Ok(stored_checkpoint(conn, chain).await?.map(|stored| stored.checkpoint))
}

async fn stored_checkpoint(conn: &mut Conn, chain: Chain) -> Result<Option<StoredCheckpoint>> {
    let statement = sql("SELECT seq, mac, until, removed_at, seal FROM audit_checkpoints WHERE chain = $1");
    let read = |row: &dyn Fields| {
        let Head { seq, mac } = read_head(row)?;
        let checkpoint = Checkpoint { seq, mac, until: row.time(2)?, removed_at: row.time(3)? };
        Ok(StoredCheckpoint { checkpoint, seal: row.bytes(4)?.to_vec() })
    };
    conn.row(statement.bind(chain.to_string()), read).await
}

/// When the oldest entry of a chain was written.
pub async fn oldest(conn: &mut Conn, chain: Chain) -> Result<Option<Timestamp>> {
    let statement = sql("SELECT at FROM audit_entries WHERE chain = $1 ORDER BY seq LIMIT 1");
    conn.row(statement.bind(chain.to_string()), |row| row.time(0)).await
}

/// The entries of a chain from number `first` on, in order, at most `most`.
pub async fn from(conn: &mut Conn, chain: Chain, first: i64, most: i64) -> Result<Vec<Stored>> {
    let statement =
        sql("SELECT seq, mac, entry FROM audit_entries WHERE chain = $1 AND seq >= $2 ORDER BY seq LIMIT $3");
    conn.rows(statement.bind(chain.to_string()).bind(first).bind(most), read_stored).await
}

/// Removes a chain's oldest entries, [`TRIMMED_TOGETHER`] at most, and leaves a checkpoint. Each is checked before: whoever can write
/// the database must not have entries removed, and the rest sealed, by making them look old.
pub async fn trim(tx: &mut Tx, key: &AuditKey, chain: Chain, removable: Removable) -> Result<Trimmed> {
    let (old, mut last) = match stored_checkpoint(tx, chain).await? {
        Some(stored) if !stored.is_genuine(key, chain) => return Ok(Trimmed::Broken { seq: stored.checkpoint.seq }),
        Some(StoredCheckpoint { checkpoint, .. }) => (Some(checkpoint.until), Head::of(&checkpoint)),
        None => (None, Head::default()),
    };
    let (first, mut until, mut is_worth_it, mut count) = (last.seq + 1, old, false, 0);
    for link in links(tx, chain, i64::MIN, TRIMMED_TOGETHER).await? {
        if !link.follows(key, chain, &last) {
            return Ok(Trimmed::Broken { seq: first_wrong(&link, &last) });
        }
        if link.at >= removable.before || link.end.seq > removable.up_to {
            break;
        }
        until = until.max(Some(link.at));
        is_worth_it |= link.action != TRIM;
        count += 1;
        last = link.end;
    }
    let is_full = count == TRIMMED_TOGETHER;
    // Each removal leaves an entry. Where nothing but such entries is old, removing them would only go on for ever.
    let Some(until) = until.filter(|_| count > 0 && (is_worth_it || is_full)) else { return Ok(Trimmed::Nothing) };
    let checkpoint = Checkpoint { seq: last.seq, mac: last.mac, until, removed_at: removable.now };
    remove(tx, key, chain, &checkpoint).await?;
    Ok(Trimmed::Removed { first, last: checkpoint.seq, until, is_full })
}

async fn remove(tx: &mut Tx, key: &AuditKey, chain: Chain, checkpoint: &Checkpoint) -> Result<()> {
    let name = chain.to_string();
    let statement = sql("DELETE FROM audit_entries WHERE chain = $1 AND seq <= $2");
    tx.execute(statement.bind(&name).bind(checkpoint.seq)).await?;
    let statement = sql("INSERT INTO audit_checkpoints (chain, seq, mac, until, removed_at, seal) \
                         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, \
                         mac = excluded.mac, until = excluded.until, removed_at = excluded.removed_at, \
                         seal = excluded.seal");
    let statement = statement.bind(name).bind(checkpoint.seq).bind(&checkpoint.mac).bind(checkpoint.until);
    let seal = checkpoint_mac(key, &chain, checkpoint);
    tx.execute(statement.bind(checkpoint.removed_at).bind(&seal[..])).await?;
    Ok(())
}

async fn links(conn: &mut Conn, chain: Chain, after: i64, most: i64) -> Result<Vec<Link>> {
    let statement = sql("SELECT seq, mac, entry, at, action, object_kind, object_id, actor, actor_type \
                         FROM audit_entries \
                         WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3");
    let read = |row: &dyn Fields| {
        let (entry, action) = (row.text(2)?.to_owned(), row.text(4)?.to_owned());
        Ok(Link { end: read_head(row)?, at: row.time(3)?, action, entry, is_consistent: is_consistent(row)? })
    };
    conn.rows(statement.bind(chain.to_string()).bind(after).bind(most), read).await
}

/// The number at which a chain goes wrong: one that is missing, or one that stands there and should not.
fn first_wrong(found: &Link, last: &Head) -> i64 {
    found.end.seq.min(last.seq + 1)
}

/// Checks a chain from its beginning, which is its first entry or its checkpoint, to its head, and against an end that was noted
/// elsewhere: whoever may write the database can cut a chain and its head, but not what was noted. Of an end that was noted before
/// the checkpoint only its number can be checked.
pub async fn verify(
    conn: &mut Conn,
    key: &AuditKey,
    chain: Chain,
    noted: Option<&Head>,
) -> Result<(Verified, Option<Checkpoint>)> {
    let stored = stored_checkpoint(conn, chain).await?;
    if let Some(stored) = stored.as_ref().filter(|stored| !stored.is_genuine(key, chain)) {
        return Ok((Verified::Forged { seq: stored.checkpoint.seq }, None));
    }
    let checkpoint = stored.map(|stored| stored.checkpoint);
    let begin = checkpoint.as_ref().map(Head::of).unwrap_or_default();
    Ok((verify_from(conn, key, chain, begin, noted).await?, checkpoint))
}

async fn verify_from(
    conn: &mut Conn,
    key: &AuditKey,
    chain: Chain,
    mut last: Head,
    noted: Option<&Head>,
) -> Result<Verified> {
    let head = head(conn, chain).await?;
    let is_as_noted = |found: &Head| noted.is_none_or(|noted| noted.seq != found.seq || noted.mac == found.mac);
    if !is_as_noted(&last) {
        return Ok(Verified::Broken { seq: last.seq });
    }
    // What stands before the beginning is found too.
    let mut after = i64::MIN;
    loop {
        let links = links(conn, chain, after, VERIFY_ROWS).await?;
        if links.is_empty() {
            break;
        }
        for link in links {
            if !link.follows(key, chain, &last) || !is_as_noted(&link.end) {
                return Ok(Verified::Broken { seq: first_wrong(&link, &last) });
            }
            last = link.end;
        }
        after = last.seq;
    }
    if let Some(noted) = noted.filter(|noted| noted.seq > last.seq) {
        return Ok(Verified::TailCut { last: last.seq, head: noted.seq });
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
    let insert = sql("INSERT INTO audit_entries \
                      (chain, seq, at, action, object_kind, object_id, entry, mac, actor, actor_type) \
                      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    let insert = insert.bind(&name).bind(seq).bind(entry.at).bind(&entry.action).bind(&entry.object.kind);
    let insert = insert.bind(&entry.object.id).bind(stored).bind(&mac[..]).bind(actor(entry));
    conn.execute(insert.bind(word(&entry.actor.kind))).await?;
    conn.execute(sql("UPDATE audit_heads SET mac = $1 WHERE chain = $2").bind(&mac[..]).bind(&name)).await?;
    Ok(())
}

fn read_head(row: &dyn Fields) -> Result<Head> {
    Ok(Head { seq: row.number(0)?, mac: row.bytes(1)?.to_vec() })
}

// === impl Head ===

impl Head {
    /// The end of what was removed.
    fn of(checkpoint: &Checkpoint) -> Self {
        Self { seq: checkpoint.seq, mac: checkpoint.mac.clone() }
    }
}

// === impl Link ===

impl Link {
    /// Whether it is as it was written, and behind `last`.
    fn follows(&self, key: &AuditKey, chain: Chain, last: &Head) -> bool {
        let expected = chain_mac(key, &chain, last.seq.saturating_add(1), &last.mac, self.entry.as_bytes());
        self.is_consistent && self.end.seq == last.seq.saturating_add(1) && self.end.mac == expected
    }
}

// === impl StoredCheckpoint ===

impl StoredCheckpoint {
    fn is_genuine(&self, key: &AuditKey, chain: Chain) -> bool {
        checkpoint_mac(key, &chain, &self.checkpoint).as_slice().ct_eq(&self.seal).into()
    }
}

/// The actor's id; empty for one without.
fn actor(entry: &Entry) -> &str {
    entry.actor.id.as_deref().unwrap_or_default()
}

/// Whether the columns for finding say what the entry says.
fn is_consistent(row: &dyn Fields) -> Result<bool> {
    let Ok(entry) = serde_json::from_str::<Entry>(row.text(2)?) else { return Ok(false) };
    let (by, kind) = (row.text_or_none(7)?, row.text_or_none(8)?);
    // Entries from before there were these columns have neither.
    let actor_fits = match (by, kind) {
        (None, None) => true,
        (by, kind) => by == Some(actor(&entry)) && kind == Some(&*word(&entry.actor.kind)),
    };
    Ok(actor_fits
        && entry.at == row.time(3)?
        && entry.action == row.text(4)?
        && entry.object.kind == row.text(5)?
        && entry.object.id == row.text(6)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_passed_over_only_where_it_cannot_have_the_text() {
        let entry = r#"{"action":"key.edit","after":{"name":"Order \"A\" \\ b"}}"#;
        for (entry, text, may) in [
            (entry, "order", true),
            (entry, "key.edit", true),
            (entry, "key.delete", false),
            // Escaped in the entry, or folded to ASCII from what is none.
            (entry, "\"a\"", true),
            (entry, "\\ b", true),
            (entry, "a\nb", true),
            (r#"{"name":"Straße"}"#, "strasse", true),
            (entry, "straße", true),
        ] {
            assert_eq!(may_have(entry, text), may, "{text}");
        }
    }
}
