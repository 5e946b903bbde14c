//! Answers of creating calls, kept so that a call that is repeated under the same `Idempotency-Key` makes nothing twice.

use claviger_domain::{OrganizationId, Timestamp};

use crate::conn::Conn;
use crate::sql::sql;
use crate::write::Tx;
use crate::{Result, Store};

/// What a creating call was and what it was answered, without any secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The MAC of the request.
    pub fingerprint: Vec<u8>,
    /// The answer, as JSON.
    pub answer: String,
}

/// What was answered under this id, unless that has expired.
pub async fn get(conn: &mut Conn, id: &[u8; 32], now: Timestamp) -> Result<Option<Kept>> {
    let statement = sql("SELECT fingerprint, answer FROM idempotency_keys WHERE id = $1 AND expires_at > $2");
    let read = |row: &dyn crate::fields::Fields| {
        Ok(Kept { fingerprint: row.bytes(0)?.to_vec(), answer: row.text(1)?.to_owned() })
    };
    conn.row(statement.bind(&id[..]).bind(now), read).await
}

/// Keeps an answer in the transaction of what it tells of; `organization` is none for the installation's things.
pub async fn keep(
    tx: &mut Tx,
    organization: Option<OrganizationId>,
    id: &[u8; 32],
    kept: &Kept,
    expires_at: Timestamp,
) -> Result<()> {
    let statement = sql("INSERT INTO idempotency_keys (id, organization_id, fingerprint, answer, expires_at) \
                         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO UPDATE SET \
                         fingerprint = excluded.fingerprint, answer = excluded.answer, expires_at = excluded.expires_at");
    let organization = organization.map(|id| id.to_string()).unwrap_or_default();
    let statement = statement.bind(&id[..]).bind(organization).bind(&kept.fingerprint).bind(&kept.answer);
    tx.execute(statement.bind(expires_at)).await?;
    Ok(())
}

/// Deletes what has expired; how many.
pub async fn sweep(store: &Store, now: Timestamp) -> Result<u64> {
    let mut writing = store.begin().await?;
    let statement = sql("DELETE FROM idempotency_keys WHERE expires_at <= $1").bind(now);
    let swept = writing.conn.execute(statement).await?;
    writing.commit().await.map_err(crate::Error::at_commit)?;
    Ok(swept)
}
