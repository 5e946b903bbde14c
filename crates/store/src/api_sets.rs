//! API sets: named sets of operations or of whole APIs.

use claviger_domain::api_set::{ApiSet, ApiSetKind};
use claviger_domain::change::ObjectRef;
use claviger_domain::name::{Slug, search_form};
use claviger_domain::{ApiId, ApiSetId, OrganizationId};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::order::{RecordSort, SortKeys};
use crate::page::{CursorValue, Listed, Page};
use crate::sql::{containing, json, some_json, sql, word};
use crate::write::Tx;
use crate::{Error, Result, Taken, application_types, roles};

/// All of them; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, organization_id, slug, name, kind, apis, operations, created_at, updated_at, \
     version, template, limits FROM api_sets";

/// Which sets of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiSetFilter {
    /// Those that hold this API or any of its operations.
    pub api: Option<ApiId>,
    /// Those of this kind.
    pub kind: Option<ApiSetKind>,
    /// Those that have this in their name or slug.
    pub text: Option<String>,
    /// In which order.
    pub sort: RecordSort,
}

/// Who uses a set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InUse {
    /// Living keys of its own organization that hold it.
    pub keys: i64,
    /// Living keys of other organizations that hold it.
    pub keys_of_others: i64,
    /// Types of applications that allow it.
    pub application_types: i64,
    /// Roles with a level that names it.
    pub roles: i64,
}

