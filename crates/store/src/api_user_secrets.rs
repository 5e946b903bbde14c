//! What API users prove themselves by: passwords, one-time codes, links; and what they did.

use claviger_domain::api_user::API_USER_EVENTS_MAX;
use claviger_domain::digest::CredentialDigest;
use claviger_domain::foreign_password::{FOREIGN_COSTS_MAX, ForeignCost};
use claviger_domain::password::PasswordHash;
use claviger_domain::totp::Step;
use claviger_domain::{ApiUserId, ApplicationId, RequestId, Timestamp};

use crate::Result;
use crate::api_user_codes;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::page::{CursorValue, Listed, Page};
use crate::sql::sql;
use crate::write::Tx;

/// How many links a transaction deletes at most.
const SWEPT_MAX: i64 = 10_000;

/// What there is to know of a password whose hash another system made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignPassword {
    /// What it costs to compute the hash.
    pub cost: ForeignCost,
    /// The sealed key of the MAC that was hashed in the place of the password.
    pub mac_key: Vec<u8>,
}

/// One-time codes of an API user, which are in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUserTotp {
    /// The sealed secret.
    pub sealed: Vec<u8>,
    /// The step of the code that was used last.
    pub last_step: Step,
    /// Since when they are in force.
    pub confirmed_at: Timestamp,
}

/// Something that an API user did, or somebody at their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The call, by which two at one instant are told apart.
    pub id: RequestId,
    /// When.
    pub at: Timestamp,
    /// What: a word.
    pub status: String,
    /// From where.
    pub ip: Option<String>,
    /// The client, as it called itself.
    pub agent: Option<String>,
    /// The device, as the client called it.
    pub device: Option<String>,
}

// === passwords ===

/// The hash of a user's password; `None`: they have none.
pub async fn password(conn: &mut Conn, user: ApiUserId) -> Result<Option<PasswordHash>> {
    let statement = sql("SELECT hash FROM api_user_passwords WHERE api_user_id = $1");
    conn.row(statement.bind(user), |row| Ok(PasswordHash::new(row.text(0)?.to_owned()))).await
}

/// The same, and nobody changes it until the transaction is over.
pub async fn password_locked(tx: &mut Tx, user: ApiUserId) -> Result<Option<PasswordHash>> {
    let statement = sql("UPDATE api_user_passwords SET changed_at = changed_at WHERE api_user_id = $1");
    tx.execute(statement.bind(user)).await?;
    password(tx, user).await
}

/// Gives a user a password, in the place of the one before.
pub async fn set_password(tx: &mut Tx, user: ApiUserId, hash: &PasswordHash, at: Timestamp) -> Result<()> {
    let statement = sql("INSERT INTO api_user_passwords (api_user_id, hash, changed_at) VALUES ($1, $2, $3) \
         ON CONFLICT (api_user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at");
    tx.execute(statement.bind(user).bind(hash.expose()).bind(at)).await?;
    end_foreign(tx, user).await
}

/// Writes the same password hashed anew, unless it was changed meanwhile.
pub async fn replace_password(tx: &mut Tx, user: ApiUserId, old: &PasswordHash, new: &PasswordHash) -> Result<bool> {
    let statement = sql("UPDATE api_user_passwords SET hash = $1 WHERE api_user_id = $2 AND hash = $3");
    let replaced = tx.execute(statement.bind(new.expose()).bind(user).bind(old.expose())).await? == 1;
    if replaced {
        end_foreign(tx, user).await?;
    }
    Ok(replaced)
}

// === passwords that another system hashed ===

/// Says that the password which was just set is one whose hash another system made.
pub async fn set_foreign(
    tx: &mut Tx,
    user: ApiUserId,
    application: ApplicationId,
    foreign: &ForeignPassword,
) -> Result<()> {
    let statement = sql("INSERT INTO api_user_foreign_passwords (api_user_id, application_id, cost, mac_key) \
         VALUES ($1, $2, $3, $4)");
    let statement = statement.bind(user).bind(application).bind(foreign.cost.to_string());
    tx.execute(statement.bind(&foreign.mac_key)).await?;
    Ok(())
}

