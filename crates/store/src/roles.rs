//! Roles: what people may do.

use claviger_domain::authority::{Authorities, Authority};
use claviger_domain::change::ObjectRef;
use claviger_domain::name::{Slug, search_form};
use claviger_domain::role::{Role, predefined_authorities};
use claviger_domain::{ApiSetId, OrganizationId, RoleId};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::order::{RecordSort, SortKeys};
use crate::page::{Listed, Page};
use crate::sql::{Sql, containing, json, sql};
use crate::write::Tx;
use crate::{Error, Result, Taken};

/// All of them; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, organization_id, slug, name, predefined, authorities, levels, created_at, \
     updated_at, version FROM roles";

/// Adds a role.
///
/// # Errors
/// [`Taken::Slug`].
pub async fn insert(tx: &mut Tx, role: &Role) -> Result<()> {
    let statement = sql("INSERT INTO roles (slug, name, search, authorities, levels, updated_at, version, id, \
         organization_id, predefined, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT DO NOTHING");
    let statement = bind(statement, role).bind(role.id).bind(role.organization).bind(role.predefined);
    if tx.execute(statement.bind(role.created_at)).await? == 0 {
        return Err(Taken::Slug.into());
    }
    tx.note(role.organization, ObjectRef::Role(role.id));
    Ok(())
}

/// Writes what can change.
///
/// # Errors
/// [`Taken::Slug`], [`Error::NotFound`].
pub async fn update(tx: &mut Tx, role: &Role) -> Result<()> {
    if by_slug(tx, role.organization, &role.slug).await?.is_some_and(|other| other.id != role.id) {
        return Err(Taken::Slug.into());
    }
    let statement = sql("UPDATE roles SET slug = $1, name = $2, search = $3, authorities = $4, levels = $5, \
         updated_at = $6, version = $7 WHERE id = $8 AND organization_id = $9");
    if tx.execute(bind(statement, role).bind(role.id).bind(role.organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    tx.note(role.organization, ObjectRef::Role(role.id));
    Ok(())
}

/// Deletes a role.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Refused`] while a member has it.
pub async fn delete(tx: &mut Tx, organization: OrganizationId, id: RoleId) -> Result<()> {
    let statement = sql("DELETE FROM roles WHERE id = $1 AND organization_id = $2");
    if tx.execute(statement.bind(id).bind(organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    tx.note(organization, ObjectRef::Role(id));
    Ok(())
}

/// The organization's role with this id.
pub async fn get(conn: &mut Conn, organization: OrganizationId, id: RoleId) -> Result<Option<Role>> {
    Ok(find(conn, id).await?.filter(|role| role.organization == organization))
}

/// The role with this id, whichever organization's.
pub async fn find(conn: &mut Conn, id: RoleId) -> Result<Option<Role>> {
    conn.row(sql(SELECT).push(" WHERE id = $1").bind(id), read).await
}

/// The organization's role with this slug.
pub async fn by_slug(conn: &mut Conn, organization: OrganizationId, slug: &Slug) -> Result<Option<Role>> {
    let statement = sql(SELECT).push(" WHERE organization_id = $1 AND slug = $2");
    conn.row(statement.bind(organization).bind(slug.as_str()), read).await
}

/// A page of the organization's roles that have `text` in name or slug.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    text: Option<&str>,
    sort: RecordSort,
    page: &Page,
) -> Result<Listed<Role>> {
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

/// How many roles the organization has.
pub async fn count(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM roles WHERE organization_id = $1").bind(organization)).await
}

/// How many members have a role.
pub async fn count_members(conn: &mut Conn, id: RoleId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM member_roles WHERE role_id = $1").bind(id)).await
}

/// How many roles of the organization have a level that names a set.
pub async fn count_using_set(conn: &mut Conn, organization: OrganizationId, set: ApiSetId) -> Result<i64> {
    let statement = sql("SELECT COUNT(*) FROM roles WHERE organization_id = $1 AND levels LIKE $2 ESCAPE '!'");
    conn.number(statement.bind(organization).bind(containing(&format!("\"{set}\"")))).await
}

fn bind(statement: Sql, role: &Role) -> Sql {
    // What a predefined role gives stands in the program.
    let authorities = if role.predefined { Authorities::NONE } else { role.authorities };
    let names: Vec<&str> = authorities.names().collect();
    let statement = statement.bind(role.slug.as_str()).bind(role.name.as_str()).bind(search(role)).bind(json(&names));
    statement.bind(json(&role.levels)).bind(role.updated_at).bind(role.version)
}

fn search(role: &Role) -> String {
    search_form(&format!("{}\n{}", role.name, role.slug))
}

pub(crate) fn read(row: &dyn Fields) -> Result<Role> {
    let predefined = row.number(4)? == 1;
    let authorities = match predefined_authorities(row.text(2)?) {
        Some(authorities) if predefined => authorities,
        _ => {
            // A name that this program does not know gives nothing here.
            let names: Vec<String> = row.list(5)?;
            let known: Vec<Authority> = names.iter().filter_map(|name| Authority::named(name)).collect();
            Authorities::of(&known)
        }
    };
    Ok(Role {
        id: row.parsed(0)?,
        organization: row.parsed(1)?,
        slug: row.parsed(2)?,
        name: row.parsed(3)?,
        predefined,
        authorities,
        levels: row.json(6)?,
        created_at: row.time(7)?,
        updated_at: row.time(8)?,
        version: row.number(9)?,
    })
}
