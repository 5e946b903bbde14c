//! Webhooks: where an organization's events are sent, and how far the audit chains were looked through for them. No node loads them.

use claviger_domain::audit::Chain;
use claviger_domain::webhook::{OldSecret, Webhook};
use claviger_domain::{OrganizationId, Timestamp, WebhookId};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{json, sql};
use crate::write::Tx;
use crate::{Error, Result, Store, Taken};

/// How many chains that have grown are looked up at once.
const BEHIND_MAX: i64 = 1_000;

/// In the place of a secret that there is not.
const NOTHING: &[u8] = &[];

const SELECT: &str = "SELECT id, organization_id, name, url, events, disabled, sealed, old_sealed, old_valid_until, \
                      after_entry, created_by, created_at, updated_at, version FROM webhooks";

/// Adds a webhook.
///
/// # Errors
/// [`Taken::Name`].
pub async fn insert(tx: &mut Tx, webhook: &Webhook) -> Result<()> {
    let statement =
        sql("INSERT INTO webhooks (id, organization_id, name, search, url, events, disabled, sealed, old_sealed, \
         old_valid_until, after_entry, created_by, created_at, updated_at, version) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) ON CONFLICT DO NOTHING");
    let statement = statement.bind(webhook.id).bind(webhook.organization).bind(webhook.name.as_str());
    let statement = statement.bind(webhook.name.search_form()).bind(&webhook.url).bind(json(&webhook.events));
    let statement = statement.bind(webhook.disabled.as_ref().map(json)).bind(&webhook.sealed);
    let statement = statement.bind(old_sealed(webhook));
    let statement = statement.bind(webhook.old.as_ref().map(|old| old.valid_until)).bind(webhook.after_entry);
    let statement = statement.bind(json(&webhook.created_by)).bind(webhook.created_at);
    if tx.execute(statement.bind(webhook.updated_at).bind(webhook.version)).await? == 0 {
        return Err(Taken::Name.into());
    }
    Ok(())
}

