//! A key's row.

use claviger_domain::api_set::ApiPattern;
use claviger_domain::ip_list::IpEntry;
use claviger_domain::key::{Actor, Disabled, Key, Owner, StoredSecret};
use claviger_domain::name::search_form;
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::fields::Fields;
use crate::sql::{Sql, json, sql, word};

/// All keys; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, organization_id, owner, name, environment, shape, digest, hint, api_sets, \
     not_before, expires_at, disabled_at, deleted_at, body, created_at, updated_at, version FROM keys";

/// What no statement asks for, as JSON; what is empty is left out.
#[derive(Serialize, Deserialize)]
struct Body {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    description: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    operations: Vec<ApiPattern>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    allowed_ips: Vec<IpEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    external_id: Option<String>,
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    metadata: serde_json::Map<String, serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disabled: Option<Disabled>,
    created_by: Actor,
}

pub(super) fn insert(key: &Key) -> Sql {
    let statement =
        sql("INSERT INTO keys (owner, name, name_search, search, environment, shape, digest, hint, api_sets, \
         not_before, expires_at, disabled_at, deleted_at, external_id, creator, body, updated_at, version, created_at, \
         id, organization_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21) ON CONFLICT (id) DO NOTHING");
    bind(statement, key).bind(key.created_at).bind(key.id).bind(key.organization)
}

pub(super) fn update(key: &Key) -> Sql {
    let statement = sql("UPDATE keys SET owner = $1, name = $2, name_search = $3, search = $4, environment = $5, \
         shape = $6, digest = $7, hint = $8, api_sets = $9, not_before = $10, expires_at = $11, disabled_at = $12, \
         deleted_at = $13, external_id = $14, creator = $15, body = $16, updated_at = $17, version = $18 \
         WHERE id = $19 AND organization_id = $20");
    bind(statement, key).bind(key.id).bind(key.organization)
}

fn bind(statement: Sql, key: &Key) -> Sql {
    let statement = statement.bind(key.owner.id()).bind(key.name.as_str()).bind(key.name.search_form());
    let statement = statement.bind(search(key)).bind(word(&key.environment)).bind(word(&key.shape));
    let statement = statement.bind(&key.secret.digest.as_bytes()[..]).bind(&key.secret.hint).bind(json(&key.api_sets));
    let statement = statement.bind(key.not_before).bind(key.expires_at).bind(key.disabled.as_ref().map(|by| by.at));
    let statement = statement.bind(key.deleted_at).bind(key.external_id.as_deref()).bind(key.created_by.id.as_deref());
    statement.bind(body(key)).bind(key.updated_at).bind(key.version)
}

/// What a search looks in: name, description, external id, tags and hint.
fn search(key: &Key) -> String {
    let mut text = format!("{}\n{}\n{}", key.name, key.description, key.secret.hint);
    for part in key.external_id.iter().chain(&key.tags) {
        text.push('\n');
        text.push_str(part);
    }
    search_form(&text)
}

fn body(key: &Key) -> String {
    json(&Body {
        description: key.description.clone(),
        operations: key.operations.clone(),
        allowed_ips: key.allowed_ips.clone(),
        tags: key.tags.clone(),
        external_id: key.external_id.clone(),
        metadata: key.metadata.clone(),
        disabled: key.disabled.clone(),
        created_by: key.created_by.clone(),
    })
}

/// The key without its old values, which have a table of their own.
pub(crate) fn read(row: &dyn Fields) -> Result<Key> {
    let body: Body = row.json(13)?;
    if row.number_or_none(11)?.is_some() != body.disabled.is_some() {
        return Err(row.unreadable(11, "differs from the body"));
    }
    Ok(Key {
        id: row.parsed(0)?,
        organization: row.parsed(1)?,
        owner: read_owner(row, 2)?,
        name: row.parsed(3)?,
        environment: row.word(4)?,
        shape: row.word(5)?,
        secret: StoredSecret { digest: row.digest(6)?, hint: row.text(7)?.to_owned() },
        overlap: None,
        ended: Vec::new(),
        api_sets: row.list(8)?,
        not_before: row.time_or_none(9)?,
        expires_at: row.time_or_none(10)?,
        deleted_at: row.time_or_none(12)?,
        description: body.description,
        operations: body.operations,
        allowed_ips: body.allowed_ips,
        disabled: body.disabled,
        external_id: body.external_id,
        tags: body.tags,
        metadata: body.metadata,
        created_by: body.created_by,
        created_at: row.time(14)?,
        updated_at: row.time(15)?,
        version: row.number(16)?,
    })
}

/// The owner's kind is its id's.
fn read_owner(row: &dyn Fields, column: usize) -> Result<Owner> {
    let text = row.text(column)?;
    if text.starts_with("org_") {
        row.parsed(column).map(Owner::Organization)
    } else if text.starts_with("usr_") {
        row.parsed(column).map(Owner::User)
    } else {
        row.parsed(column).map(Owner::Application)
    }
}
