//! People in organizations. The person's row belongs to the installation, the membership to one organization.

use claviger_domain::change::ObjectRef;
use claviger_domain::email::Email;
use claviger_domain::link::LinkKind;
use claviger_domain::member::{Member, User};
use claviger_domain::name::search_form;
use claviger_domain::{OrganizationId, RoleId, Timestamp, UserId};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::order::{RecordSort, SortKeys};
use crate::page::{Listed, Page};
use crate::sql::{Sql, containing, json, sql};
use crate::write::Tx;
use crate::{Error, Result, Taken, links};

/// All of them; the replica's load reads it with the native driver. `slug` is what lists of records are sorted by first.
pub(crate) const SELECT: &str = "SELECT * FROM (SELECT m.user_id AS id, u.email AS email, u.name AS name, \
     u.language AS language, u.time_zone AS time_zone, u.created_at AS user_created_at, \
     m.organization_id AS organization_id, m.username AS username, m.roles AS roles, m.disabled AS disabled, \
     m.locked AS locked, m.account_expires_at AS account_expires_at, m.accepted_at AS accepted_at, \
     m.created_by AS created_by, m.created_at AS created_at, m.updated_at AS updated_at, m.version AS version, \
     m.username_search AS slug, m.search AS search, m.email_search AS email_search \
     FROM memberships m JOIN users u ON u.id = m.user_id) AS members";

/// Which members of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberFilter {
    /// Those who have this role.
    pub role: Option<RoleId>,
    /// Those who are enabled, or those who are not.
    pub enabled: Option<bool>,
    /// Those whom an administrator has locked, or those who are not.
    pub locked: Option<bool>,
    /// Those who have this in their name, user name or e-mail address, whatever its case.
    pub text: Option<String>,
    /// In which order; `Slug` stands for the user name.
    pub sort: RecordSort,
}

/// Makes a person a member; a person who is not there yet is made.
///
/// # Errors
/// [`Taken::Email`], [`Taken::Username`].
pub async fn insert(tx: &mut Tx, member: &Member) -> Result<()> {
    check_free(tx, member).await?;
    let user = &member.user;
    if user_with_id(tx, user.id).await?.is_none() {
        let statement = sql("INSERT INTO users (email, email_search, name, language, time_zone, id, created_at) \
                             VALUES ($1, $2, $3, $4, $5, $6, $7)");
        let statement = bind_user(statement, member).bind(user.created_at);
        tx.execute_unless_taken(statement, Taken::Email).await?;
    }
    let statement = sql("INSERT INTO memberships (email_search, username, username_search, search, roles, disabled, \
         locked, account_expires_at, accepted_at, updated_at, version, organization_id, user_id, created_by, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)");
    let statement = bind(statement, member).bind(json(&member.created_by)).bind(member.created_at);
    tx.execute(statement).await?;
    write_roles(tx, member).await?;
    tx.note(member.organization, ObjectRef::Member(member.organization, user.id));
    Ok(())
}

/// Writes what can change, of the person too.
///
/// # Errors
/// [`Taken::Email`], [`Taken::Username`], [`Error::NotFound`].
pub async fn update(tx: &mut Tx, member: &Member) -> Result<()> {
    check_free(tx, member).await?;
    let before = get(tx, member.organization, member.user.id).await?.ok_or(Error::NotFound)?;
    let statement = sql("UPDATE memberships SET email_search = $1, username = $2, username_search = $3, search = $4, \
         roles = $5, disabled = $6, locked = $7, account_expires_at = $8, accepted_at = $9, updated_at = $10, \
         version = $11 WHERE organization_id = $12 AND user_id = $13");
    tx.execute(bind(statement, member)).await?;
    write_roles(tx, member).await?;
    tx.note(member.organization, ObjectRef::Member(member.organization, member.user.id));
    if before.user != member.user || before.accepted_at != member.accepted_at {
        update_user(tx, member).await?;
    }
    Ok(())
}

/// Ends a membership. The keys of the member have to be ended before; a person who accepted no invitation goes with it.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn delete(tx: &mut Tx, organization: OrganizationId, user: UserId) -> Result<()> {
    forget_roles(tx, organization, user).await?;
    links::end(tx, LinkKind::Invitation, Some(organization), user).await?;
    let statement = sql("DELETE FROM memberships WHERE organization_id = $1 AND user_id = $2");
    if tx.execute(statement.bind(organization).bind(user)).await? == 0 {
        return Err(Error::NotFound);
    }
    let invited = sql("DELETE FROM users WHERE id = $1 AND email_search LIKE $2 ESCAPE '!'");
    tx.execute(invited.bind(user).bind(containing(&format!(" {user}")))).await?;
    tx.note(organization, ObjectRef::Member(organization, user));
    Ok(())
}

