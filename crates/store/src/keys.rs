//! Keys: their records, their values' digests, and what they hold.

mod digests;
mod few;
mod horizon;
mod list;
mod owners;
mod row;
mod term;

use std::collections::{BTreeSet, HashMap, HashSet};

use claviger_domain::change::ObjectRef;
use claviger_domain::ip_list::ListDigest;
use claviger_domain::key::{Key, Owner};
use claviger_domain::{ApiId, ApiSetId, KeyId, OrganizationId};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{Sql, batches, sql};
use crate::write::Tx;
use crate::{Error, Result, Taken, ip_lists, key_reveals};

pub use digests::{DigestMatch, Standing, by_digest};
pub(crate) use digests::{Old, SELECT_OLD, read_old, set_old};
pub use horizon::KEYS_LOOKED_THROUGH;
pub use list::{KeyFilter, KeySort, count_of_others, list, of_others};
pub use owners::{OwnersAbove, count_of_owner, count_that_sign, first_of_owner, namesake, namesakes, owners_above};
pub(crate) use row::{Row, SELECT, TABLE, read};
pub use term::{Ending, EndingPlace, KeyTerm, TermFilter, ending, terms};

/// Sets, and APIs, that new keys hold.
const NEW_SETS: &str = "INSERT INTO key_api_sets (key_id, api_set_id) VALUES";
const NEW_APIS: &str = "INSERT INTO key_apis (key_id, api_id) VALUES";
/// A set, and an API, of a key that was there before.
const RIGHTS_STILL_THERE: [&str; 2] = [
    "INSERT INTO key_api_sets (key_id, api_set_id) SELECT $1, id FROM api_sets WHERE id = $2",
    "INSERT INTO key_apis (key_id, api_id) SELECT $1, id FROM apis WHERE id = $2",
];
/// Keys that are read with one statement.
const READ_TOGETHER: usize = 64;

/// Adds a key.
///
/// # Errors
/// [`Taken::Name`], [`Taken::Digest`].
pub async fn insert(tx: &mut Tx, key: &Key) -> Result<()> {
    insert_all(tx, std::slice::from_ref(key)).await
}

/// Adds keys, many rows with one statement. An error is about any of them, and the transaction must end with it.
///
/// # Errors
/// [`Taken::Name`], [`Taken::Digest`].
pub async fn insert_all(tx: &mut Tx, keys: &[Key]) -> Result<()> {
    check_names(tx, keys).await?;
    let lists: HashMap<_, _> =
        keys.iter().map(|key| ((key.organization, key.allowed_ips.digest()), &key.allowed_ips)).collect();
    for ((organization, _), list) in lists {
        ip_lists::save(tx, organization, list).await?;
    }
    for batch in batches(keys) {
        if tx.execute(row::insert(batch)).await? < batch.len() as u64 {
            return Err(Taken::Id.into());
        }
    }
    digests::insert(tx, keys).await?;
    insert_rights(tx, keys).await?;
    for key in keys {
        tx.note(key.organization, ObjectRef::Key(key.id));
    }
    Ok(())
}

/// Writes all fields; values that the key no longer lists become ended ones.
///
/// # Errors
/// [`Taken::Name`], [`Taken::Digest`], [`Error::NotFound`].
pub async fn update(tx: &mut Tx, key: &Key) -> Result<()> {
    let before = sql("SELECT digest, ip_list FROM keys WHERE id = $1 AND organization_id = $2");
    let read = |row: &dyn Fields| Ok((row.digest(0)?, row.parsed_or_none(1)?));
    let before = tx.row(before.bind(key.id).bind(key.organization), read).await?;
    let (before, list_before): (_, Option<ListDigest>) = before.ok_or(Error::NotFound)?;
    let living = key.deleted_at.is_none();
    if living && name_taken(tx, key.organization, &key.owner, &key.name.search_form(), Some(key.id)).await? {
        return Err(Taken::Name.into());
    }
    ip_lists::save(tx, key.organization, &key.allowed_ips).await?;
    tx.execute(row::update(key)).await?;
    if let Some(list) = list_before.filter(|before| Some(*before) != key.allowed_ips.digest()) {
        ip_lists::delete_unused(tx, key.organization, list).await?;
    }
    digests::update(tx, key, before).await?;
    write_rights(tx, key).await?;
    if !living {
        key_reveals::forget(tx, key.id).await?;
    }
    tx.note(key.organization, ObjectRef::Key(key.id));
    Ok(())
}

