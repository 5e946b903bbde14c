//! A key's row: the record as JSON, and beside it columns for finding, which are written and never read back.
//!
//! A load reads a million rows; each column costs as much as all of a small JSON text (SQLite's driver copies every value
//! to another thread): 17 columns took 3.4 times as long as these three.

use claviger_domain::api_set::ApiPattern;
use claviger_domain::credential::Environment;
use claviger_domain::ip_list::{IpEntry, IpRange};
use claviger_domain::key::{Actor, Disabled, Key, Owner, Shape, StoredSecret};
use claviger_domain::name::{Name, search_form};
use claviger_domain::{ApiSetId, OrganizationId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Result;
use crate::fields::Fields;
use crate::sql::{Sql, json, sql, word};

/// All keys; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, digest, record FROM keys";

/// All of a key but its id and its values. What is usual is left out; times are microseconds. `A` is its list of addresses:
/// what is written, or its text, which may have been read before.
#[derive(Serialize, Deserialize)]
struct Record<A> {
    organization: OrganizationId,
    /// `None`: the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<Owner>,
    name: Name,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    /// `None`: live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    environment: Option<Environment>,
    /// `None`: single.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shape: Option<Shape>,
    hint: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    api_sets: Vec<ApiSetId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operations: Vec<ApiPattern>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    allowed_ips: Option<A>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled: Option<Disabled>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    metadata: serde_json::Map<String, serde_json::Value>,
    created_by: Actor,
    created_at: i64,
    updated_at: i64,
    version: i64,
}

/// A line of a list of addresses. Most have neither label nor end.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Address {
    Range(IpRange),
    Entry(IpEntry),
}

/// The list of addresses that was read last. Keys that are made alike share one, and to read one of 64 entries takes far
/// longer than all the rest of a key.
#[derive(Default)]
pub(crate) struct LastList {
    text: String,
    entries: Vec<IpEntry>,
}

pub(super) fn insert(key: &Key) -> Sql {
    let statement = sql("INSERT INTO keys (owner, name_search, search, environment, digest, not_before, expires_at, \
         disabled_at, deleted_at, external_id, creator, record, created_at, id, organization_id) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT (id) DO NOTHING");
    bind(statement, key).bind(key.created_at).bind(key.id).bind(key.organization)
}

pub(super) fn update(key: &Key) -> Sql {
    let statement = sql("UPDATE keys SET owner = $1, name_search = $2, search = $3, environment = $4, digest = $5, \
         not_before = $6, expires_at = $7, disabled_at = $8, deleted_at = $9, external_id = $10, creator = $11, \
         record = $12 WHERE id = $13 AND organization_id = $14");
    bind(statement, key).bind(key.id).bind(key.organization)
}

fn bind(statement: Sql, key: &Key) -> Sql {
    let statement = statement.bind(key.owner.id()).bind(key.name.search_form()).bind(search(key));
    let statement = statement.bind(word(&key.environment)).bind(&key.secret.digest.as_bytes()[..]);
    let statement = statement.bind(key.not_before).bind(key.expires_at).bind(key.disabled.as_ref().map(|by| by.at));
    let statement = statement.bind(key.deleted_at).bind(key.external_id.as_deref()).bind(key.created_by.id.as_deref());
    statement.bind(json(&record(key)))
}

/// What a search looks in: name, description, hint, external id and tags.
fn search(key: &Key) -> String {
    let mut text = format!("{}\n{}\n{}", key.name, key.description, key.secret.hint);
    for part in key.external_id.iter().chain(&key.tags) {
        text.push('\n');
        text.push_str(part);
    }
    search_form(&text)
}

fn none<A>() -> Option<A> {
    None
}

fn record(key: &Key) -> Record<Vec<Address>> {
    let addresses = || key.allowed_ips.iter().cloned().map(Address::from).collect();
    Record {
        organization: key.organization,
        owner: Some(key.owner).filter(|owner| *owner != Owner::Organization(key.organization)),
        name: key.name.clone(),
        description: key.description.clone(),
        environment: Some(key.environment).filter(|environment| *environment != Environment::Live),
        shape: Some(key.shape).filter(|shape| *shape != Shape::Single),
        hint: key.secret.hint.clone(),
        api_sets: key.api_sets.clone(),
        operations: key.operations.clone(),
        allowed_ips: (!key.allowed_ips.is_empty()).then(addresses),
        not_before: key.not_before.map(Timestamp::as_micros),
        expires_at: key.expires_at.map(Timestamp::as_micros),
        disabled: key.disabled.clone(),
        deleted_at: key.deleted_at.map(Timestamp::as_micros),
        external_id: key.external_id.clone(),
        tags: key.tags.clone(),
        metadata: key.metadata.clone(),
        created_by: key.created_by.clone(),
        created_at: key.created_at.as_micros(),
        updated_at: key.updated_at.as_micros(),
        version: key.version,
    }
}

