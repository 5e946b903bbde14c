//! Events on their way to webhooks, and what became of each attempt.
//!
//! An event is put in by the transaction that moves the cursor over its cause, once for each webhook. A node that has the time leases
//! what is due; while the lease runs no other node touches it, and a node that dies lets it run out.

use claviger_domain::{OrganizationId, Timestamp, WebhookDeliveryId, WebhookId};
use serde::{Deserialize, Serialize};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::page::{CursorValue, Listed, Page};
use crate::sql::{Sql, sql};
use crate::write::Tx;
use crate::{Error, Result, Store};

/// The most characters that are kept of a reason.
pub const REASON_LENGTH_MAX: usize = 500;
/// The most attempts that are kept of an event: those of its last rounds.
pub const ATTEMPTS_KEPT: i64 = 50;
/// How many rows a transaction of the trimming deletes at most.
const TRIMMED_MAX: i64 = 10_000;

/// An event on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, which its receiver sees: the same at each attempt.
    pub id: WebhookDeliveryId,
    /// Where it goes.
    pub webhook: WebhookId,
    /// The tenant.
    pub organization: OrganizationId,
    /// What it tells of: once for each webhook.
    pub event: String,
    /// Its type.
    pub kind: String,
    /// What is sent.
    pub body: String,
    /// When it was put in.
    pub created_at: Timestamp,
    /// What has become of it.
    pub state: DeliveryState,
    /// When it is tried next, while it waits.
    pub next_at: Timestamp,
    /// How often it was tried, since it was put in or sent again by hand.
    pub tries: i64,
    /// When it came to its end.
    pub ended_at: Option<Timestamp>,
}

/// What has become of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It is tried, again.
    Waiting,
    /// The receiver has it.
    Delivered,
    /// It is not tried any more.
    Failed,
}

/// An attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub milliseconds: i64,
    /// What the receiver answered with; none where there was no answer.
    pub status: Option<u16>,
    /// Why it failed.
    pub reason: Option<String>,
    /// The beginning of the answer.
    pub answer: Option<String>,
}

/// How much is on its way to a webhook, or to all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Events that wait.
    pub waiting: i64,
    /// When the oldest of them was put in.
    pub oldest: Option<Timestamp>,
}

const COLUMNS: &str = "id, webhook_id, organization_id, event, kind, body, created_at, state, next_at, tries, ended_at";

fn select() -> Sql {
    sql("SELECT ").push(COLUMNS).push(" FROM webhook_deliveries")
}

/// Puts an event in, in the transaction of its cause; false if it is there.
pub async fn put(tx: &mut Tx, delivery: &Delivery) -> Result<bool> {
    let statement =
        sql("INSERT INTO webhook_deliveries (id, webhook_id, organization_id, event, kind, body, created_at, state, \
         next_at, tries, lease, leased_until) VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8, 0, '', 0) \
         ON CONFLICT DO NOTHING");
    let statement = statement.bind(delivery.id).bind(delivery.webhook).bind(delivery.organization);
    let statement = statement.bind(&delivery.event).bind(&delivery.kind).bind(&delivery.body);
    Ok(tx.execute(statement.bind(delivery.created_at).bind(delivery.next_at)).await? == 1)
}

/// The event of a webhook with this id.
pub async fn get(conn: &mut Conn, webhook: WebhookId, id: WebhookDeliveryId) -> Result<Option<Delivery>> {
    conn.row(select().push(" WHERE id = $1 AND webhook_id = $2").bind(id).bind(webhook), read).await
}

/// A page of the events of a webhook, the newest first.
pub async fn list(
    conn: &mut Conn,
    webhook: WebhookId,
    state: Option<DeliveryState>,
    page: &Page,
) -> Result<Listed<Delivery>> {
    let mut statement = select().push_bound(" WHERE webhook_id = ?", [webhook]);
    if let Some(state) = state {
        statement = statement.push_bound(" AND state = ?", [word(state)]);
    }
    if let Some((id, _)) = page.after_text()? {
        statement = statement.push_bound(" AND id < ?", [id]);
    }
    let rows = conn.rows(statement.push_bound(" ORDER BY id DESC LIMIT ?", [page.rows_to_read()]), read).await?;
    Ok(page.cut(rows, |row| (CursorValue::Text(row.id.to_string()), row.id.to_string())))
}