/// A person in an organization.
pub async fn get(conn: &mut Conn, organization: OrganizationId, user: UserId) -> Result<Option<Member>> {
    let statement = sql(SELECT).push(" WHERE organization_id = $1 AND id = $2");
    conn.row(statement.bind(organization).bind(user), read).await
}

/// The member with this user name; `search` as `Name` makes it.
pub async fn by_username(conn: &mut Conn, organization: OrganizationId, search: &str) -> Result<Option<Member>> {
    let statement = sql(SELECT).push(" WHERE organization_id = $1 AND slug = $2");
    conn.row(statement.bind(organization).bind(search), read).await
}

/// The member with this e-mail address, whatever its case.
pub async fn by_email(conn: &mut Conn, organization: OrganizationId, email: &Email) -> Result<Option<Member>> {
    let statement = sql(SELECT).push(" WHERE organization_id = $1 AND email_search = $2");
    conn.row(statement.bind(organization).bind(email.search_form()), read).await
}

/// The person who is known in the installation by this e-mail address: has accepted an invitation.
pub async fn known_user(conn: &mut Conn, email: &Email) -> Result<Option<User>> {
    let statement = sql("SELECT id, email, name, language, time_zone, created_at FROM users WHERE email_search = $1");
    conn.row(statement.bind(email.search_form()), read_user).await
}

/// When somebody last signed in to an organization.
pub async fn last_sign_in(conn: &mut Conn, organization: OrganizationId, user: UserId) -> Result<Option<Timestamp>> {
    let statement = sql("SELECT last_sign_in_at FROM memberships WHERE organization_id = $1 AND user_id = $2");
    Ok(conn.row(statement.bind(organization).bind(user), |row| row.time_or_none(0)).await?.flatten())
}

/// Notes that somebody signed in. It is no change of the record: no node holds it, and its version stays.
pub async fn note_sign_in(tx: &mut Tx, organization: OrganizationId, user: UserId, at: Timestamp) -> Result<()> {
    let statement = sql("UPDATE memberships SET last_sign_in_at = $1 WHERE organization_id = $2 AND user_id = $3");
    tx.execute(statement.bind(at).bind(organization).bind(user)).await?;
    Ok(())
}

/// A person in each organization in which they are.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Member>> {
    let statement = sql(SELECT).push(" WHERE id = $1 ORDER BY organization_id");
    conn.rows(statement.bind(user), read).await
}

/// In how many organizations a person is.
pub async fn count_of_user(conn: &mut Conn, user: UserId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM memberships WHERE user_id = $1").bind(user)).await
}

/// How many people are in an organization.
pub async fn count(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM memberships WHERE organization_id = $1").bind(organization)).await
}

/// All members who have a role.
pub async fn with_role(conn: &mut Conn, organization: OrganizationId, role: RoleId) -> Result<Vec<Member>> {
    let statement = sql(SELECT).push(
        " WHERE organization_id = $1 AND id IN (SELECT user_id FROM member_roles WHERE role_id = $2) ORDER BY id",
    );
    conn.rows(statement.bind(organization).bind(role), read).await
}

/// A page of the organization's members.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &MemberFilter,
    page: &Page,
) -> Result<Listed<Member>> {
    let mut statement = sql(SELECT).push_bound(" WHERE organization_id = ?", [organization]);
    if let Some(role) = filter.role {
        let having = " AND id IN (SELECT user_id FROM member_roles WHERE role_id = ?)";
        statement = statement.push_bound(having, [role]);
    }
    let is = |set: bool| if set { " IS NOT NULL" } else { " IS NULL" };
    if let Some(enabled) = filter.enabled {
        statement = statement.push(" AND disabled").push(is(!enabled));
    }
    if let Some(locked) = filter.locked {
        statement = statement.push(" AND locked").push(is(locked));
    }
    if let Some(text) = &filter.text {
        statement = statement.push_bound(" AND search LIKE ? ESCAPE '!'", [containing(&search_form(text))]);
    }
    let rows = conn.rows(filter.sort.cut(statement, page)?, read).await?;
    Ok(page.cut(rows, |row| {
        filter.sort.cursor(SortKeys {
            slug: row.username.search_form(),
            search: search(row),
            created_at: row.created_at,
            id: row.user.id.to_string(),
        })
    }))
}

