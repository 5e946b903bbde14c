//! Links that work once.

use claviger_domain::digest::CredentialDigest;
use claviger_domain::link::{Link, LinkKind};
use claviger_domain::{LinkId, OrganizationId, Timestamp, UserId};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::order::{RecordSort, SortKeys};
use crate::page::{Listed, Page};
use crate::sql::{json, sql};
use crate::write::Tx;
use crate::{Error, Result, Store};

/// How many links a transaction of the sweep deletes at most.
const SWEPT_MAX: i64 = 10_000;

const SELECT: &str =
    "SELECT id, kind, organization_id, user_id, digest, email, created_by, created_at, expires_at FROM links";

/// Writes a link; the one of its kind that its person had there ends.
pub async fn put(tx: &mut Tx, link: &Link) -> Result<()> {
    end(tx, link.kind, link.organization, link.user).await?;
    let statement =
        sql("INSERT INTO links (id, kind, organization_id, user_id, digest, email, created_by, created_at, \
         expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    let statement = statement.bind(link.id).bind(link.kind.as_str()).bind(text(link.organization)).bind(link.user);
    let statement = statement
        .bind(&link.digest.as_bytes()[..])
        .bind(link.email.as_ref().map(claviger_domain::email::Email::as_str));
    let statement = statement.bind(json(&link.created_by)).bind(link.created_at).bind(link.expires_at);
    tx.execute(statement).await?;
    Ok(())
}

/// The link with this token, whatever has become of its time.
pub async fn by_digest(conn: &mut Conn, kind: LinkKind, digest: &CredentialDigest) -> Result<Option<Link>> {
    let statement = sql(SELECT).push(" WHERE digest = $1 AND kind = $2");
    conn.row(statement.bind(&digest.as_bytes()[..]).bind(kind.as_str()), read).await
}

/// A link of an organization.
pub async fn get(conn: &mut Conn, organization: OrganizationId, id: LinkId) -> Result<Option<Link>> {
    let statement = sql(SELECT).push(" WHERE id = $1 AND organization_id = $2");
    conn.row(statement.bind(id).bind(organization), read).await
}

/// The link of a kind that a person has there.
pub async fn of_user(
    conn: &mut Conn,
    kind: LinkKind,
    organization: Option<OrganizationId>,
    user: UserId,
) -> Result<Option<Link>> {
    let statement = sql(SELECT).push(" WHERE kind = $1 AND organization_id = $2 AND user_id = $3");
    conn.row(statement.bind(kind.as_str()).bind(text(organization)).bind(user), read).await
}

/// A page of the links of a kind in an organization, the oldest or the newest first. There is at most one a member.
pub async fn page(
    conn: &mut Conn,
    kind: LinkKind,
    organization: OrganizationId,
    ascending: bool,
    page: &Page,
) -> Result<Listed<Link>> {
    let sort = if ascending { RecordSort::Oldest } else { RecordSort::Newest };
    let statement = sql(SELECT)
        .push_bound(" WHERE organization_id = ? AND kind = ?", [organization.to_string(), kind.as_str().to_owned()]);
    let rows = conn.rows(sort.cut(statement, page)?, read).await?;
    Ok(page.cut(rows, |row| {
        sort.cursor(SortKeys {
            slug: String::new(),
            search: String::new(),
            created_at: row.created_at,
            id: row.id.to_string(),
        })
    }))
}

/// Takes a link out: it works no more. False if it was not there: it was used already.
pub async fn take(tx: &mut Tx, id: LinkId) -> Result<bool> {
    Ok(tx.execute(sql("DELETE FROM links WHERE id = $1").bind(id)).await? == 1)
}

/// Ends the link of a kind that a person has, if there is one.
pub async fn end(tx: &mut Tx, kind: LinkKind, organization: Option<OrganizationId>, user: UserId) -> Result<()> {
    let statement = sql("DELETE FROM links WHERE kind = $1 AND organization_id = $2 AND user_id = $3");
    tx.execute(statement.bind(kind.as_str()).bind(text(organization)).bind(user)).await?;
    Ok(())
}

/// Deletes links that ended before `before`; how many.
pub async fn sweep(store: &Store, before: Timestamp) -> Result<u64> {
    let mut writing = store.begin().await?;
    let statement = sql("DELETE FROM links WHERE id IN (SELECT id FROM links WHERE expires_at < $1 LIMIT $2)");
    let swept = writing.conn.execute(statement.bind(before).bind(SWEPT_MAX)).await?;
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(swept)
}

pub(crate) fn text(organization: Option<OrganizationId>) -> String {
    organization.map(|id| id.to_string()).unwrap_or_default()
}

fn read(row: &dyn Fields) -> Result<Link> {
    let kind = match row.text(1)? {
        "invitation" => LinkKind::Invitation,
        "new_address" => LinkKind::NewAddress,
        "password_reset" => LinkKind::PasswordReset,
        other => return Err(Error::Unreadable(format!("a link of the kind {other}"))),
    };
    let digest = row.bytes(4)?.try_into().map_err(|_| Error::Unreadable("a link's digest".to_owned()))?;
    Ok(Link {
        id: row.parsed(0)?,
        kind,
        organization: if row.text(2)?.is_empty() { None } else { Some(row.parsed(2)?) },
        user: row.parsed(3)?,
        digest: CredentialDigest::from_bytes(digest),
        email: if row.text_or_none(5)?.is_some() { Some(row.parsed(5)?) } else { None },
        created_by: row.json(6)?,
        created_at: row.time(7)?,
        expires_at: row.time(8)?,
    })
}