/// The organization's key with this id, tombstones included.
pub async fn get(conn: &mut Conn, organization: OrganizationId, id: KeyId) -> Result<Option<Key>> {
    Ok(find(conn, id).await?.filter(|key| key.organization == organization))
}

/// The key with this id, whichever organization's.
pub async fn find(conn: &mut Conn, id: KeyId) -> Result<Option<Key>> {
    Ok(find_many(conn, &[id]).await?.pop())
}

/// The keys with these ids, in no order; those that are not there are left out.
pub async fn find_many(conn: &mut Conn, ids: &[KeyId]) -> Result<Vec<Key>> {
    let mut rows = Vec::with_capacity(ids.len());
    for ids in ids.chunks(READ_TOGETHER) {
        let statement = bind_ids(sql(SELECT).push(" WHERE id IN (").push(placeholders(ids.len())).push(")"), ids);
        rows.extend(conn.rows(statement, read).await?);
    }
    complete(conn, rows).await
}

/// Gives rows what stands in other tables: lists of addresses and old values.
async fn complete(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<Key>> {
    let lists = ip_lists::read_named(conn, rows.iter().filter_map(Row::named_list)).await?;
    let mut keys = rows.into_iter().map(|row| row.with_list(&lists)).collect::<Result<Vec<_>>>()?;
    digests::attach_old(conn, &mut keys).await?;
    Ok(keys)
}

/// Whether a living key of this owner, other than `except`, has this name; `search_form` as `Name` makes it.
pub async fn name_taken(
    conn: &mut Conn,
    organization: OrganizationId,
    owner: &Owner,
    search_form: &str,
    except: Option<KeyId>,
) -> Result<bool> {
    let statement = sql("SELECT COUNT(*) FROM keys WHERE organization_id = $1 AND owner = $2 AND name_search = $3 \
                         AND deleted_at IS NULL AND id <> $4");
    let statement = statement.bind(organization).bind(owner.id()).bind(search_form);
    let statement = statement.bind(except.map(|id| id.to_string()).unwrap_or_default());
    Ok(conn.number(statement).await? > 0)
}

/// The living key of this owner that has this name; `search_form` as `Name` makes it.
pub async fn by_name(
    conn: &mut Conn,
    organization: OrganizationId,
    owner: &Owner,
    search_form: &str,
) -> Result<Option<KeyId>> {
    let statement = sql("SELECT id FROM keys WHERE organization_id = $1 AND owner = $2 AND name_search = $3 \
                         AND deleted_at IS NULL");
    conn.row(statement.bind(organization).bind(owner.id()).bind(search_form), |row| row.parsed(0)).await
}

/// How many living keys hold a set.
pub async fn count_using_set(conn: &mut Conn, set: ApiSetId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM key_api_sets WHERE api_set_id = $1").bind(set)).await
}

/// How many living keys name operations of an API beside their sets.
pub async fn count_using_api(conn: &mut Conn, api: ApiId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM key_apis WHERE api_id = $1").bind(api)).await
}

/// How many living keys the organization has.
pub async fn count(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    let statement = sql("SELECT COUNT(*) FROM keys WHERE organization_id = $1 AND deleted_at IS NULL");
    conn.number(statement.bind(organization)).await
}

/// Whether the names of new keys are free: in the database, and among each other.
async fn check_names(conn: &mut Conn, keys: &[Key]) -> Result<()> {
    let living = keys.iter().filter(|key| key.deleted_at.is_none());
    let names: Vec<_> = living.map(|key| (key.organization, key.owner.id(), key.name.search_form())).collect();
    for batch in batches(&names) {
        let head = "SELECT COUNT(*) FROM keys WHERE deleted_at IS NULL \
                    AND (organization_id, owner, name_search) IN (VALUES";
        let mut statement = Sql::rows(head, 3, batch.len(), ")");
        for (organization, owner, name) in batch {
            statement = statement.bind(*organization).bind(owner).bind(name);
        }
        if conn.number(statement).await? > 0 {
            return Err(Taken::Name.into());
        }
    }
    let different: HashSet<_> = names.iter().collect();
    if different.len() == names.len() { Ok(()) } else { Err(Taken::Name.into()) }
}

/// What new keys hold, for finding; a deleted one holds nothing.
async fn insert_rights(tx: &mut Tx, keys: &[Key]) -> Result<()> {
    let living = || keys.iter().filter(|key| key.deleted_at.is_none());
    let sets: Vec<(KeyId, ApiSetId)> = living()
        .flat_map(|key| key.api_sets.iter().collect::<BTreeSet<_>>().into_iter().map(|set| (key.id, *set)))
        .collect();
    for batch in batches(&sets) {
        let statement = Sql::rows(NEW_SETS, 2, batch.len(), "");
        tx.execute(batch.iter().fold(statement, |statement, (key, set)| statement.bind(*key).bind(*set))).await?;
    }
    let apis: Vec<(KeyId, ApiId)> =
        living().flat_map(|key| apis_named(key).into_iter().map(|api| (key.id, api))).collect();
    for batch in batches(&apis) {
        let statement = Sql::rows(NEW_APIS, 2, batch.len(), "");
        tx.execute(batch.iter().fold(statement, |statement, (key, api)| statement.bind(*key).bind(*api))).await?;
    }
    Ok(())
}

/// What a changed key holds, for finding; a deleted one holds nothing. It may still name what another organization has
/// deleted since; a new one may not.
async fn write_rights(tx: &mut Tx, key: &Key) -> Result<()> {
    tx.execute(sql("DELETE FROM key_api_sets WHERE key_id = $1").bind(key.id)).await?;
    tx.execute(sql("DELETE FROM key_apis WHERE key_id = $1").bind(key.id)).await?;
    if key.deleted_at.is_some() {
        return Ok(());
    }
    let [set_row, api_row] = RIGHTS_STILL_THERE;
    let sets: BTreeSet<ApiSetId> = key.api_sets.iter().copied().collect();
    for set in sets {
        tx.execute(sql(set_row).bind(key.id).bind(set)).await?;
    }
    for api in apis_named(key) {
        tx.execute(sql(api_row).bind(key.id).bind(api)).await?;
    }
    Ok(())
}

/// The APIs of whose operations a key names some beside its sets.
fn apis_named(key: &Key) -> BTreeSet<ApiId> {
    key.operations.iter().map(|pattern| pattern.api).collect()
}

/// `$1` for one id, else `$1, … $64`: two texts that stay prepared.
pub(crate) fn placeholders(ids: usize) -> &'static str {
    static MANY: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        (1..=READ_TOGETHER).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
    });
    if ids <= 1 { "$1" } else { &MANY }
}

/// Binds the ids, padded with the last one.
pub(crate) fn bind_ids(statement: Sql, ids: &[KeyId]) -> Sql {
    let count = if ids.len() <= 1 { ids.len() } else { READ_TOGETHER };
    let padded = ids.iter().chain(std::iter::repeat(&ids[ids.len() - 1])).take(count);
    padded.fold(statement, |statement, id| statement.bind(*id))
}

/// Cuts ids into the lists that are read with one statement.
pub(crate) fn id_lists(ids: &[KeyId]) -> impl Iterator<Item = &[KeyId]> {
    ids.chunks(READ_TOGETHER)
}