/// Writes what can change.
///
/// # Errors
/// [`Taken::Name`], [`Error::NotFound`].
pub async fn update(tx: &mut Tx, webhook: &Webhook) -> Result<()> {
    if by_name(tx, webhook.organization, &webhook.name.search_form()).await?.is_some_and(|id| id != webhook.id) {
        return Err(Taken::Name.into());
    }
    let statement =
        sql("UPDATE webhooks SET name = $1, search = $2, url = $3, events = $4, disabled = $5, sealed = $6, \
         old_sealed = $7, old_valid_until = $8, after_entry = $9, updated_at = $10, version = $11 \
         WHERE id = $12 AND organization_id = $13");
    let statement = statement.bind(webhook.name.as_str()).bind(webhook.name.search_form()).bind(&webhook.url);
    let statement = statement.bind(json(&webhook.events)).bind(webhook.disabled.as_ref().map(json));
    let statement = statement.bind(&webhook.sealed).bind(old_sealed(webhook));
    let statement = statement.bind(webhook.old.as_ref().map(|old| old.valid_until)).bind(webhook.after_entry);
    let statement = statement.bind(webhook.updated_at).bind(webhook.version);
    if tx.execute(statement.bind(webhook.id).bind(webhook.organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    Ok(())
}

/// Deletes a webhook; what is on its way to it goes nowhere.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn delete(tx: &mut Tx, organization: OrganizationId, id: WebhookId) -> Result<()> {
    let statement = sql("DELETE FROM webhooks WHERE id = $1 AND organization_id = $2");
    if tx.execute(statement.bind(id).bind(organization)).await? == 0 {
        return Err(Error::NotFound);
    }
    Ok(())
}

/// The organization's webhook with this id.
pub async fn get(conn: &mut Conn, organization: OrganizationId, id: WebhookId) -> Result<Option<Webhook>> {
    let statement = sql(SELECT).push(" WHERE id = $1 AND organization_id = $2");
    conn.row(statement.bind(id).bind(organization), read).await
}

/// Which webhook of the organization has a name, in the form in which names are compared.
pub async fn by_name(conn: &mut Conn, organization: OrganizationId, search: &str) -> Result<Option<WebhookId>> {
    let statement = sql("SELECT id FROM webhooks WHERE organization_id = $1 AND search = $2");
    conn.row(statement.bind(organization).bind(search), |row| row.parsed(0)).await
}

/// All of an organization's, by name; they are few.
pub async fn list(conn: &mut Conn, organization: OrganizationId) -> Result<Vec<Webhook>> {
    conn.rows(sql(SELECT).push(" WHERE organization_id = $1 ORDER BY search").bind(organization), read).await
}

/// The organizations that have webhooks in service.
pub async fn organizations(conn: &mut Conn) -> Result<Vec<OrganizationId>> {
    let statement =
        sql("SELECT DISTINCT organization_id FROM webhooks WHERE disabled IS NULL ORDER BY organization_id");
    conn.rows(statement, |row| row.parsed(0)).await
}

/// Of these, those whose audit chains have grown since they were looked through.
pub async fn behind(conn: &mut Conn) -> Result<Vec<OrganizationId>> {
    let statement = sql("SELECT h.chain FROM audit_heads h LEFT JOIN webhook_cursors c ON c.chain = h.chain \
                         WHERE h.seq > COALESCE(c.seq, 0) AND h.chain IN \
                         (SELECT organization_id FROM webhooks WHERE disabled IS NULL) ORDER BY h.chain LIMIT $1");
    conn.rows(statement.bind(BEHIND_MAX), |row| row.parsed(0)).await
}

/// How far an organization's chain was looked through.
pub async fn cursor(conn: &mut Conn, organization: OrganizationId) -> Result<i64> {
    let statement = sql("SELECT seq FROM webhook_cursors WHERE chain = $1");
    let chain = Chain::Organization(organization).to_string();
    Ok(conn.row(statement.bind(chain), |row| row.number(0)).await?.unwrap_or_default())
}

/// Notes how far an organization's chain was looked through.
pub async fn advance(tx: &mut Tx, organization: OrganizationId, seq: i64) -> Result<()> {
    let statement = sql("INSERT INTO webhook_cursors (chain, seq) VALUES ($1, $2) \
                         ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq");
    tx.execute(statement.bind(Chain::Organization(organization).to_string()).bind(seq)).await?;
    Ok(())
}

/// Destroys secrets that signed beside newer ones until `now`.
pub async fn forget_old_secrets(store: &Store, now: Timestamp) -> Result<u64> {
    let mut writing = store.begin().await?;
    let statement = sql("UPDATE webhooks SET old_sealed = $2, old_valid_until = NULL WHERE old_valid_until <= $1");
    let forgotten = writing.conn.execute(statement.bind(now).bind(NOTHING)).await?;
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(forgotten)
}

fn old_sealed(webhook: &Webhook) -> &[u8] {
    webhook.old.as_ref().map_or(NOTHING, |old| &old.sealed)
}

fn read(row: &dyn Fields) -> Result<Webhook> {
    let old = match row.time_or_none(8)? {
        Some(valid_until) => Some(OldSecret { sealed: row.bytes(7)?.to_vec(), valid_until }),
        None => None,
    };
    Ok(Webhook {
        id: row.parsed(0)?,
        organization: row.parsed(1)?,
        name: row.parsed(2)?,
        url: row.text(3)?.to_owned(),
        events: row.list(4)?,
        disabled: row.text_or_none(5)?.map(|_| row.json(5)).transpose()?,
        sealed: row.bytes(6)?.to_vec(),
        old,
        after_entry: row.number(9)?,
        created_by: row.json(10)?,
        created_at: row.time(11)?,
        updated_at: row.time(12)?,
        version: row.number(13)?,
    })
}
