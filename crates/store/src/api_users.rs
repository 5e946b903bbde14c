//! Who signs in under an application.

use claviger_domain::api_user::{ApiUser, PermissionType};
use claviger_domain::change::ObjectRef;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::name::search_form;
use claviger_domain::{ApiUserId, ApplicationId, ApplicationTypeId, OrganizationId, Timestamp};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::order::{RecordSort, SortKeys};
use crate::page::{Listed, Page};
use crate::sql::{Sql, containing, json, sql};
use crate::write::Tx;
use crate::{Error, Result, Taken};

/// All of them; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, organization_id, application_id, user_name, disabled, permission_type, contact, \
     profile_user_id, profile_external, sign_in_method, language, static_token, created_by, created_at, updated_at, version \
     FROM api_users";

/// Which API users of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApiUserFilter {
    /// Those of this application.
    pub application: Option<ApplicationId>,
    /// Those of applications of this type.
    pub kind: Option<ApplicationTypeId>,
    /// Those that are active, or those that are not.
    pub active: Option<bool>,
    /// Those that have this in their user name or contact, whatever its case.
    pub text: Option<String>,
    /// In which order; there is no slug, and the name stands in its place.
    pub sort: RecordSort,
}

/// When a user last came and went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Visits {
    /// Signed in.
    pub signed_in_at: Option<Timestamp>,
    /// Signed out.
    pub signed_out_at: Option<Timestamp>,
}

/// Adds a user.
///
/// # Errors
/// [`Taken::Name`].
pub async fn insert(tx: &mut Tx, user: &ApiUser) -> Result<()> {
    let statement = sql("INSERT INTO api_users (user_name, name_search, search, disabled, permission_type, contact, \
         profile_user_id, profile_external, sign_in_method, language, static_token, updated_at, version, id, \
         organization_id, application_id, created_by, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18) \
         ON CONFLICT DO NOTHING");
    let statement = bind(statement, user).bind(user.id).bind(user.organization).bind(user.application);
    if tx.execute(statement.bind(json(&user.created_by)).bind(user.created_at)).await? == 0 {
        return Err(Taken::Name.into());
    }
    tx.note(user.organization, ObjectRef::ApiUser(user.id));
    Ok(())
}

