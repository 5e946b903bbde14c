//! APIs under protection; their operations stand in [`crate::operations`].

use claviger_domain::api::Api;
use claviger_domain::change::ObjectRef;
use claviger_domain::name::{Slug, search_form};
use claviger_domain::operation::VersionPattern;
use claviger_domain::{ApiId, OrganizationId};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::order::{RecordSort, SortKeys};
use crate::page::{Listed, Page};
use crate::sql::{Sql, containing, json, sql};
use crate::write::Tx;
use crate::{Error, Result, Taken, manuals, operations, shares};

/// All of them; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, organization_id, slug, name, hosts, base_paths, unlisted_paths, manual_url, \
     kind, created_at, updated_at, version, version_pattern, versions, sharing, rules FROM apis";

/// Adds an API, without operations.
///
/// # Errors
/// [`Taken::Slug`].
pub async fn insert(tx: &mut Tx, api: &Api) -> Result<()> {
    let statement =
        sql("INSERT INTO apis (id, organization_id, slug, name, search, hosts, base_paths, unlisted_paths, \
                         manual_url, kind, created_at, updated_at, version, version_pattern, versions, sharing, rules) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
                         ON CONFLICT DO NOTHING");
    let statement = statement.bind(api.id).bind(api.organization).bind(api.slug.as_str()).bind(api.name.as_str());
    let statement = statement.bind(search(api)).bind(json(&api.hosts)).bind(json(&api.base_paths));
    let statement = statement.bind(api.unlisted_paths).bind(api.manual_url.as_deref()).bind(kind(api));
    let statement = statement.bind(api.created_at).bind(api.updated_at).bind(api.version);
    let statement = statement.bind(pattern(api)).bind(json(&api.versions));
    if tx.execute(statement.bind(json(&api.sharing)).bind(json(&api.rules))).await? == 0 {
        return Err(Taken::Slug.into());
    }
    shares::replace(tx, api).await?;
    tx.note(api.organization, ObjectRef::Api(api.id));
    Ok(())
}

/// Writes all fields.
///
/// # Errors
/// [`Taken::Slug`], [`Error::NotFound`].
pub async fn update(tx: &mut Tx, api: &Api) -> Result<()> {
    if by_slug(tx, api.organization, &api.slug).await?.is_some_and(|other| other.id != api.id) {
        return Err(Taken::Slug.into());
    }
    let statement = sql("UPDATE apis SET slug = $1, name = $2, search = $3, hosts = $4, base_paths = $5, \
                         unlisted_paths = $6, manual_url = $7, kind = $8, updated_at = $9, version = $10, \
                         version_pattern = $11, versions = $12, sharing = $13, rules = $14 \
                         WHERE id = $15 AND organization_id = $16");
    let statement = statement.bind(api.slug.as_str()).bind(api.name.as_str()).bind(search(api)).bind(json(&api.hosts));
    let statement = statement.bind(json(&api.base_paths)).bind(api.unlisted_paths).bind(api.manual_url.as_deref());
    let statement = statement.bind(kind(api)).bind(api.updated_at).bind(api.version);
    let statement = statement.bind(pattern(api)).bind(json(&api.versions));
    let statement = statement.bind(json(&api.sharing)).bind(json(&api.rules));
    if tx.execute(statement.bind(api.id).bind(api.organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    shares::replace(tx, api).await?;
    tx.note(api.organization, ObjectRef::Api(api.id));
    Ok(())
}

/// Deletes an API with its operations. Sets and keys of the organization that name it have to be changed before; other
/// organizations' go on naming what is gone, and hold nothing by it.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] while a living key of the organization names its operations.
pub async fn delete(tx: &mut Tx, organization: OrganizationId, id: ApiId) -> Result<()> {
    operations::delete_all(tx, id).await?;
    manuals::delete_all(tx, id).await?;
    shares::delete_all(tx, id).await?;
    let naming = sql("DELETE FROM key_apis WHERE api_id = $1 \
                      AND key_id IN (SELECT id FROM keys WHERE organization_id <> $2)");
    tx.execute(naming.bind(id).bind(organization)).await?;
    let statement = sql("DELETE FROM apis WHERE id = $1 AND organization_id = $2");
    if tx.execute(statement.bind(id).bind(organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    tx.note(organization, ObjectRef::Api(id));
    Ok(())
}

/// The organization's API with this id.
pub async fn get(conn: &mut Conn, organization: OrganizationId, id: ApiId) -> Result<Option<Api>> {
    Ok(find(conn, id).await?.filter(|api| api.organization == organization))
}

/// The API with this id, whichever organization's.
pub async fn find(conn: &mut Conn, id: ApiId) -> Result<Option<Api>> {
    conn.row(sql(SELECT).push(" WHERE id = $1").bind(id), read).await
}

/// The organization's API with this slug.
pub async fn by_slug(conn: &mut Conn, organization: OrganizationId, slug: &Slug) -> Result<Option<Api>> {
    let statement = sql(SELECT).push(" WHERE organization_id = $1 AND slug = $2");
    conn.row(statement.bind(organization).bind(slug.as_str()), read).await
}

/// Which APIs of a list, in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiFilter {
    /// Those that have this in their name or slug, whatever its case.
    pub text: Option<String>,
    /// In which order.
    pub sort: RecordSort,
}

/// A page of the organization's APIs.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &ApiFilter,
    page: &Page,
) -> Result<Listed<Api>> {
    listed(conn, sql(SELECT).push_bound(" WHERE organization_id = ?", [organization]), filter, page).await
}

/// A page of the APIs that other organizations share with this one.
pub async fn list_shared(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &ApiFilter,
    page: &Page,
) -> Result<Listed<Api>> {
    let statement = sql(SELECT).push_bound(" WHERE organization_id <> ?", [organization]);
    let shared = " AND id IN (SELECT api_id FROM api_shares WHERE organization_id IN (?, '*'))";
    listed(conn, statement.push_bound(shared, [organization]), filter, page).await
}

async fn listed(conn: &mut Conn, mut statement: Sql, filter: &ApiFilter, page: &Page) -> Result<Listed<Api>> {
    if let Some(text) = &filter.text {
        statement = statement.push_bound(" AND search LIKE ? ESCAPE '!'", [containing(&search_form(text))]);
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

/// How many APIs the organization has.
pub async fn count(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM apis WHERE organization_id = $1").bind(organization)).await
}

fn search(api: &Api) -> String {
    search_form(&format!("{}\n{}", api.name, api.slug))
}

fn pattern(api: &Api) -> Option<&str> {
    api.version_pattern.as_ref().map(VersionPattern::as_str)
}

fn kind(api: &Api) -> String {
    crate::sql::word(&api.kind)
}

pub(crate) fn read(row: &dyn Fields) -> Result<Api> {
    Ok(Api {
        id: row.parsed(0)?,
        organization: row.parsed(1)?,
        slug: row.parsed(2)?,
        name: row.parsed(3)?,
        hosts: row.list(4)?,
        base_paths: row.list(5)?,
        unlisted_paths: row.number(6)? == 1,
        manual_url: row.text_or_none(7)?.map(str::to_owned),
        kind: row.word(8)?,
        created_at: row.time(9)?,
        updated_at: row.time(10)?,
        version: row.number(11)?,
        version_pattern: row.text_or_none(12)?.map(|_| row.parsed(12)).transpose()?,
        versions: row.list(13)?,
        sharing: row.json(14)?,
        rules: row.json(15)?,
    })
}
