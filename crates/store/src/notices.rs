//! Notices: which go to whom, what was told, and how far the audit chains were looked through for it. No node loads them.

use claviger_domain::audit::Chain;
use claviger_domain::notice::{NoticeKind, NoticeSettings};
use claviger_domain::{MailId, OrganizationId, Timestamp, WebhookId};

use crate::Result;
use crate::conn::Conn;
use crate::sql::{json, sql};
use crate::store::Store;
use crate::write::Tx;
use crate::{Error, audit};

/// How many chains that have grown are looked up at once.
const BEHIND_MAX: i64 = 1_000;
/// How many rows a transaction of the trimming deletes at most.
const TRIMMED_MAX: i64 = 10_000;

/// What is told: one threshold of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The tenant.
    pub organization: OrganizationId,
    /// What it is about.
    pub object: String,
    /// What of it.
    pub kind: NoticeKind,
    /// Which of its thresholds: of an end the day and the instant, of an event its number in the chain.
    pub threshold: String,
    /// When.
    pub at: Timestamp,
}

/// Which notices go to whom; the defaults where nobody has changed it.
pub async fn settings(conn: &mut Conn, organization: OrganizationId) -> Result<NoticeSettings> {
    let statement = sql("SELECT record FROM notice_settings WHERE organization_id = $1").bind(organization);
    Ok(conn.row(statement, |row| row.json(0)).await?.unwrap_or_default())
}

/// Writes which notices go to whom.
pub async fn save_settings(tx: &mut Tx, organization: OrganizationId, settings: &NoticeSettings) -> Result<()> {
    let statement = sql("INSERT INTO notice_settings (organization_id, record) VALUES ($1, $2) \
                         ON CONFLICT (organization_id) DO UPDATE SET record = excluded.record");
    tx.execute(statement.bind(organization).bind(json(settings))).await?;
    Ok(())
}

/// Notes that a threshold is dealt with; false if it was before.
pub async fn begin(tx: &mut Tx, told: &Told) -> Result<bool> {
    note(tx, told, "", None).await
}

/// Notes that a recipient is told by a mail; false if they were before.
pub async fn note_recipient(tx: &mut Tx, told: &Told, recipient: &str, mail: MailId) -> Result<bool> {
    note(tx, told, recipient, Some(mail)).await
}

async fn note(tx: &mut Tx, told: &Told, recipient: &str, mail: Option<MailId>) -> Result<bool> {
    let statement = sql("INSERT INTO notices (object_id, kind, threshold, recipient, organization_id, at, mail_id) \
                         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING");
    let statement = statement.bind(&told.object).bind(told.kind.as_str()).bind(&told.threshold).bind(recipient);
    let statement = statement.bind(told.organization).bind(told.at).bind(mail.map(|mail| mail.to_string()));
    Ok(tx.execute(statement).await? == 1)
}

/// Notes that a webhook is told; false if it was before.
pub async fn note_webhook(tx: &mut Tx, told: &Told, webhook: WebhookId) -> Result<bool> {
    note(tx, told, &webhook.to_string(), None).await
}

/// Those of these thresholds that one of the recipients was not told of; an empty one stands for whoever dealt with it.
pub async fn untold(conn: &mut Conn, all: Vec<Told>, recipients: &[String]) -> Result<Vec<Told>> {
    let mut left = Vec::new();
    for told in all {
        let statement = sql("SELECT COUNT(*) FROM notices WHERE object_id = $1 AND kind = $2 AND threshold = $3");
        let statement = statement.bind(&told.object).bind(told.kind.as_str()).bind(&told.threshold);
        let mut statement = statement.push(" AND recipient IN (NULL");
        for recipient in recipients {
            statement = statement.push_bound(", ?", [recipient]);
        }
        if conn.number(statement.push(")")).await? < recipients.len() as i64 {
            left.push(told);
        }
    }
    Ok(left)
}

/// The organizations whose audit chains have grown since they were looked through.
pub async fn behind(conn: &mut Conn) -> Result<Vec<OrganizationId>> {
    let statement = sql("SELECT h.chain FROM audit_heads h LEFT JOIN notice_cursors c ON c.chain = h.chain \
                         WHERE h.seq > COALESCE(c.seq, 0) AND h.chain <> $1 ORDER BY h.chain LIMIT $2");
    conn.rows(statement.bind(Chain::Installation.to_string()).bind(BEHIND_MAX), |row| row.parsed(0)).await
}

/// How far an organization's chain was looked through.
pub async fn cursor(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    let statement = sql("SELECT seq FROM notice_cursors WHERE chain = $1");
    let chain = Chain::Organization(organization).to_string();
    Ok(conn.row(statement.bind(chain), |row| row.number(0)).await?.unwrap_or_default())
}

/// Notes how far an organization's chain was looked through.
pub async fn advance(tx: &mut Tx, organization: OrganizationId, seq: i64) -> Result<()> {
    let statement = sql("INSERT INTO notice_cursors (chain, seq) VALUES ($1, $2) \
                         ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq");
    tx.execute(statement.bind(Chain::Organization(organization).to_string()).bind(seq)).await?;
    Ok(())
}

/// The entries of an organization's chain with these actions, in order, from behind `after` up to `last`.
pub async fn entries(
    conn: &mut Conn,
    organization: OrganizationId,
    (after, last): (i64, i64),
    actions: &[&str],
) -> Result<Vec<audit::Stored>> {
    let statement = sql("SELECT seq, mac, entry FROM audit_entries WHERE chain = $1 AND seq > $2 AND seq <= $3");
    let mut statement = statement.bind(Chain::Organization(organization).to_string()).bind(after).bind(last);
    statement = statement.push(" AND action IN (''");
    for action in actions {
        statement = statement.push_bound(", ?", [*action]);
    }
    conn.rows(statement.push(") ORDER BY seq"), audit::read_stored).await
}

/// Deletes what was told before `before`; how many.
pub async fn trim(store: &Store, before: Timestamp) -> Result<u64> {
    let mut writing = store.begin().await?;
    let statement = sql("DELETE FROM notices WHERE at < $1 AND (object_id, kind, threshold, recipient) IN \
                         (SELECT object_id, kind, threshold, recipient FROM notices WHERE at < $1 LIMIT $2)");
    let trimmed = writing.conn.execute(statement.bind(before).bind(TRIMMED_MAX)).await?;
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(trimmed)
}
