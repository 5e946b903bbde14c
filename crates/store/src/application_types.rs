//! Kinds of applications.

use claviger_domain::application::ApplicationType;
use claviger_domain::change::ObjectRef;
use claviger_domain::name::{Slug, search_form};
use claviger_domain::{ApiSetId, ApplicationTypeId, OrganizationId};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::order::{RecordSort, SortKeys};
use crate::page::{Listed, Page};
use crate::sql::{containing, json, sql};
use crate::write::Tx;
use crate::{Error, Result, Taken};

/// All of them; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, organization_id, slug, name, sign_in, api_sets, predefined, created_at, \
     updated_at, version, fields FROM application_types";

/// Adds a type.
///
/// # Errors
/// [`Taken::Slug`].
pub async fn insert(tx: &mut Tx, kind: &ApplicationType) -> Result<()> {
    let statement =
        sql("INSERT INTO application_types (slug, name, search, api_sets, updated_at, version, fields, id, \
         organization_id, sign_in, predefined, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
         ON CONFLICT DO NOTHING");
    let statement = statement.bind(kind.slug.as_str()).bind(kind.name.as_str()).bind(search(kind));
    let statement = statement.bind(json(&kind.api_sets)).bind(kind.updated_at).bind(kind.version);
    let statement =
        statement.bind(json(&kind.fields)).bind(kind.id).bind(kind.organization).bind(kind.sign_in.as_str());
    if tx.execute(statement.bind(kind.predefined).bind(kind.created_at)).await? == 0 {
        return Err(Taken::Slug.into());
    }
    write_sets(tx, kind).await?;
    tx.note(kind.organization, ObjectRef::ApplicationType(kind.id));
    Ok(())
}

/// Writes what can change.
///
/// # Errors
/// [`Taken::Slug`], [`Error::NotFound`].
pub async fn update(tx: &mut Tx, kind: &ApplicationType) -> Result<()> {
    if by_slug(tx, kind.organization, &kind.slug).await?.is_some_and(|other| other.id != kind.id) {
        return Err(Taken::Slug.into());
    }
    let statement = sql("UPDATE application_types SET slug = $1, name = $2, search = $3, api_sets = $4, \
         updated_at = $5, version = $6, fields = $7 WHERE id = $8 AND organization_id = $9");
    let statement = statement.bind(kind.slug.as_str()).bind(kind.name.as_str()).bind(search(kind));
    let statement = statement.bind(json(&kind.api_sets)).bind(kind.updated_at).bind(kind.version);
    let statement = statement.bind(json(&kind.fields));
    if tx.execute(statement.bind(kind.id).bind(kind.organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    write_sets(tx, kind).await?;
    tx.note(kind.organization, ObjectRef::ApplicationType(kind.id));
    Ok(())
}

/// Deletes a type.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] while an application is of it.
pub async fn delete(tx: &mut Tx, organization: OrganizationId, id: ApplicationTypeId) -> Result<()> {
    tx.execute(sql("DELETE FROM application_type_sets WHERE type_id = $1").bind(id)).await?;
    let statement = sql("DELETE FROM application_types WHERE id = $1 AND organization_id = $2");
    if tx.execute(statement.bind(id).bind(organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    tx.note(organization, ObjectRef::ApplicationType(id));
    Ok(())
}

/// The organization's type with this id.
pub async fn get(
    conn: &mut Conn,
    organization: OrganizationId,
    id: ApplicationTypeId,
) -> Result<Option<ApplicationType>> {
    Ok(find(conn, id).await?.filter(|kind| kind.organization == organization))
}

/// The type with this id, whichever organization's.
pub async fn find(conn: &mut Conn, id: ApplicationTypeId) -> Result<Option<ApplicationType>> {
    conn.row(sql(SELECT).push(" WHERE id = $1").bind(id), read).await
}

/// The organization's type with this slug.
pub async fn by_slug(conn: &mut Conn, organization: OrganizationId, slug: &Slug) -> Result<Option<ApplicationType>> {
    let statement = sql(SELECT).push(" WHERE organization_id = $1 AND slug = $2");
    conn.row(statement.bind(organization).bind(slug.as_str()), read).await
}

/// A page of the organization's types that have `text` in name or slug.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    text: Option<&str>,
    sort: RecordSort,
    page: &Page,
) -> Result<Listed<ApplicationType>> {
    let mut statement = sql(SELECT).push_bound(" WHERE organization_id = ?", [organization]);
    if let Some(text) = text {
        statement = statement.push_bound(" AND search LIKE ? ESCAPE '!'", [containing(&search_form(text))]);
    }
    let rows = conn.rows(sort.cut(statement, page)?, read).await?;
    Ok(page.cut(rows, |row| {
        sort.cursor(SortKeys {
            slug: row.slug.to_string(),
            search: search(row),
            created_at: row.created_at,
            id: row.id.to_string(),
        })
    }))
}

/// How many types the organization has.
pub async fn count(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM application_types WHERE organization_id = $1").bind(organization)).await
}

/// How many types of the organization name a set.
pub async fn count_using_set(conn: &mut Conn, organization: OrganizationId, set: ApiSetId) -> Result<i64> {
    let statement = sql("SELECT COUNT(*) FROM application_type_sets JOIN application_types ON id = type_id \
                         WHERE api_set_id = $1 AND organization_id = $2");
    conn.number(statement.bind(set).bind(organization)).await
}

/// Lets a set be deleted that types of other organizations name: they go on naming what is gone.
pub(crate) async fn forget_set_of_others(tx: &mut Tx, organization: OrganizationId, set: ApiSetId) -> Result<()> {
    let statement = sql("DELETE FROM application_type_sets WHERE api_set_id = $1 \
                         AND type_id IN (SELECT id FROM application_types WHERE organization_id <> $2)");
    tx.execute(statement.bind(set).bind(organization)).await?;
    Ok(())
}

async fn write_sets(tx: &mut Tx, kind: &ApplicationType) -> Result<()> {
    tx.execute(sql("DELETE FROM application_type_sets WHERE type_id = $1").bind(kind.id)).await?;
    for set in &kind.api_sets {
        // A set of another organization may be gone meanwhile.
        let statement = sql("INSERT INTO application_type_sets (api_set_id, type_id) \
                             SELECT id, $2 FROM api_sets WHERE id = $1 ON CONFLICT DO NOTHING");
        tx.execute(statement.bind(*set).bind(kind.id)).await?;
    }
    Ok(())
}

fn search(kind: &ApplicationType) -> String {
    search_form(&format!("{}\n{}", kind.name, kind.slug))
}

pub(crate) fn read(row: &dyn Fields) -> Result<ApplicationType> {
    Ok(ApplicationType {
        id: row.parsed(0)?,
        organization: row.parsed(1)?,
        slug: row.parsed(2)?,
        name: row.parsed(3)?,
        sign_in: row.word(4)?,
        api_sets: row.list(5)?,
        fields: row.text_or_none(10)?.map(|_| row.json(10)).transpose()?.unwrap_or_default(),
        predefined: row.number(6)? == 1,
        created_at: row.time(7)?,
        updated_at: row.time(8)?,
        version: row.number(9)?,
    })
}
