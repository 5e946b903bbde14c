//! Applications: external systems that own keys.

use claviger_domain::application::Application;
use claviger_domain::change::ObjectRef;
use claviger_domain::ip_list::ListDigest;
use claviger_domain::name::{Slug, search_form};
use claviger_domain::{ApplicationId, ApplicationTypeId, OrganizationId};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::ip_lists::{self, IpLists};
use crate::order::{RecordSort, SortKeys};
use crate::page::{Listed, Page};
use crate::sql::{Sql, containing, json, some_json, sql};
use crate::write::Tx;
use crate::{Error, Result, Taken};

/// All of them; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, organization_id, type_id, slug, name, disabled, ip_list, public_url, created_by, \
     created_at, updated_at, version, limits, password FROM applications";

/// Which applications of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApplicationFilter {
    /// Those of this type.
    pub kind: Option<ApplicationTypeId>,
    /// Those that are active, or those that are not.
    pub active: Option<bool>,
    /// Those that have this in their name, slug or public URL, whatever its case.
    pub text: Option<String>,
    /// In which order.
    pub sort: RecordSort,
}

/// An application without its list of addresses, which has a table of its own.
pub(crate) struct Row {
    application: Application,
    list: Option<ListDigest>,
}

/// Adds an application.
///
/// # Errors
/// [`Taken::Name`], [`Taken::Slug`].
pub async fn insert(tx: &mut Tx, application: &Application) -> Result<()> {
    check_free(tx, application).await?;
    ip_lists::save(tx, application.organization, &application.allowed_ips).await?;
    let statement = sql("INSERT INTO applications (slug, name, name_search, search, disabled, ip_list, public_url, \
         updated_at, version, limits, password, id, organization_id, type_id, created_by, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)");
    let statement = bind(statement, application).bind(application.id).bind(application.organization);
    let statement = statement.bind(application.kind).bind(json(&application.created_by));
    tx.execute(statement.bind(application.created_at)).await?;
    tx.note(application.organization, ObjectRef::Application(application.id));
    Ok(())
}

/// Writes what can change.
///
/// # Errors
/// [`Taken::Name`], [`Taken::Slug`], [`Error::NotFound`].
pub async fn update(tx: &mut Tx, application: &Application) -> Result<()> {
    check_free(tx, application).await?;
    let before = list_of(tx, application.organization, application.id).await?;
    ip_lists::save(tx, application.organization, &application.allowed_ips).await?;
    let statement = sql("UPDATE applications SET slug = $1, name = $2, name_search = $3, search = $4, disabled = $5, \
         ip_list = $6, public_url = $7, updated_at = $8, version = $9, limits = $10, password = $11 \
         WHERE id = $12 AND organization_id = $13");
    let statement = bind(statement, application).bind(application.id).bind(application.organization);
    tx.execute(statement).await?;
    if let Some(list) = before.filter(|before| Some(*before) != application.allowed_ips.digest()) {
        ip_lists::delete_unused(tx, application.organization, list).await?;
    }
    tx.note(application.organization, ObjectRef::Application(application.id));
    Ok(())
}

/// Deletes an application. Its keys have to be ended before.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn delete(tx: &mut Tx, organization: OrganizationId, id: ApplicationId) -> Result<()> {
    let list = list_of(tx, organization, id).await?;
    let statement = sql("DELETE FROM applications WHERE id = $1 AND organization_id = $2");
    tx.execute(statement.bind(id).bind(organization)).await?;
    if let Some(list) = list {
        ip_lists::delete_unused(tx, organization, list).await?;
    }
    tx.note(organization, ObjectRef::Application(id));
    Ok(())
}

/// The organization's application with this id.
pub async fn get(conn: &mut Conn, organization: OrganizationId, id: ApplicationId) -> Result<Option<Application>> {
    Ok(find(conn, id).await?.filter(|application| application.organization == organization))
}

/// The application with this id, whichever organization's.
pub async fn find(conn: &mut Conn, id: ApplicationId) -> Result<Option<Application>> {
    one(conn, sql(SELECT).push(" WHERE id = $1").bind(id)).await
}

/// The organization's application with this slug.
pub async fn by_slug(conn: &mut Conn, organization: OrganizationId, slug: &Slug) -> Result<Option<Application>> {
    let statement = sql(SELECT).push(" WHERE organization_id = $1 AND slug = $2");
    one(conn, statement.bind(organization).bind(slug.as_str())).await
}

/// The application of this type that has this name; `name_search` as `Name` makes it.
pub async fn by_name(
    conn: &mut Conn,
    organization: OrganizationId,
    kind: ApplicationTypeId,
    name_search: &str,
) -> Result<Option<ApplicationId>> {
    let statement = sql("SELECT id FROM applications WHERE organization_id = $1 AND type_id = $2 AND name_search = $3");
    conn.row(statement.bind(organization).bind(kind).bind(name_search), |row| row.parsed(0)).await
}