/// What is known of a user's hash, if another system made it.
pub async fn foreign(conn: &mut Conn, user: ApiUserId) -> Result<Option<ForeignPassword>> {
    let statement = sql("SELECT cost, mac_key FROM api_user_foreign_passwords WHERE api_user_id = $1");
    let read = |row: &dyn Fields| Ok(ForeignPassword { cost: row.parsed(0)?, mac_key: row.bytes(1)?.to_vec() });
    conn.row(statement.bind(user), read).await
}

/// What such hashes of an application's users cost: each once, [`FOREIGN_COSTS_MAX`] at most.
pub async fn foreign_costs(conn: &mut Conn, application: ApplicationId) -> Result<Vec<ForeignCost>> {
    let mut costs: Vec<ForeignCost> = Vec::new();
    while costs.len() < FOREIGN_COSTS_MAX {
        // The next one by the index, however many users have the one before.
        let last = costs.last().map(ToString::to_string).unwrap_or_default();
        let statement = sql("SELECT cost FROM api_user_foreign_passwords WHERE application_id = $1 AND cost > $2 \
             ORDER BY cost LIMIT 1");
        match conn.row(statement.bind(application).bind(last), |row| row.parsed(0)).await? {
            Some(cost) => costs.push(cost),
            None => break,
        }
    }
    Ok(costs)
}

async fn end_foreign(tx: &mut Tx, user: ApiUserId) -> Result<()> {
    tx.execute(sql("DELETE FROM api_user_foreign_passwords WHERE api_user_id = $1").bind(user)).await?;
    Ok(())
}

// === one-time codes ===

/// The one-time codes of a user; `None`: they have none.
pub async fn totp(conn: &mut Conn, user: ApiUserId) -> Result<Option<ApiUserTotp>> {
    let statement = sql("SELECT sealed, last_step, confirmed_at FROM api_user_totp WHERE api_user_id = $1");
    let read = |row: &dyn Fields| {
        Ok(ApiUserTotp {
            sealed: row.bytes(0)?.to_vec(),
            last_step: Step::new(row.number(1)?),
            confirmed_at: row.time(2)?,
        })
    };
    conn.row(statement.bind(user), read).await
}