async fn check_free(tx: &mut Tx, member: &Member) -> Result<()> {
    let is_other = |found: Option<Member>| found.is_some_and(|other| other.user.id != member.user.id);
    if is_other(by_email(tx, member.organization, &member.user.email).await?) {
        return Err(Taken::Email.into());
    }
    if is_other(by_username(tx, member.organization, &member.username.search_form()).await?) {
        return Err(Taken::Username.into());
    }
    Ok(())
}

async fn user_with_id(conn: &mut Conn, id: UserId) -> Result<Option<User>> {
    let statement = sql("SELECT id, email, name, language, time_zone, created_at FROM users WHERE id = $1");
    conn.row(statement.bind(id), read_user).await
}

/// Writes the person's row, and what other organizations show of it.
async fn update_user(tx: &mut Tx, member: &Member) -> Result<()> {
    let statement = sql("UPDATE users SET email = $1, email_search = $2, name = $3, language = $4, time_zone = $5 \
                         WHERE id = $6");
    tx.execute_unless_taken(bind_user(statement, member), Taken::Email).await?;
    let statement = sql(SELECT).push(" WHERE id = $1 AND organization_id <> $2");
    for other in tx.rows(statement.bind(member.user.id).bind(member.organization), read).await? {
        let statement = sql("UPDATE memberships SET email_search = $1, search = $2 \
                             WHERE organization_id = $3 AND user_id = $4");
        let statement = statement.bind(other.user.email.search_form()).bind(search(&other));
        tx.execute_unless_taken(statement.bind(other.organization).bind(other.user.id), Taken::Email).await?;
        tx.note(other.organization, ObjectRef::Member(other.organization, other.user.id));
    }
    Ok(())
}

async fn write_roles(tx: &mut Tx, member: &Member) -> Result<()> {
    forget_roles(tx, member.organization, member.user.id).await?;
    for role in &member.roles {
        let statement = sql("INSERT INTO member_roles (role_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING");
        tx.execute(statement.bind(*role).bind(member.user.id)).await?;
    }
    Ok(())
}

async fn forget_roles(tx: &mut Tx, organization: OrganizationId, user: UserId) -> Result<()> {
    let statement = sql("DELETE FROM member_roles WHERE user_id = $1 \
                         AND role_id IN (SELECT id FROM roles WHERE organization_id = $2)");
    tx.execute(statement.bind(user).bind(organization)).await?;
    Ok(())
}

/// The form by which a person is known; of one who accepted no invitation a form that nobody else can have.
fn known_by(member: &Member) -> String {
    let form = member.user.email.search_form();
    if member.accepted_at.is_some() { form } else { format!("{form} {}", member.user.id) }
}

fn bind_user(statement: Sql, member: &Member) -> Sql {
    let user = &member.user;
    let statement = statement.bind(user.email.as_str()).bind(known_by(member)).bind(user.name.as_str());
    statement.bind(&user.language).bind(&user.time_zone).bind(user.id)
}

fn bind(statement: Sql, member: &Member) -> Sql {
    let statement = statement.bind(member.user.email.search_form()).bind(member.username.as_str());
    let statement = statement.bind(member.username.search_form()).bind(search(member)).bind(json(&member.roles));
    let statement = statement.bind(member.disabled.as_ref().map(json)).bind(member.locked.as_ref().map(json));
    let statement = statement.bind(member.account_expires_at).bind(member.accepted_at).bind(member.updated_at);
    statement.bind(member.version).bind(member.organization).bind(member.user.id)
}

fn search(member: &Member) -> String {
    search_form(&format!("{}\n{}\n{}", member.user.name, member.username, member.user.email))
}

fn read_user(row: &dyn Fields) -> Result<User> {
    user(row, row.time(5)?)
}

fn user(row: &dyn Fields, created_at: Timestamp) -> Result<User> {
    Ok(User {
        id: row.parsed(0)?,
        email: row.parsed(1)?,
        name: row.parsed(2)?,
        language: row.text(3)?.to_owned(),
        time_zone: row.text(4)?.to_owned(),
        created_at,
    })
}

pub(crate) fn read(row: &dyn Fields) -> Result<Member> {
    let json_or_none = |column| row.text_or_none(column)?.map(|_| row.json(column)).transpose();
    Ok(Member {
        user: user(row, row.time(5)?)?,
        organization: row.parsed(6)?,
        username: row.parsed(7)?,
        roles: row.list(8)?,
        disabled: json_or_none(9)?,
        locked: json_or_none(10)?,
        account_expires_at: row.time_or_none(11)?,
        accepted_at: row.time_or_none(12)?,
        created_by: row.json(13)?,
        created_at: row.time(14)?,
        updated_at: row.time(15)?,
        version: row.number(16)?,
    })
}
