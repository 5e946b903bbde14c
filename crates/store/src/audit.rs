//! The audit chains: each entry's MAC covers the one before it, a head row tells how long the chain is.

use claviger_domain::Timestamp;
use claviger_domain::audit::{Chain, Entry, chain_mac};
use claviger_domain::keyring::AuditKey;
use claviger_domain::name::search_form;
use serde_json::Value;

use crate::conn::Conn;
use crate::fields::Fields;
use crate::page::{CursorValue, Listed, Page, Sieve};
use crate::sql::{Sql, containing, json, sql, word};
use crate::{Error, Result};

/// Entries that are checked together.
const VERIFY_ROWS: i64 = 1_000;

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
    /// The chain ends before its head says so, or goes on behind it.
    TailCut {
        /// The last entry found.
        last: i64,
        /// The number the head says.
        head: i64,
    },
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

/// Checks a chain from its first entry to its head, and against an end that was noted elsewhere: whoever may write the
/// database can cut a chain and its head, but not what was noted.
pub async fn verify(conn: &mut Conn, key: &AuditKey, chain: Chain, noted: Option<&Head>) -> Result<Verified> {
    let head = head(conn, chain).await?;
    let mut last = Head::default();
    loop {
        let statement = sql("SELECT seq, mac, entry, at, action, object_kind, object_id, actor, actor_type \
                             FROM audit_entries \
                             WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT $3");
        let statement = statement.bind(chain.to_string()).bind(last.seq).bind(VERIFY_ROWS);
        let rows =
            conn.rows(statement, |row| Ok((read_head(row)?, row.text(2)?.to_owned(), is_consistent(row)?))).await?;
        if rows.is_empty() {
            break;
        }
        for (found, entry, consistent) in rows {
            let expected = chain_mac(key, &chain, last.seq + 1, &last.mac, entry.as_bytes());
            let as_noted = noted.is_none_or(|noted| noted.seq != found.seq || noted.mac == found.mac);
            if found.seq != last.seq + 1 || found.mac != expected || !consistent || !as_noted {
                return Ok(Verified::Broken { seq: last.seq + 1 });
            }
            last = found;
        }
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
