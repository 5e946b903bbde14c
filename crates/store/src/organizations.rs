//! Organizations: the tenants.

use claviger_domain::OrganizationId;
use claviger_domain::change::ObjectRef;
use claviger_domain::ip_list::ListDigest;
use claviger_domain::name::{Name, Slug, search_form};
use claviger_domain::organization::Organization;

use crate::conn::Conn;
use crate::fields::Fields;
use crate::order::{RecordSort, SortKeys};
use crate::page::{Listed, Page};
use crate::sql::{Sql, containing, sql};
use crate::write::Tx;
use crate::{Error, Result, Taken, ip_lists, policies};

/// All of them; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, slug, name, time_zone, key_prefix, created_at, updated_at, version, \
     CAST(CASE WHEN id = (SELECT default_organization FROM installation) THEN 1 ELSE 0 END AS BIGINT), \
     (SELECT record FROM policies WHERE organization_id = organizations.id), ip_list, \
     (SELECT entries FROM ip_lists WHERE organization_id = organizations.id AND digest = organizations.ip_list), \
     admin_contact FROM organizations";

/// Adds an organization, with the policy that it begins with; if it [is the default](Organization::is_default), it takes the place of the one before.
///
/// # Errors
/// [`Taken::Slug`].
pub async fn insert(tx: &mut Tx, organization: &Organization) -> Result<()> {
    let statement = sql("INSERT INTO organizations \
         (id, slug, name, search, time_zone, key_prefix, created_at, updated_at, version, ip_list, \
         admin_contact, writes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0) ON CONFLICT DO NOTHING");
    let statement = statement.bind(organization.id).bind(organization.slug.as_str()).bind(organization.name.as_str());
    let statement = statement.bind(organization.name.search_form()).bind(&organization.time_zone);
    let statement = statement.bind(organization.key_prefix.as_str()).bind(organization.created_at);
    let statement = statement.bind(organization.updated_at).bind(organization.version);
    let statement = statement.bind(organization.allowed_ips.digest()).bind(contact(organization));
    if tx.execute(statement).await? == 0 {
        return Err(Taken::Slug.into());
    }
    ip_lists::save(tx, organization.id, &organization.allowed_ips).await?;
    if organization.is_default {
        set_default(tx, organization.id).await?;
    }
    tx.note(organization.id, ObjectRef::Organization(organization.id));
    Ok(())
}

/// Writes all fields but the policy and whether it is the default one.
///
/// # Errors
/// [`Taken::Slug`], [`Error::NotFound`].
pub async fn update(tx: &mut Tx, organization: &Organization) -> Result<()> {
    if by_slug(tx, &organization.slug).await?.is_some_and(|other| other.id != organization.id) {
        return Err(Taken::Slug.into());
    }
    let list_before = sql("SELECT ip_list FROM organizations WHERE id = $1").bind(organization.id);
    let list_before: Option<ListDigest> = tx.row(list_before, |row| row.parsed_or_none(0)).await?.flatten();
    ip_lists::save(tx, organization.id, &organization.allowed_ips).await?;
    let statement =
        sql("UPDATE organizations SET slug = $1, name = $2, search = $3, time_zone = $4, key_prefix = $5, \
                         updated_at = $6, version = $7, ip_list = $8, admin_contact = $9 WHERE id = $10");
    let statement = statement.bind(organization.slug.as_str()).bind(organization.name.as_str());
    let statement = statement.bind(organization.name.search_form()).bind(&organization.time_zone);
    let statement = statement.bind(organization.key_prefix.as_str()).bind(organization.updated_at);
    // Organizations have a lock each, and slugs are all theirs: two may be changed to the same one at once.
    let statement = statement.bind(organization.version).bind(organization.allowed_ips.digest());
    let statement = statement.bind(contact(organization));
    if tx.execute_unless_taken(statement.bind(organization.id), Taken::Slug).await? == 0 {
        return Err(Error::NotFound);
    }
    if let Some(list) = list_before.filter(|before| Some(*before) != organization.allowed_ips.digest()) {
        ip_lists::delete_unused(tx, organization.id, list).await?;
    }
    tx.note(organization.id, ObjectRef::Organization(organization.id));
    Ok(())
}

/// Makes `id` the default organization in place of the one before.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn set_default(tx: &mut Tx, id: OrganizationId) -> Result<()> {
    let before = default(tx).await?;
    let statement = sql("UPDATE installation SET default_organization = (SELECT id FROM organizations WHERE id = $1)");
    tx.execute(statement.bind(id)).await?;
    if !get(tx, id).await?.is_some_and(|organization| organization.is_default) {
        return Err(Error::NotFound);
    }
    for changed in before.map(|before| before.id).into_iter().chain([id]) {
        tx.note(changed, ObjectRef::Organization(changed));
    }
    Ok(())
}

/// The organization with this id.
pub async fn get(conn: &mut Conn, id: OrganizationId) -> Result<Option<Organization>> {
    conn.row(select().push(" WHERE id = $1").bind(id), read).await
}

/// The organization with this slug.
pub async fn by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Organization>> {
    conn.row(select().push(" WHERE slug = $1").bind(slug.as_str()), read).await
}

/// The default organization: the one that door calls without a token are made for.
pub async fn default(conn: &mut Conn) -> Result<Option<Organization>> {
    conn.row(select().push(" WHERE id = (SELECT default_organization FROM installation)"), read).await
}

/// How many there are.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM organizations")).await
}

/// Which organizations of a list, in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationFilter {
    /// Those that have this in their name, whatever its case, or in their slug.
    pub text: Option<String>,
    /// In which order.
    pub sort: RecordSort,
}

/// A page of all of them, by slug.
pub async fn list(conn: &mut Conn, page: &Page) -> Result<Listed<Organization>> {
    some(conn, &OrganizationFilter::default(), page).await
}

/// A page of those that a filter selects.
pub async fn some(conn: &mut Conn, filter: &OrganizationFilter, page: &Page) -> Result<Listed<Organization>> {
    let mut statement = select().push(" WHERE 1 = 1");
    if let Some(text) = &filter.text {
        let pattern = containing(&search_form(text));
        let either = " AND (search LIKE ? ESCAPE '!' OR slug LIKE ? ESCAPE '!')";
        statement = statement.push_bound(either, [pattern.clone(), pattern]);
    }
    let rows = conn.rows(filter.sort.cut(statement, page)?, read).await?;
    Ok(page.cut(rows, |row| {
        filter.sort.cursor(SortKeys {
            slug: row.slug.to_string(),
            search: row.name.search_form(),
            created_at: row.created_at,
            id: row.id.to_string(),
        })
    }))
}

fn contact(organization: &Organization) -> Option<&str> {
    organization.admin_contact.as_ref().map(Name::as_str)
}

fn select() -> Sql {
    sql(SELECT)
}

pub(crate) fn read(row: &dyn Fields) -> Result<Organization> {
    Ok(Organization {
        id: row.parsed(0)?,
        slug: row.parsed(1)?,
        name: row.parsed(2)?,
        time_zone: row.text(3)?.to_owned(),
        key_prefix: row.parsed(4)?,
        created_at: row.time(5)?,
        updated_at: row.time(6)?,
        version: row.number(7)?,
        is_default: row.number(8)? == 1,
        policy: policies::read(row, 9)?,
        allowed_ips: ip_lists::read_joined(row, 10)?,
        admin_contact: row.parsed_or_none(12)?,
    })
}
