//! A key's row: the record as JSON, and beside it columns for finding, which are written and never read back.
//!
//! A load reads a million rows; each column costs as much as all of a small JSON text (SQLite's driver copies every value
//! to another thread): 17 columns took 3.4 times as long as these three.

use std::fmt;

use claviger_domain::api_set::ApiPattern;
use claviger_domain::approval::Approval;
use claviger_domain::credential::Environment;
use claviger_domain::ip_list::{IpEntries, ListDigest};
use claviger_domain::key::{Actor, Disabled, Key, Owner, Shape, StoredSecret};
use claviger_domain::limit::Limit;
use claviger_domain::name::{Name, search_form};
use claviger_domain::signature::SigningCopies;
use claviger_domain::{ApiSetId, OrganizationId, Timestamp};
use serde::de::{SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Result;
use crate::fields::Fields;
use crate::ip_lists::{self, IpLists};
use crate::native::Table;
use crate::raw_rows::Column;
use crate::sql::{Sql, json, sql, word};

/// All keys; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, digest, record FROM keys";
/// How the load copies them.
pub(crate) static TABLE: Table = Table {
    select: SELECT,
    columns: &[Column::Text("id"), Column::Bytes("digest"), Column::Text("record")],
    sqlite_joined: "SELECT group_concat(id, char(30)), group_concat(hex(digest), char(30)), \
                    group_concat(record, char(30)) FROM keys WHERE rowid > ?1 AND rowid <= ?2",
    sqlite_last: "SELECT COALESCE(MAX(rowid), 0) FROM keys",
};

/// All of a key but its id and its values. What is usual is left out; times are microseconds.
#[derive(Serialize, Deserialize)]
struct Record {
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signing: Option<SigningCopies>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    api_sets: Vec<ApiSetId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operations: Vec<ApiPattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowed_ips: Option<Addresses>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    limits: Vec<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    idle_exempt: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    idle_from: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled: Option<Disabled>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    approval: Option<Approval>,
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

/// A key's list of addresses: named by its digest or, in rows from before schema 3, the list itself.
///
/// A name where programs from before expect a list, so that they refuse the row: without its list the key would be
/// open to every address.
enum Addresses {
    Named(ListDigest),
    Inline(IpEntries),
}

/// A key without its old values and its list of addresses, which have tables of their own.
pub(crate) struct Row {
    pub(super) key: Key,
    list: Option<ListDigest>,
}

pub(super) fn insert(keys: &[Key]) -> Sql {
    let head = "INSERT INTO keys (owner, name_search, search, environment, digest, not_before, expires_at, disabled_at, \
         deleted_at, external_id, creator, ip_list, tags, record, idle_from, idle_exempt, pending_since, created_at, \
         id, organization_id) VALUES";
    let statement = Sql::rows(head, 20, keys.len(), " ON CONFLICT (id) DO NOTHING");
    keys.iter()
        .fold(statement, |statement, key| bind(statement, key).bind(key.created_at).bind(key.id).bind(key.organization))
}

pub(super) fn update(key: &Key) -> Sql {
    let statement = sql("UPDATE keys SET owner = $1, name_search = $2, search = $3, environment = $4, digest = $5, \
         not_before = $6, expires_at = $7, disabled_at = $8, deleted_at = $9, external_id = $10, creator = $11, \
         ip_list = $12, tags = $13, record = $14, idle_from = $15, idle_exempt = $16, \
         pending_since = $17 WHERE id = $18 AND organization_id = $19");
    bind(statement, key).bind(key.id).bind(key.organization)
}

fn bind(statement: Sql, key: &Key) -> Sql {
    let statement = statement.bind(key.owner.id()).bind(key.name.search_form()).bind(search(key));
    let statement = statement.bind(word(&key.environment)).bind(&key.secret.digest.as_bytes()[..]);
    let statement = statement.bind(key.not_before).bind(key.expires_at).bind(key.disabled.as_ref().map(|by| by.at));
    let statement = statement.bind(key.deleted_at).bind(key.external_id.as_deref()).bind(key.created_by.id.as_deref());
    let statement = statement.bind(key.allowed_ips.digest()).bind(tags(key)).bind(json(&record(key)));
    let pending_since = key.approval.as_ref().filter(|approval| approval.is_pending()).map(|asked| asked.needed_at);
    statement.bind(key.idle_from).bind(key.idle_exempt.then_some(1)).bind(pending_since)
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

/// All tags, each with a mark before and behind it that no tag has.
fn tags(key: &Key) -> String {
    key.tags.iter().map(|tag| marked(tag)).collect()
}

/// A tag as it stands among the tags of a key.
pub(super) fn marked(tag: &str) -> String {
    format!("\u{1f}{}\u{1f}", search_form(tag))
}

fn record(key: &Key) -> Record {
    Record {
        organization: key.organization,
        owner: Some(key.owner).filter(|owner| *owner != Owner::Organization(key.organization)),
        name: key.name.clone(),
        description: key.description.clone(),
        environment: Some(key.environment).filter(|environment| *environment != Environment::Live),
        shape: Some(key.shape).filter(|shape| *shape != Shape::Single),
        hint: key.secret.hint.clone(),
        signing: copies(key),
        api_sets: key.api_sets.clone(),
        operations: key.operations.clone(),
        allowed_ips: key.allowed_ips.digest().map(Addresses::Named),
        limits: key.limits.clone(),
        not_before: key.not_before.map(Timestamp::as_micros),
        expires_at: key.expires_at.map(Timestamp::as_micros),
        idle_exempt: key.idle_exempt,
        idle_from: key.idle_from.map(Timestamp::as_micros),
        disabled: key.disabled.clone(),
        approval: key.approval.clone(),
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

/// The copies of secrets that count: one ends with its secret.
fn copies(key: &Key) -> Option<SigningCopies> {
    let copies = key.signing.clone().filter(|_| key.deleted_at.is_none())?;
    Some(SigningCopies { before: copies.before.filter(|_| key.overlap.is_some()), ..copies })
}

/// Reads a row.
pub(crate) fn read(row: &dyn Fields) -> Result<Row> {
    let record: Record = row.json(2)?;
    let (list, allowed_ips) = match record.allowed_ips {
        Some(Addresses::Named(digest)) => (Some(digest), IpEntries::default()),
        Some(Addresses::Inline(entries)) => (None, entries),
        None => (None, IpEntries::default()),
    };
    let key = Key {
        id: row.parsed(0)?,
        organization: record.organization,
        owner: record.owner.unwrap_or(Owner::Organization(record.organization)),
        name: record.name,
        description: record.description,
        environment: record.environment.unwrap_or(Environment::Live),
        shape: record.shape.unwrap_or(Shape::Single),
        secret: StoredSecret { digest: row.digest(1)?, hint: record.hint },
        overlap: None,
        signing: record.signing,
        ended: Vec::new(),
        api_sets: record.api_sets,
        operations: record.operations,
        allowed_ips,
        limits: record.limits,
        not_before: record.not_before.map(Timestamp::from_micros),
        expires_at: record.expires_at.map(Timestamp::from_micros),
        idle_exempt: record.idle_exempt,
        idle_from: record.idle_from.map(Timestamp::from_micros),
        disabled: record.disabled,
        approval: record.approval,
        deleted_at: record.deleted_at.map(Timestamp::from_micros),
        external_id: record.external_id,
        tags: record.tags,
        metadata: record.metadata,
        created_by: record.created_by,
        created_at: Timestamp::from_micros(record.created_at),
        updated_at: Timestamp::from_micros(record.updated_at),
        version: record.version,
    };
    Ok(Row { key, list })
}

// === impl Row ===

impl Row {
    /// The list of addresses it names, with its organization.
    pub(crate) fn named_list(&self) -> Option<(OrganizationId, ListDigest)> {
        Some((self.key.organization, self.list?))
    }

    /// The key with its list, still without its old values.
    pub(crate) fn with_list(self, lists: &IpLists) -> Result<Key> {
        let Self { mut key, list } = self;
        if let Some(digest) = list {
            key.allowed_ips = lists.get(digest)?;
        }
        Ok(key)
    }
}

// === impl Addresses ===

impl Serialize for Addresses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(digest) => serializer.collect_str(digest),
            Self::Inline(_) => Err(S::Error::custom("lists stand in a table of their own")),
        }
    }
}

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AddressesVisitor;
        impl<'de> Visitor<'de> for AddressesVisitor {
            type Value = Addresses;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of addresses or its digest")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Addresses, E> {
                text.parse().map(Addresses::Named).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, lines: A) -> Result<Addresses, A::Error> {
                ip_lists::deserialize_lines(lines).map(Addresses::Inline)
            }
        }
        deserializer.deserialize_any(AddressesVisitor)
    }
}