/// Writes what can change.
///
/// # Errors
/// [`Taken::Name`], [`Error::NotFound`].
pub async fn update(tx: &mut Tx, user: &ApiUser) -> Result<()> {
    let named = by_name(tx, user.application, &user.user_name.search_form()).await?;
    if named.is_some_and(|other| other.id != user.id) {
        return Err(Taken::Name.into());
    }
    let statement = sql("UPDATE api_users SET user_name = $1, name_search = $2, search = $3, disabled = $4, \
         permission_type = $5, contact = $6, profile_user_id = $7, profile_external = $8, sign_in_method = $9, \
         language = $10, static_token = $11, updated_at = $12, version = $13 WHERE id = $14 AND organization_id = $15");
    if tx.execute(bind(statement, user).bind(user.id).bind(user.organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    tx.note(user.organization, ObjectRef::ApiUser(user.id));
    Ok(())
}

/// Deletes a user with all that is theirs but their sessions, which have to be ended before.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn delete(tx: &mut Tx, organization: OrganizationId, id: ApiUserId) -> Result<()> {
    for statement in [
        "DELETE FROM api_user_foreign_passwords WHERE api_user_id = $1",
        "DELETE FROM api_user_passwords WHERE api_user_id = $1",
        "DELETE FROM api_user_totp WHERE api_user_id = $1",
        "DELETE FROM api_user_recovery_codes WHERE api_user_id = $1",
        "DELETE FROM api_user_links WHERE api_user_id = $1",
        "DELETE FROM api_user_events WHERE api_user_id = $1",
    ] {
        tx.execute(sql(statement).bind(id)).await?;
    }
    let statement = sql("DELETE FROM api_users WHERE id = $1 AND organization_id = $2");
    if tx.execute(statement.bind(id).bind(organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    tx.note(organization, ObjectRef::ApiUser(id));
    Ok(())
}

/// The organization's user with this id.
pub async fn get(conn: &mut Conn, organization: OrganizationId, id: ApiUserId) -> Result<Option<ApiUser>> {
    Ok(find(conn, id).await?.filter(|user| user.organization == organization))
}

/// The user with this id, whichever organization's.
pub async fn find(conn: &mut Conn, id: ApiUserId) -> Result<Option<ApiUser>> {
    conn.row(sql(SELECT).push(" WHERE id = $1").bind(id), read).await
}

/// The user of an application that has this name; `name_search` as `Name` makes it.
pub async fn by_name(conn: &mut Conn, application: ApplicationId, name_search: &str) -> Result<Option<ApiUser>> {
    let statement = sql(SELECT).push(" WHERE application_id = $1 AND name_search = $2");
    conn.row(statement.bind(application).bind(name_search), read).await
}

/// Whose this static token is, whichever organization's.
pub async fn by_static_token(conn: &mut Conn, digest: &CredentialDigest) -> Result<Option<ApiUser>> {
    conn.row(sql(SELECT).push(" WHERE static_token = $1").bind(json(digest)), read).await
}

/// A page of the organization's API users.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &ApiUserFilter,
    page: &Page,
) -> Result<Listed<ApiUser>> {
    let mut statement = sql(SELECT).push_bound(" WHERE organization_id = ?", [organization]);
    if let Some(application) = filter.application {
        statement = statement.push_bound(" AND application_id = ?", [application]);
    }
    if let Some(kind) = filter.kind {
        let of_kind = " AND application_id IN (SELECT a.id FROM applications a WHERE a.type_id = ?)";
        statement = statement.push_bound(of_kind, [kind]);
    }
    match filter.active {
        Some(true) => statement = statement.push(" AND disabled IS NULL"),
        Some(false) => statement = statement.push(" AND disabled IS NOT NULL"),
        None => {}
    }
    if let Some(text) = &filter.text {
        statement = statement.push_bound(" AND search LIKE ? ESCAPE '!'", [containing(&search_form(text))]);
    }
    // There is no slug: by name it is.
    let sort = match filter.sort {
        RecordSort::Slug => RecordSort::Name,
        RecordSort::SlugDescending => RecordSort::NameDescending,
        sort => sort,
    };
    let rows = conn.rows(sort.cut(statement, page)?, read).await?;
    Ok(page.cut(rows, |row| {
        sort.cursor(SortKeys {
            slug: String::new(),
            search: search(row),
            created_at: row.created_at,
            id: row.id.to_string(),
        })
    }))
}

/// How many users an application has.
pub async fn count_of_application(conn: &mut Conn, application: ApplicationId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM api_users WHERE application_id = $1").bind(application)).await
}

/// Some of an application's users, `most` of them.
pub async fn some_of_application(conn: &mut Conn, application: ApplicationId, most: i64) -> Result<Vec<ApiUser>> {
    let statement = sql(SELECT).push(" WHERE application_id = $1 ORDER BY id LIMIT $2");
    conn.rows(statement.bind(application).bind(most), read).await
}

// === what is no part of the record ===

/// When a user last came and went.
pub async fn visits(conn: &mut Conn, id: ApiUserId) -> Result<Visits> {
    let statement = sql("SELECT last_sign_in_at, last_sign_out_at FROM api_users WHERE id = $1").bind(id);
    let read =
        |row: &dyn Fields| Ok(Visits { signed_in_at: row.time_or_none(0)?, signed_out_at: row.time_or_none(1)? });
    Ok(conn.row(statement, read).await?.unwrap_or_default())
}

/// Notes that a user signed in.
pub async fn note_sign_in(tx: &mut Tx, id: ApiUserId, at: Timestamp) -> Result<()> {
    tx.execute(sql("UPDATE api_users SET last_sign_in_at = $1 WHERE id = $2").bind(at).bind(id)).await?;
    Ok(())
}

/// Notes that a user signed out.
pub async fn note_sign_out(tx: &mut Tx, id: ApiUserId, at: Timestamp) -> Result<()> {
    tx.execute(sql("UPDATE api_users SET last_sign_out_at = $1 WHERE id = $2").bind(at).bind(id)).await?;
    Ok(())
}

/// From when on wrong passwords at a user's name count; `None`: all do.
pub async fn unlocked_at(conn: &mut Conn, id: ApiUserId) -> Result<Option<Timestamp>> {
    let statement = sql("SELECT unlocked_at FROM api_users WHERE id = $1").bind(id);
    Ok(conn.row(statement, |row| row.time_or_none(0)).await?.flatten())
}

/// Forgets the wrong passwords that were entered at a user's name until now.
pub async fn unlock(tx: &mut Tx, id: ApiUserId, at: Timestamp) -> Result<()> {
    tx.execute(sql("UPDATE api_users SET unlocked_at = $1 WHERE id = $2").bind(at).bind(id)).await?;
    Ok(())
}

/// What a user's client keeps here: the JSON text of an object.
pub async fn preferences(conn: &mut Conn, id: ApiUserId) -> Result<Option<String>> {
    let statement = sql("SELECT preferences FROM api_users WHERE id = $1").bind(id);
    Ok(conn.row(statement, |row| Ok(row.text_or_none(0)?.map(str::to_owned))).await?.flatten())
}

/// Keeps this JSON text for a user's client.
pub async fn set_preferences(tx: &mut Tx, id: ApiUserId, preferences: &str) -> Result<()> {
    tx.execute(sql("UPDATE api_users SET preferences = $1 WHERE id = $2").bind(preferences).bind(id)).await?;
    Ok(())
}

fn search(user: &ApiUser) -> String {
    let contact = user.contact.as_ref().map(|contact| format!("{}\n{}", contact.id, contact.email.as_str()));
    search_form(&format!("{}\n{}", user.user_name, contact.unwrap_or_default()))
}

fn bind(statement: Sql, user: &ApiUser) -> Sql {
    let statement = statement.bind(user.user_name.as_str()).bind(user.user_name.search_form()).bind(search(user));
    let statement = statement.bind(user.disabled.as_ref().map(json)).bind(i64::from(user.permission_type.number()));
    let statement = statement.bind(user.contact.as_ref().map(json)).bind(user.profile_user);
    let statement = statement.bind(user.profile_external.as_deref()).bind(user.sign_in_method.as_str());
    let statement = statement.bind(user.language.as_str()).bind(user.static_token.as_ref().map(json));
    statement.bind(user.updated_at).bind(user.version)
}

pub(crate) fn read(row: &dyn Fields) -> Result<ApiUser> {
    let kind = PermissionType::try_from(row.number(5)?).map_err(|error| row.unreadable(5, error))?;
    let static_token: Option<CredentialDigest> = row.text_or_none(11)?.map(|_| row.json(11)).transpose()?;
    Ok(ApiUser {
        id: row.parsed(0)?,
        organization: row.parsed(1)?,
        application: row.parsed(2)?,
        user_name: row.parsed(3)?,
        disabled: row.text_or_none(4)?.map(|_| row.json(4)).transpose()?,
        permission_type: kind,
        contact: row.text_or_none(6)?.map(|_| row.json(6)).transpose()?,
        profile_user: row.parsed(7)?,
        profile_external: row.text_or_none(8)?.map(str::to_owned),
        sign_in_method: row.word(9)?,
        language: row.text(10)?.to_owned(),
        static_token,
        created_by: row.json(12)?,
        created_at: row.time(13)?,
        updated_at: row.time(14)?,
        version: row.number(15)?,
    })
}
