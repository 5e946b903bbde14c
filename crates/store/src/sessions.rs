//! Sessions of people. They are read from the database at each request, so every node knows at once of each that ends.

use claviger_domain::digest::CredentialDigest;
use claviger_domain::session::Session;
use claviger_domain::{OrganizationId, SessionId, Timestamp, UserId};

use crate::Result;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::sql;
use crate::write::Tx;

const SELECT: &str = "SELECT id, user_id, organization_id, created_at, seen_at, proved_at, ip, agent FROM sessions";

/// Begins a session under the digest of its token.
pub async fn insert(tx: &mut Tx, session: &Session, digest: &CredentialDigest) -> Result<()> {
    let statement =
        sql("INSERT INTO sessions (id, digest, user_id, organization_id, created_at, seen_at, proved_at, ip, \
                         agent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    let statement = statement.bind(session.id).bind(&digest.as_bytes()[..]).bind(session.user);
    let statement = statement.bind(session.organization).bind(session.created_at).bind(session.seen_at);
    let statement = statement.bind(session.proved_at).bind(session.ip.as_deref()).bind(session.agent.as_deref());
    tx.execute(statement).await?;
    Ok(())
}

/// The session whose token has this digest.
pub async fn by_digest(conn: &mut Conn, digest: &CredentialDigest) -> Result<Option<Session>> {
    conn.row(sql(SELECT).push(" WHERE digest = $1").bind(&digest.as_bytes()[..]), read).await
}

/// The session of this id, if its token still has this digest.
pub async fn get(conn: &mut Conn, id: SessionId, digest: &CredentialDigest) -> Result<Option<Session>> {
    let statement = sql(SELECT).push(" WHERE id = $1 AND digest = $2");
    conn.row(statement.bind(id).bind(&digest.as_bytes()[..]), read).await
}

/// The sessions of a person, the one that was seen last first.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Session>> {
    conn.rows(sql(SELECT).push(" WHERE user_id = $1 ORDER BY seen_at DESC, id DESC").bind(user), read).await
}

/// Notes a request.
pub async fn note(tx: &mut Tx, id: SessionId, at: Timestamp, ip: Option<&str>) -> Result<()> {
    let statement = sql("UPDATE sessions SET seen_at = $1, ip = $2 WHERE id = $3 AND seen_at < $4");
    tx.execute(statement.bind(at).bind(ip).bind(id).bind(at)).await?;
    Ok(())
}

/// Gives a session another token, as its person has proved who they are; false where the old token was replaced meanwhile.
pub async fn prove(
    tx: &mut Tx,
    id: SessionId,
    old: &CredentialDigest,
    new: &CredentialDigest,
    at: Timestamp,
) -> Result<bool> {
    let statement = sql("UPDATE sessions SET digest = $1, proved_at = $2 WHERE id = $3 AND digest = $4");
    let statement = statement.bind(&new.as_bytes()[..]).bind(at).bind(id).bind(&old.as_bytes()[..]);
    Ok(tx.execute(statement).await? == 1)
}

/// Lets a session mean another organization's things.
pub async fn switch(tx: &mut Tx, id: SessionId, organization: OrganizationId) -> Result<()> {
    let statement = sql("UPDATE sessions SET organization_id = $1 WHERE id = $2");
    tx.execute(statement.bind(organization).bind(id)).await?;
    Ok(())
}

/// Ends a session of a person; whether there was one.
pub async fn end(tx: &mut Tx, user: UserId, id: SessionId) -> Result<bool> {
    let statement = sql("DELETE FROM sessions WHERE id = $1 AND user_id = $2");
    Ok(tx.execute(statement.bind(id).bind(user)).await? == 1)
}

/// Ends all sessions of a person but this one; how many there were.
pub async fn end_others(tx: &mut Tx, user: UserId, kept: Option<SessionId>) -> Result<u64> {
    let kept = kept.map(|id| id.to_string()).unwrap_or_default();
    tx.execute(sql("DELETE FROM sessions WHERE user_id = $1 AND id <> $2").bind(user).bind(kept.as_str())).await
}

fn read(row: &dyn Fields) -> Result<Session> {
    Ok(Session {
        id: row.parsed(0)?,
        user: row.parsed(1)?,
        organization: row.parsed(2)?,
        created_at: row.time(3)?,
        seen_at: row.time(4)?,
        proved_at: row.time(5)?,
        ip: row.text_or_none(6)?.map(str::to_owned),
        agent: row.text_or_none(7)?.map(str::to_owned),
    })
}