/// The attempts of an event, in their order.
pub async fn attempts(conn: &mut Conn, id: WebhookDeliveryId) -> Result<Vec<Attempt>> {
    let statement =
        sql("SELECT at, milliseconds, status, reason, answer FROM webhook_attempts WHERE delivery_id = $1 \
                         ORDER BY number");
    let read = |row: &dyn Fields| {
        Ok(Attempt {
            at: row.time(0)?,
            milliseconds: row.number(1)?,
            status: row.number_or_none(2)?.and_then(|status| status.try_into().ok()),
            reason: row.text_or_none(3)?.map(str::to_owned),
            answer: row.text_or_none(4)?.map(str::to_owned),
        })
    };
    conn.rows(statement.bind(id), read).await
}

/// Leases up to `count` events that are due at `now` for `holder`, until `until`; those that wait longest first, and none of the
/// webhooks that are `busy`.
pub async fn lease(
    store: &Store,
    holder: &str,
    (now, until): (Timestamp, Timestamp),
    count: i64,
    busy: &[WebhookId],
) -> Result<Vec<Delivery>> {
    let due = || {
        let mut statement = select().push_bound(" WHERE state = 'waiting' AND next_at <= ?", [now]);
        statement = statement.push_bound(" AND leased_until <= ?", [now]).push(" AND webhook_id NOT IN (''");
        for webhook in busy {
            statement = statement.push_bound(", ?", [*webhook]);
        }
        statement.push_bound(") ORDER BY next_at, id LIMIT ?", [count])
    };
    // Mostly nothing is due: reading stands in nobody's way.
    if store.read().await?.rows(due(), read).await?.is_empty() {
        return Ok(Vec::new());
    }
    let mut writing = store.begin().await?;
    let mut leased = Vec::new();
    for delivery in writing.conn.rows(due(), read).await? {
        // Another node may have been faster between the two statements.
        let statement = sql("UPDATE webhook_deliveries SET lease = $2, leased_until = $3 \
                             WHERE id = $4 AND state = 'waiting' AND leased_until <= $1 RETURNING ");
        let statement = statement.push(COLUMNS).bind(now).bind(holder).bind(until).bind(delivery.id);
        leased.extend(writing.conn.row(statement, read).await?);
    }
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(leased)
}

/// Gives a lease back without an attempt.
pub async fn release(store: &Store, holder: &str, id: WebhookDeliveryId) -> Result<()> {
    let mut writing = store.begin().await?;
    let statement = sql("UPDATE webhook_deliveries SET lease = '', leased_until = 0 WHERE id = $1 AND lease = $2");
    writing.conn.execute(statement.bind(id).bind(holder)).await?;
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(())
}

/// Notes that the receiver has a leased event. False if the lease ran out meanwhile and is another's.
pub async fn delivered(
    store: &Store,
    holder: &str,
    id: WebhookDeliveryId,
    now: Timestamp,
    attempt: &Attempt,
) -> Result<bool> {
    let mut writing = store.begin().await?;
    let statement =
        sql("UPDATE webhook_deliveries SET state = 'delivered', lease = '', leased_until = 0, ended_at = $3, \
         tries = tries + 1 WHERE id = $1 AND lease = $2 AND state = 'waiting'");
    let noted = writing.conn.execute(statement.bind(id).bind(holder).bind(now)).await? == 1;
    if noted {
        note_attempt(&mut writing.conn, id, attempt).await?;
    }
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(noted)
}

/// Notes that an attempt failed; it is tried again from `next_at` on.
pub async fn postpone(
    store: &Store,
    holder: &str,
    id: WebhookDeliveryId,
    next_at: Timestamp,
    attempt: &Attempt,
) -> Result<bool> {
    let mut writing = store.begin().await?;
    let statement = sql("UPDATE webhook_deliveries SET lease = '', leased_until = 0, next_at = $3, tries = tries + 1 \
                         WHERE id = $1 AND lease = $2 AND state = 'waiting'");
    let noted = writing.conn.execute(statement.bind(id).bind(holder).bind(next_at)).await? == 1;
    if noted {
        note_attempt(&mut writing.conn, id, attempt).await?;
    }
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(noted)
}

/// Ends an event that does not get to its receiver, in the transaction of its audit entry.
pub async fn give_up(
    tx: &mut Tx,
    holder: &str,
    id: WebhookDeliveryId,
    now: Timestamp,
    attempt: &Attempt,
) -> Result<bool> {
    let statement =
        sql("UPDATE webhook_deliveries SET state = 'failed', lease = '', leased_until = 0, ended_at = $3, \
         tries = tries + 1 WHERE id = $1 AND lease = $2 AND state = 'waiting'");
    let noted = tx.execute(statement.bind(id).bind(holder).bind(now)).await? == 1;
    if noted {
        note_attempt(tx, id, attempt).await?;
    }
    Ok(noted)
}

