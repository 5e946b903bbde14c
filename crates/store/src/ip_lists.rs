//! Lists of allowed addresses: each stored once in its organization, under the digest of what it holds. Rows never change,
//! so whoever holds one may keep it.

use std::collections::{BTreeSet, HashMap};

use claviger_domain::OrganizationId;
use claviger_domain::ip_list::{IpEntries, IpEntry, IpRange, ListDigest};
use serde::{Deserialize, Serialize};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{Sql, batches, json, sql};
use crate::write::Tx;
use crate::{Error, Result};

/// All of them; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT digest, entries FROM ip_lists";

/// Lists that were read, to be given to the records that name them.
#[derive(Debug, Default)]
pub(crate) struct IpLists(HashMap<ListDigest, IpEntries>);

/// A line of a list. Most have neither label nor end.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Range(IpRange),
    Entry(IpEntry),
}

/// Saves a list before a record names it; an empty one needs no row.
pub(crate) async fn save(tx: &mut Tx, organization: OrganizationId, list: &IpEntries) -> Result<()> {
    let Some(digest) = list.digest() else { return Ok(()) };
    let known = sql("SELECT COUNT(*) FROM ip_lists WHERE organization_id = $1 AND digest = $2");
    if tx.number(known.bind(organization).bind(digest)).await? == 0 {
        let statement = sql("INSERT INTO ip_lists (organization_id, digest, entries) VALUES ($1, $2, $3)");
        tx.execute(statement.bind(organization).bind(digest).bind(write(list))).await?;
    }
    Ok(())
}

/// Deletes a list that a record of the organization had, unless another one has it. The tenant's lock keeps it so.
pub(crate) async fn delete_unused(tx: &mut Tx, organization: OrganizationId, digest: ListDigest) -> Result<()> {
    let statement = sql("DELETE FROM ip_lists WHERE organization_id = $1 AND digest = $2 \
         AND NOT EXISTS (SELECT 1 FROM keys WHERE keys.organization_id = $1 AND keys.ip_list = $2) \
         AND NOT EXISTS (SELECT 1 FROM organizations WHERE organizations.id = $1 AND organizations.ip_list = $2) \
         AND NOT EXISTS (SELECT 1 FROM applications WHERE applications.organization_id = $1 \
         AND applications.ip_list = $2)");
    tx.execute(statement.bind(organization).bind(digest)).await?;
    Ok(())
}

/// The lists that records name.
pub(crate) async fn read_named(
    conn: &mut Conn,
    named: impl Iterator<Item = (OrganizationId, ListDigest)>,
) -> Result<IpLists> {
    let named: Vec<_> = named.collect::<BTreeSet<_>>().into_iter().collect();
    let mut lists = IpLists::default();
    for batch in batches(&named) {
        let head = "SELECT digest, entries FROM ip_lists WHERE (organization_id, digest) IN (VALUES";
        let mut statement = Sql::rows(head, 2, batch.len(), ")");
        for (organization, digest) in batch {
            statement = statement.bind(*organization).bind(*digest);
        }
        lists.0.extend(conn.rows(statement, read).await?);
    }
    Ok(lists)
}

/// The list of a record that was read with it: its digest in this column, its entries in the next.
///
/// # Errors
/// [`Error::Unreadable`] where the list is not there: a record without its list would be open to every address.
pub(crate) fn read_joined(row: &dyn Fields, column: usize) -> Result<IpEntries> {
    let Some(digest) = row.parsed_or_none::<ListDigest>(column)? else { return Ok(IpEntries::default()) };
    let missing = || Error::Unreadable(format!("there is no list of addresses {digest}"));
    row.text_or_none(column + 1)?.ok_or_else(missing)?;
    row.json(column + 1).map(from_lines)
}

/// A list as it is stored.
fn write(list: &IpEntries) -> String {
    json(&list.iter().cloned().map(Line::from).collect::<Vec<_>>())
}

fn read(row: &dyn Fields) -> Result<(ListDigest, IpEntries)> {
    let lines: Vec<Line> = row.json(1)?;
    Ok((row.parsed(0)?, from_lines(lines)))
}

fn from_lines(lines: Vec<Line>) -> IpEntries {
    lines.into_iter().map(IpEntry::from).collect()
}

// === impl IpLists ===

impl IpLists {
    /// Adds a row of [`SELECT`].
    pub(crate) fn add(&mut self, row: &dyn Fields) -> Result<()> {
        let (digest, entries) = read(row)?;
        self.0.entry(digest).or_insert(entries);
        Ok(())
    }

    /// The list of this digest.
    ///
    /// # Errors
    /// [`Error::Unreadable`] where there is none: a record without its list would be open to every address.
    pub(crate) fn get(&self, digest: ListDigest) -> Result<IpEntries> {
        let missing = || Error::Unreadable(format!("there is no list of addresses {digest}"));
        self.0.get(&digest).cloned().ok_or_else(missing)
    }
}

// === impl Line ===

impl From<IpEntry> for Line {
    fn from(entry: IpEntry) -> Self {
        if entry.label.is_none() && entry.until.is_none() { Self::Range(entry.range) } else { Self::Entry(entry) }
    }
}

impl From<Line> for IpEntry {
    fn from(line: Line) -> Self {
        match line {
            Line::Range(range) => range.into(),
            Line::Entry(entry) => entry,
        }
    }
}

/// Reads the lines of a list that stands in a record (rows from before schema 3).
pub(crate) fn deserialize_lines<'de, A: serde::de::SeqAccess<'de>>(mut lines: A) -> Result<IpEntries, A::Error> {
    let mut entries = Vec::new();
    while let Some(line) = lines.next_element::<Line>()? {
        entries.push(line.into());
    }
    Ok(entries.into())
}

#[cfg(test)]
mod tests {
    use claviger_domain::Timestamp;

    use super::*;

    #[test]
    fn a_list_is_read_as_it_was_written() {
        let range = |text: &str| text.parse::<IpRange>().expect("a range");
        let list = IpEntries::from(vec![
            range("192.0.2.0/24").into(),
            IpEntry { label: Some("office".into()), ..range("2001:db8::1").into() },
            IpEntry { until: Some(Timestamp::from_micros(5)), ..range("198.51.100.1-198.51.100.9").into() },
        ]);
        let text = write(&list);
        assert!(text.starts_with(r#"["192.0.2.0/24",{"#), "{text}");
        assert_eq!(from_lines(serde_json::from_str(&text).expect("lines")), list);
        assert!(serde_json::from_str::<Vec<Line>>(r#"["192.0.2.0/33"]"#).is_err());
    }
}