/// The key without its old values, which have a table of their own.
pub(crate) fn read(row: &dyn Fields) -> Result<Key> {
    read_with(row, &mut LastList::default())
}

/// The same, for many rows one after the other.
pub(crate) fn read_with(row: &dyn Fields, last: &mut LastList) -> Result<Key> {
    let record: Record<&RawValue> = serde_json::from_str(row.text(2)?).map_err(|error| row.unreadable(2, error))?;
    let allowed_ips = match record.allowed_ips {
        Some(text) => last.read(text.get()).map_err(|error| row.unreadable(2, error))?,
        None => Vec::new(),
    };
    Ok(Key {
        id: row.parsed(0)?,
        organization: record.organization,
        owner: record.owner.unwrap_or(Owner::Organization(record.organization)),
        name: record.name,
        description: record.description,
        environment: record.environment.unwrap_or(Environment::Live),
        shape: record.shape.unwrap_or(Shape::Single),
        secret: StoredSecret { digest: row.digest(1)?, hint: record.hint },
        overlap: None,
        ended: Vec::new(),
        api_sets: record.api_sets,
        operations: record.operations,
        allowed_ips,
        not_before: record.not_before.map(Timestamp::from_micros),
        expires_at: record.expires_at.map(Timestamp::from_micros),
        disabled: record.disabled,
        deleted_at: record.deleted_at.map(Timestamp::from_micros),
        external_id: record.external_id,
        tags: record.tags,
        metadata: record.metadata,
        created_by: record.created_by,
        created_at: Timestamp::from_micros(record.created_at),
        updated_at: Timestamp::from_micros(record.updated_at),
        version: record.version,
    })
}

// === impl Address ===

impl From<IpEntry> for Address {
    fn from(entry: IpEntry) -> Self {
        if entry.label.is_none() && entry.until.is_none() { Self::Range(entry.range) } else { Self::Entry(entry) }
    }
}

impl From<Address> for IpEntry {
    fn from(address: Address) -> Self {
        match address {
            Address::Range(range) => range.into(),
            Address::Entry(entry) => entry,
        }
    }
}

// === impl LastList ===

impl LastList {
    fn read(&mut self, text: &str) -> serde_json::Result<Vec<IpEntry>> {
        if self.text != text {
            let addresses: Vec<Address> = serde_json::from_str(text)?;
            self.entries = addresses.into_iter().map(IpEntry::from).collect();
            text.clone_into(&mut self.text);
        }
        Ok(self.entries.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> Vec<IpEntry> {
        let range = |text: &str| text.parse::<IpRange>().expect("a range");
        vec![
            range("192.0.2.0/24").into(),
            IpEntry { label: Some("office".into()), ..range("2001:db8::1").into() },
            IpEntry { until: Some(Timestamp::from_micros(5)), ..range("198.51.100.1-198.51.100.9").into() },
        ]
    }

    #[test]
    fn a_list_is_read_as_it_was_written_whatever_was_read_before() {
        let texts: Vec<String> = [entries(), entries()[..1].to_vec(), entries()[1..].to_vec()]
            .into_iter()
            .map(|list| json(&list.into_iter().map(Address::from).collect::<Vec<_>>()))
            .collect();
        assert_eq!(texts[1], r#"["192.0.2.0/24"]"#);
        let mut last = LastList::default();
        for (text, expected) in [
            (&texts[0], &entries()[..]),
            (&texts[0], &entries()[..]),
            (&texts[1], &entries()[..1]),
            (&texts[2], &entries()[1..]),
            (&texts[1], &entries()[..1]),
        ] {
            assert_eq!(last.read(text).expect("a list"), expected);
        }
        assert!(last.read(r#"["192.0.2.0/33"]"#).is_err());
        assert_eq!(last.read(&texts[1]).expect("a list"), entries()[..1], "a bad list changes nothing");
    }
}
