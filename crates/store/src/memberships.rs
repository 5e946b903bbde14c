//! Which people belong to which organizations.

use claviger_domain::{OrganizationId, Timestamp, UserId};

use crate::Result;
use crate::conn::Conn;
use crate::sql::sql;
use crate::write::Tx;

/// Makes a person a member; once is enough.
pub async fn insert(tx: &mut Tx, organization: OrganizationId, user: UserId, at: Timestamp) -> Result<()> {
    let statement = sql("INSERT INTO memberships (organization_id, user_id, created_at) VALUES ($1, $2, $3) \
                         ON CONFLICT DO NOTHING");
    tx.execute(statement.bind(organization).bind(user).bind(at)).await?;
    Ok(())
}

/// Whether a person is a member.
pub async fn contains(conn: &mut Conn, organization: OrganizationId, user: UserId) -> Result<bool> {
    let statement = sql("SELECT COUNT(*) FROM memberships WHERE organization_id = $1 AND user_id = $2");
    Ok(conn.number(statement.bind(organization).bind(user)).await? > 0)
}