/// Puts one-time codes in force; false where there are some.
pub async fn put_totp(tx: &mut Tx, user: ApiUserId, totp: &ApiUserTotp) -> Result<bool> {
    let statement = sql("INSERT INTO api_user_totp (api_user_id, sealed, last_step, confirmed_at) \
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
    let statement = statement.bind(user).bind(&totp.sealed).bind(totp.last_step.number());
    Ok(tx.execute(statement.bind(totp.confirmed_at)).await? == 1)
}

/// Takes the code of `step`: it counts no more, and none before it. False where it was taken already, or another secret is in
/// force.
pub async fn take_step(tx: &mut Tx, user: ApiUserId, sealed: &Vec<u8>, step: Step) -> Result<bool> {
    let statement =
        sql("UPDATE api_user_totp SET last_step = $1 WHERE api_user_id = $2 AND last_step < $3 AND sealed = $4");
    let statement = statement.bind(step.number()).bind(user).bind(step.number()).bind(sealed);
    Ok(tx.execute(statement).await? == 1)
}

/// Ends the one-time codes of a user and its recovery codes; whether there were one-time codes.
pub async fn remove_totp(tx: &mut Tx, user: ApiUserId) -> Result<bool> {
    api_user_codes::remove(tx, user).await?;
    let statement = sql("DELETE FROM api_user_totp WHERE api_user_id = $1");
    Ok(tx.execute(statement.bind(user)).await? == 1)
}

// === links ===

/// Writes a link by which a password is set; the one before ends.
pub async fn put_link(tx: &mut Tx, user: ApiUserId, digest: &CredentialDigest, until: Timestamp) -> Result<()> {
    let statement = sql("INSERT INTO api_user_links (api_user_id, digest, expires_at) VALUES ($1, $2, $3) \
         ON CONFLICT (api_user_id) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at");
    tx.execute(statement.bind(user).bind(&digest.as_bytes()[..]).bind(until)).await?;
    Ok(())
}

/// Whose link this is, while it works.
pub async fn user_of_link(conn: &mut Conn, digest: &CredentialDigest, now: Timestamp) -> Result<Option<ApiUserId>> {
    let statement = sql("SELECT api_user_id FROM api_user_links WHERE digest = $1 AND expires_at > $2");
    conn.row(statement.bind(&digest.as_bytes()[..]).bind(now), |row| row.parsed(0)).await
}

/// Takes a link: it works no more; false where it did not.
pub async fn take_link(tx: &mut Tx, digest: &CredentialDigest) -> Result<bool> {
    Ok(tx.execute(sql("DELETE FROM api_user_links WHERE digest = $1").bind(&digest.as_bytes()[..])).await? == 1)
}

/// Ends the link of a user, if there is one.
pub async fn end_link(tx: &mut Tx, user: ApiUserId) -> Result<()> {
    tx.execute(sql("DELETE FROM api_user_links WHERE api_user_id = $1").bind(user)).await?;
    Ok(())
}

/// Deletes links that ended before `before`.
pub async fn sweep_links(tx: &mut Tx, before: Timestamp) -> Result<()> {
    let statement = sql("DELETE FROM api_user_links WHERE api_user_id IN \
                         (SELECT api_user_id FROM api_user_links WHERE expires_at < $1 LIMIT $2)");
    tx.execute(statement.bind(before).bind(SWEPT_MAX)).await?;
    Ok(())
}

// === history ===

/// Writes down what a user did; the oldest entries beyond [`API_USER_EVENTS_MAX`] go.
pub async fn note(tx: &mut Tx, user: ApiUserId, event: &Event) -> Result<()> {
    let statement = sql("INSERT INTO api_user_events (api_user_id, at, id, status, ip, agent, device) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING");
    let statement = statement.bind(user).bind(event.at).bind(event.id).bind(event.status.as_str());
    let statement = statement.bind(event.ip.as_deref()).bind(event.agent.as_deref()).bind(event.device.as_deref());
    tx.execute(statement).await?;
    let oldest =
        sql("SELECT at FROM api_user_events WHERE api_user_id = $1 ORDER BY at DESC, id DESC LIMIT 1 OFFSET $2");
    let oldest = tx.row(oldest.bind(user).bind(API_USER_EVENTS_MAX), |row| row.time(0)).await?;
    if let Some(oldest) = oldest {
        tx.execute(sql("DELETE FROM api_user_events WHERE api_user_id = $1 AND at <= $2").bind(user).bind(oldest))
            .await?;
    }
    Ok(())
}

/// A page of what a user did, the newest first.
pub async fn events(conn: &mut Conn, user: ApiUserId, page: &Page) -> Result<Listed<Event>> {
    let mut statement = sql("SELECT id, at, status, ip, agent, device FROM api_user_events")
        .push_bound(" WHERE api_user_id = ?", [user]);
    if let Some((at, id)) = page.after_number()? {
        statement = statement.push_bound(" AND (at, id) < (?", [at]).push_bound(", ?)", [id]);
    }
    let statement = statement.push_bound(" ORDER BY at DESC, id DESC LIMIT ?", [page.rows_to_read()]);
    let rows = conn.rows(statement, read_event).await?;
    Ok(page.cut(rows, |row| (CursorValue::Number(row.at.as_micros()), row.id.to_string())))
}

/// Some of what a user did, the newest first, from the one at `offset` on.
pub async fn events_at(conn: &mut Conn, user: ApiUserId, offset: i64, limit: i64) -> Result<Vec<Event>> {
    let statement = sql("SELECT id, at, status, ip, agent, device FROM api_user_events WHERE api_user_id = $1 \
                         ORDER BY at DESC, id DESC LIMIT $2 OFFSET $3");
    conn.rows(statement.bind(user).bind(limit).bind(offset), read_event).await
}

fn read_event(row: &dyn Fields) -> Result<Event> {
    Ok(Event {
        id: row.parsed(0)?,
        at: row.time(1)?,
        status: row.text(2)?.to_owned(),
        ip: row.text_or_none(3)?.map(str::to_owned),
        agent: row.text_or_none(4)?.map(str::to_owned),
        device: row.text_or_none(5)?.map(str::to_owned),
    })
}