/// Ends all events that wait for a webhook; how many.
pub async fn end_waiting(tx: &mut Tx, webhook: WebhookId, now: Timestamp) -> Result<u64> {
    let statement = sql("UPDATE webhook_deliveries SET state = 'failed', lease = '', leased_until = 0, ended_at = $2 \
                         WHERE webhook_id = $1 AND state = 'waiting'");
    tx.execute(statement.bind(webhook).bind(now)).await
}

/// Has an event sent again, under the same id, as if it were new. What is on its way at this instant is not touched: false.
pub async fn replay(tx: &mut Tx, id: WebhookDeliveryId, now: Timestamp) -> Result<bool> {
    let statement = sql("UPDATE webhook_deliveries SET state = 'waiting', next_at = $2, tries = 0, ended_at = NULL \
                         WHERE id = $1 AND leased_until <= $2");
    Ok(tx.execute(statement.bind(id).bind(now)).await? == 1)
}

/// How much waits for a webhook.
pub async fn depth_of(conn: &mut Conn, webhook: WebhookId) -> Result<Depth> {
    let statement =
        sql("SELECT COUNT(*), MIN(created_at) FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'waiting'");
    Ok(conn.row(statement.bind(webhook), read_depth).await?.unwrap_or_default())
}

/// How much waits altogether.
pub async fn depth(conn: &mut Conn) -> Result<Depth> {
    let statement = sql("SELECT COUNT(*), MIN(created_at) FROM webhook_deliveries WHERE state = 'waiting'");
    Ok(conn.row(statement, read_depth).await?.unwrap_or_default())
}

/// Deletes what ended before `before`; how many.
pub async fn trim(store: &Store, before: Timestamp) -> Result<u64> {
    let mut writing = store.begin().await?;
    let old = "SELECT id FROM webhook_deliveries WHERE ended_at < $1 ORDER BY ended_at, id LIMIT $2";
    let attempts = sql("DELETE FROM webhook_attempts WHERE delivery_id IN (").push(old).push(")");
    writing.conn.execute(attempts.bind(before).bind(TRIMMED_MAX)).await?;
    let deliveries = sql("DELETE FROM webhook_deliveries WHERE id IN (").push(old).push(")");
    let trimmed = writing.conn.execute(deliveries.bind(before).bind(TRIMMED_MAX)).await?;
    writing.commit().await.map_err(Error::at_commit)?;
    Ok(trimmed)
}

async fn note_attempt(conn: &mut Conn, id: WebhookDeliveryId, attempt: &Attempt) -> Result<()> {
    let statement =
        sql("INSERT INTO webhook_attempts (delivery_id, number, at, milliseconds, status, reason, answer) \
         SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6 FROM webhook_attempts WHERE delivery_id = $1");
    let statement = statement.bind(id).bind(attempt.at).bind(attempt.milliseconds).bind(attempt.status.map(i64::from));
    conn.execute(statement.bind(attempt.reason.as_deref().map(cut)).bind(attempt.answer.as_deref().map(cut))).await?;
    let statement = sql("DELETE FROM webhook_attempts WHERE delivery_id = $1 AND number <= \
                         (SELECT MAX(number) FROM webhook_attempts WHERE delivery_id = $1) - $2");
    conn.execute(statement.bind(id).bind(ATTEMPTS_KEPT)).await?;
    Ok(())
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(REASON_LENGTH_MAX).collect()
}

fn read_depth(row: &dyn Fields) -> Result<Depth> {
    Ok(Depth { waiting: row.number(0)?, oldest: row.time_or_none(1)? })
}

fn word(state: DeliveryState) -> String {
    crate::sql::word(&state)
}

fn read(row: &dyn Fields) -> Result<Delivery> {
    Ok(Delivery {
        id: row.parsed(0)?,
        webhook: row.parsed(1)?,
        organization: row.parsed(2)?,
        event: row.text(3)?.to_owned(),
        kind: row.text(4)?.to_owned(),
        body: row.text(5)?.to_owned(),
        created_at: row.time(6)?,
        state: row.word(7)?,
        next_at: row.time(8)?,
        tries: row.number(9)?,
        ended_at: row.time_or_none(10)?,
    })
}