/// A page of the organization's applications.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &ApplicationFilter,
    page: &Page,
) -> Result<Listed<Application>> {
    let mut statement = sql(SELECT).push_bound(" WHERE organization_id = ?", [organization]);
    if let Some(kind) = filter.kind {
        statement = statement.push_bound(" AND type_id = ?", [kind]);
    }
    match filter.active {
        Some(true) => statement = statement.push(" AND disabled IS NULL"),
        Some(false) => statement = statement.push(" AND disabled IS NOT NULL"),
        None => {}
    }
    if let Some(text) = &filter.text {
        statement = statement.push_bound(" AND search LIKE ? ESCAPE '!'", [containing(&search_form(text))]);
    }
    let rows = many(conn, filter.sort.cut(statement, page)?).await?;
    Ok(page.cut(rows, |row| {
        filter.sort.cursor(SortKeys {
            slug: row.slug.to_string(),
            search: search(row),
            created_at: row.created_at,
            id: row.id.to_string(),
        })
    }))
}

/// How many applications the organization has.
pub async fn count(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM applications WHERE organization_id = $1").bind(organization)).await
}

/// How many applications are of a type.
pub async fn count_of_type(conn: &mut Conn, kind: ApplicationTypeId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM applications WHERE type_id = $1").bind(kind)).await
}

async fn check_free(tx: &mut Tx, application: &Application) -> Result<()> {
    let organization = application.organization;
    let named = by_name(tx, organization, application.kind, &application.name.search_form()).await?;
    if named.is_some_and(|other| other != application.id) {
        return Err(Taken::Name.into());
    }
    let slugged = by_slug(tx, organization, &application.slug).await?;
    if slugged.is_some_and(|other| other.id != application.id) { Err(Taken::Slug.into()) } else { Ok(()) }
}

async fn list_of(tx: &mut Tx, organization: OrganizationId, id: ApplicationId) -> Result<Option<ListDigest>> {
    let statement = sql("SELECT ip_list FROM applications WHERE id = $1 AND organization_id = $2");
    let found = tx.row(statement.bind(id).bind(organization), |row| read_list(row, 0)).await?;
    found.ok_or(Error::NotFound)
}

fn read_list(row: &dyn Fields, column: usize) -> Result<Option<ListDigest>> {
    row.text_or_none(column)?.map(|_| row.parsed(column)).transpose()
}

fn bind(statement: Sql, application: &Application) -> Sql {
    let statement = statement.bind(application.slug.as_str()).bind(application.name.as_str());
    let statement = statement.bind(application.name.search_form()).bind(search(application));
    let statement = statement.bind(application.disabled.as_ref().map(json));
    let statement = statement.bind(application.allowed_ips.digest()).bind(application.public_url.as_deref());
    let statement = statement.bind(application.updated_at).bind(application.version);
    statement.bind(some_json(&application.limits)).bind(application.password.as_ref().map(json))
}

fn search(application: &Application) -> String {
    let url = application.public_url.as_deref().unwrap_or_default();
    search_form(&format!("{}\n{}\n{url}", application.name, application.slug))
}

async fn one(conn: &mut Conn, statement: Sql) -> Result<Option<Application>> {
    Ok(many(conn, statement).await?.pop())
}

async fn many(conn: &mut Conn, statement: Sql) -> Result<Vec<Application>> {
    let rows = conn.rows(statement, read).await?;
    let lists = ip_lists::read_named(conn, rows.iter().filter_map(Row::named_list)).await?;
    rows.into_iter().map(|row| row.with_list(&lists)).collect()
}

pub(crate) fn read(row: &dyn Fields) -> Result<Row> {
    let disabled = row.text_or_none(5)?.map(|_| row.json(5)).transpose()?;
    let application = Application {
        id: row.parsed(0)?,
        organization: row.parsed(1)?,
        kind: row.parsed(2)?,
        slug: row.parsed(3)?,
        name: row.parsed(4)?,
        disabled,
        allowed_ips: claviger_domain::ip_list::IpEntries::default(),
        public_url: row.text_or_none(7)?.map(str::to_owned),
        password: row.text_or_none(13)?.map(|_| row.json(13)).transpose()?,
        created_by: row.json(8)?,
        created_at: row.time(9)?,
        updated_at: row.time(10)?,
        version: row.number(11)?,
        limits: row.list_or_none(12)?,
    };
    Ok(Row { application, list: read_list(row, 6)? })
}

// === impl Row ===

impl Row {
    /// The list of addresses it names, with its organization.
    pub(crate) fn named_list(&self) -> Option<(OrganizationId, ListDigest)> {
        Some((self.application.organization, self.list?))
    }

    /// The application with its list.
    pub(crate) fn with_list(self, lists: &IpLists) -> Result<Application> {
        let Self { mut application, list } = self;
        if let Some(digest) = list {
            application.allowed_ips = lists.get(digest)?;
        }
        Ok(application)
    }
}