/// Adds a set.
///
/// # Errors
/// [`Taken::Slug`].
pub async fn insert(tx: &mut Tx, set: &ApiSet) -> Result<()> {
    let statement = sql("INSERT INTO api_sets (id, organization_id, slug, name, search, kind, apis, operations, \
                         created_at, updated_at, version, template, limits) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
                         ON CONFLICT DO NOTHING");
    let statement = statement.bind(set.id).bind(set.organization).bind(set.slug.as_str()).bind(set.name.as_str());
    let statement = statement.bind(search(set)).bind(word(&set.kind)).bind(json(&set.apis)).bind(json(&set.operations));
    let statement = statement.bind(set.created_at).bind(set.updated_at).bind(set.version);
    if tx.execute(statement.bind(set.template.as_deref()).bind(some_json(&set.limits))).await? == 0 {
        return Err(Taken::Slug.into());
    }
    tx.note(set.organization, ObjectRef::ApiSet(set.id));
    Ok(())
}

/// Writes all fields.
///
/// # Errors
/// [`Taken::Slug`], [`Error::NotFound`].
pub async fn update(tx: &mut Tx, set: &ApiSet) -> Result<()> {
    if by_slug(tx, set.organization, &set.slug).await?.is_some_and(|other| other.id != set.id) {
        return Err(Taken::Slug.into());
    }
    let statement = sql(
        "UPDATE api_sets SET slug = $1, name = $2, search = $3, kind = $4, apis = $5, operations = $6, \
                         updated_at = $7, version = $8, template = $9, limits = $10 WHERE id = $11 AND organization_id = $12",
    );
    let statement = statement.bind(set.slug.as_str()).bind(set.name.as_str()).bind(search(set)).bind(word(&set.kind));
    let statement = statement.bind(json(&set.apis)).bind(json(&set.operations)).bind(set.updated_at).bind(set.version);
    let statement = statement.bind(set.template.as_deref()).bind(some_json(&set.limits));
    if tx.execute(statement.bind(set.id).bind(set.organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    tx.note(set.organization, ObjectRef::ApiSet(set.id));
    Ok(())
}

/// Deletes a set. Keys of the organization that hold it have to be changed before.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] while a living key of the organization holds it.
pub async fn delete(tx: &mut Tx, organization: OrganizationId, id: ApiSetId) -> Result<()> {
    forget_other_holders(tx, organization, id).await?;
    let statement = sql("DELETE FROM api_sets WHERE id = $1 AND organization_id = $2");
    if tx.execute(statement.bind(id).bind(organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    tx.note(organization, ObjectRef::ApiSet(id));
    Ok(())
}

/// The organization's set with this id.
pub async fn get(conn: &mut Conn, organization: OrganizationId, id: ApiSetId) -> Result<Option<ApiSet>> {
    Ok(find(conn, id).await?.filter(|set| set.organization == organization))
}

/// The set with this id, whichever organization's.
pub async fn find(conn: &mut Conn, id: ApiSetId) -> Result<Option<ApiSet>> {
    conn.row(sql(SELECT).push(" WHERE id = $1").bind(id), read).await
}

/// The organization's set with this slug.
pub async fn by_slug(conn: &mut Conn, organization: OrganizationId, slug: &Slug) -> Result<Option<ApiSet>> {
    let statement = sql(SELECT).push(" WHERE organization_id = $1 AND slug = $2");
    conn.row(statement.bind(organization).bind(slug.as_str()), read).await
}

/// A page of the organization's sets.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &ApiSetFilter,
    page: &Page,
) -> Result<Listed<ApiSet>> {
    let mut statement = sql(SELECT).push_bound(" WHERE organization_id = ?", [organization]);
    if let Some(kind) = filter.kind {
        statement = statement.push_bound(" AND kind = ?", [word(&kind)]);
    }
    if let Some(text) = &filter.text {
        statement = statement.push_bound(" AND search LIKE ? ESCAPE '!'", [containing(&search_form(text))]);
    }
    if let Some(api) = filter.api {
        let quoted = containing(&format!("\"{api}\""));
        let either = " AND (apis LIKE ? ESCAPE '!' OR operations LIKE ? ESCAPE '!')";
        statement = statement.push_bound(either, [quoted.clone(), quoted]);
    }
    let rows = conn.rows(filter.sort.cut(statement, page)?, read).await?;
    Ok(page.cut(rows, |row| {
        filter.sort.cursor(SortKeys {
            slug: row.slug.to_string(),
            search: search(row),
            created_at: row.created_at,
            id: row.id.to_string(),
        })
    }))
}

/// A page of other organizations' sets that name an API of this one, by their ids.
///
/// # Errors
/// [`Error::ForeignCursor`] if the page's cursor belongs to a list of another order.
pub async fn of_others(
    conn: &mut Conn,
    organization: OrganizationId,
    api: ApiId,
    page: &Page,
) -> Result<Listed<ApiSet>> {
    let quoted = containing(&format!("\"{api}\""));
    let mut statement = sql(SELECT).push_bound(" WHERE organization_id <> ?", [organization]);
    statement =
        statement.push_bound(" AND (apis LIKE ? ESCAPE '!' OR operations LIKE ? ESCAPE '!')", [&quoted, &quoted]);
    if let Some((id, _)) = page.after_text()? {
        statement = statement.push_bound(" AND id > ?", [id]);
    }
    let rows = conn.rows(statement.push_bound(" ORDER BY id LIMIT ?", [page.rows_to_read()]), read).await?;
    Ok(page.cut(rows, |set| (CursorValue::Text(set.id.to_string()), String::new())))
}

/// How many sets the organization has.
pub async fn count(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM api_sets WHERE organization_id = $1").bind(organization)).await
}

/// Who uses a set of the organization.
pub async fn in_use_counts(conn: &mut Conn, organization: OrganizationId, id: ApiSetId) -> Result<InUse> {
    let all = conn.number(sql("SELECT COUNT(*) FROM key_api_sets WHERE api_set_id = $1").bind(id)).await?;
    let own = sql("SELECT COUNT(*) FROM key_api_sets JOIN keys ON keys.id = key_api_sets.key_id \
                   WHERE api_set_id = $1 AND keys.organization_id = $2");
    let keys = conn.number(own.bind(id).bind(organization)).await?;
    let application_types = application_types::count_using_set(conn, organization, id).await?;
    let roles = roles::count_using_set(conn, organization, id).await?;
    Ok(InUse { keys, keys_of_others: all - keys, application_types, roles })
}

/// Other organizations' keys and types of applications are no reason to keep a set: their records go on naming what is
/// gone, and hold nothing by it.
async fn forget_other_holders(tx: &mut Tx, organization: OrganizationId, id: ApiSetId) -> Result<()> {
    let statement = sql("DELETE FROM key_api_sets WHERE api_set_id = $1 \
                         AND key_id IN (SELECT id FROM keys WHERE organization_id <> $2)");
    tx.execute(statement.bind(id).bind(organization)).await?;
    application_types::forget_set_of_others(tx, organization, id).await
}

fn search(set: &ApiSet) -> String {
    search_form(&format!("{}\n{}", set.name, set.slug))
}

pub(crate) fn read(row: &dyn Fields) -> Result<ApiSet> {
    Ok(ApiSet {
        id: row.parsed(0)?,
        organization: row.parsed(1)?,
        slug: row.parsed(2)?,
        name: row.parsed(3)?,
        kind: row.word(4)?,
        apis: row.list(5)?,
        operations: row.list(6)?,
        created_at: row.time(7)?,
        updated_at: row.time(8)?,
        version: row.number(9)?,
        template: row.text_or_none(10)?.map(Box::from),
        limits: row.list_or_none(11)?,
    })
}
