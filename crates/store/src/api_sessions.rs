//! Sessions of API users. Doors decide about them from memory, so each that begins, is used or ends is in the change feed.

use std::time::Duration;

use claviger_domain::api_user::ApiSession;
use claviger_domain::change::ObjectRef;
use claviger_domain::usage::SessionUse;
use claviger_domain::{ApiSessionId, ApiUserId, ApplicationId, KeyId, OrganizationId, Timestamp, UserId};

use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{Sql, sql};
use crate::write::{Scope, Tx};
use crate::{Error, Result, Store, api_user_secrets};

/// All of them; the replica's load reads it with the native driver.
pub(crate) const SELECT: &str = "SELECT id, digest, organization_id, application_id, api_user_id, key_id, created_at, \
     expires_at, idle_seconds, used_at, enrolment_only, ip, agent, language, params FROM api_sessions";

/// How many uses a transaction notes at most.
const USES_AT_ONCE_MAX: usize = 500;
/// How many sessions a transaction ends at most.
const ENDED_AT_ONCE_MAX: i64 = 1_000;

/// What is known of a session beside what doors know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Particulars {
    /// The address of the sign-in.
    pub ip: Option<String>,
    /// The client, as it called itself.
    pub agent: Option<String>,
    /// BCP 47 tag.
    pub language: String,
    /// What the client said at the sign-in: the JSON text of an object.
    pub params: String,
}

/// A secret of one-time codes that was shown in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTotp {
    /// The sealed secret.
    pub sealed: Vec<u8>,
    /// Until when it can be confirmed.
    pub until: Timestamp,
}

/// Begins a session.
pub async fn insert(tx: &mut Tx, session: &ApiSession, particulars: &Particulars) -> Result<()> {
    let statement = sql("INSERT INTO api_sessions (id, digest, organization_id, application_id, api_user_id, key_id, \
         created_at, expires_at, idle_seconds, used_at, enrolment_only, ip, agent, language, params, new_totp, \
         new_totp_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0)");
    let statement = statement.bind(session.id).bind(&session.digest.as_bytes()[..]).bind(session.organization);
    let statement = statement.bind(session.application).bind(session.user).bind(session.key);
    let statement = statement.bind(session.created_at).bind(session.expires_at);
    let statement = statement.bind(i64::try_from(session.idle.as_secs()).unwrap_or(i64::MAX)).bind(session.used_at);
    let statement = statement.bind(session.enrolment_only).bind(particulars.ip.as_deref());
    let statement = statement.bind(particulars.agent.as_deref()).bind(particulars.language.as_str());
    tx.execute(statement.bind(particulars.params.as_str()).bind(&[][..])).await?;
    tx.note(session.organization, ObjectRef::ApiSession(session.id));
    Ok(())
}

/// The session with this id.
pub async fn find(conn: &mut Conn, id: ApiSessionId) -> Result<Option<ApiSession>> {
    conn.row(sql(SELECT).push(" WHERE id = $1").bind(id), read).await
}

/// The sessions of a user with what is known of them, the one that was used last first.
pub async fn of_user(conn: &mut Conn, user: ApiUserId) -> Result<Vec<(ApiSession, Particulars)>> {
    let statement = sql(SELECT).push(" WHERE api_user_id = $1 ORDER BY used_at DESC, id DESC");
    conn.rows(statement.bind(user), |row| Ok((read(row)?, particulars(row)?))).await
}

/// What is known of a session.
pub async fn particulars_of(conn: &mut Conn, id: ApiSessionId) -> Result<Option<Particulars>> {
    conn.row(sql(SELECT).push(" WHERE id = $1").bind(id), particulars).await
}

/// How many sessions an application's users have, those counted that are over and not swept yet.
pub async fn count_of_application(conn: &mut Conn, application: ApplicationId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM api_sessions WHERE application_id = $1").bind(application)).await
}

/// How many sessions a user has, those counted that are over and not swept yet.
pub async fn count_of_user(conn: &mut Conn, user: ApiUserId) -> Result<i64> {
    conn.number(sql("SELECT COUNT(*) FROM api_sessions WHERE api_user_id = $1").bind(user)).await
}

/// Ends a session of a user; false where it was not there.
pub async fn end(tx: &mut Tx, organization: OrganizationId, user: ApiUserId, id: ApiSessionId) -> Result<bool> {
    let statement = sql("DELETE FROM api_sessions WHERE id = $1 AND api_user_id = $2");
    let ended = tx.execute(statement.bind(id).bind(user)).await? == 1;
    if ended {
        tx.note(organization, ObjectRef::ApiSession(id));
    }
    Ok(ended)
}

/// Ends the sessions of a user, all but `kept`; how many.
pub async fn end_of_user(tx: &mut Tx, user: ApiUserId, kept: Option<ApiSessionId>) -> Result<usize> {
    let kept = kept.map(|id| id.to_string()).unwrap_or_default();
    let statement = sql("SELECT id, organization_id FROM api_sessions WHERE api_user_id = $1 AND id <> $2");
    end_all(tx, statement.bind(user).bind(kept)).await
}

/// Ends sessions under an application, some at a time: how many.
pub async fn end_some_of_application(tx: &mut Tx, application: ApplicationId) -> Result<usize> {
    let statement = sql("SELECT id, organization_id FROM api_sessions WHERE application_id = $1 ORDER BY id LIMIT $2");
    end_all(tx, statement.bind(application).bind(ENDED_AT_ONCE_MAX)).await
}

/// Ends sessions that began with a key, some at a time: how many.
pub async fn end_some_of_key(tx: &mut Tx, key: KeyId) -> Result<usize> {
    let statement = sql("SELECT id, organization_id FROM api_sessions WHERE key_id = $1 ORDER BY id LIMIT $2");
    end_all(tx, statement.bind(key).bind(ENDED_AT_ONCE_MAX)).await
}

/// Ends sessions whose rights a person bounds, some at a time: how many.
pub async fn end_some_of_profile(tx: &mut Tx, organization: OrganizationId, profile: UserId) -> Result<usize> {
    let statement = sql("SELECT s.id, s.organization_id FROM api_sessions s JOIN api_users u ON u.id = s.api_user_id \
         WHERE u.profile_user_id = $1 AND u.organization_id = $2 ORDER BY s.id LIMIT $3");
    end_all(tx, statement.bind(profile).bind(organization).bind(ENDED_AT_ONCE_MAX)).await
}

/// Ends the sessions that are over at `now`, and links that are; how many sessions. What idles goes an hour late, lest a use be
/// on its way.
pub async fn sweep(store: &Store, now: Timestamp) -> Result<usize> {
    if !any_over(&mut *store.read().await?, now).await? {
        return Ok(0);
    }
    let mut swept = 0;
    loop {
        let committed = store
            .write(Scope::Installation, move |tx| {
                Box::pin(async move {
                    api_user_secrets::sweep_links(tx, now).await?;
                    end_some_over(tx, now).await
                })
            })
            .await?;
        swept += committed.value;
        if committed.value < ENDED_AT_ONCE_MAX as usize {
            return Ok(swept);
        }
    }
}

/// Ends some of those that are over: how many.
async fn end_some_over(tx: &mut Tx, now: Timestamp) -> Result<usize> {
    let statement = sql("SELECT id, organization_id FROM api_sessions WHERE expires_at <= $1 \
         OR used_at + (idle_seconds + 3600) * 1000000 <= $2 ORDER BY id LIMIT $3");
    end_all(tx, statement.bind(now).bind(now).bind(ENDED_AT_ONCE_MAX)).await
}

/// Whether any session is over.
async fn any_over(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    let statement = sql("SELECT id FROM api_sessions WHERE expires_at <= $1 \
         OR used_at + (idle_seconds + 3600) * 1000000 <= $2 LIMIT 1");
    Ok(conn.row(statement.bind(now).bind(now), |_| Ok(())).await?.is_some())
}

/// Notes that a session was used; other nodes learn of it.
pub async fn note_use(tx: &mut Tx, organization: OrganizationId, id: ApiSessionId, at: Timestamp) -> Result<()> {
    let statement = sql("UPDATE api_sessions SET used_at = $1 WHERE id = $2 AND used_at < $3");
    if tx.execute(statement.bind(at).bind(id).bind(at)).await? == 1 {
        tx.note(organization, ObjectRef::ApiSession(id));
    }
    Ok(())
}

/// Notes uses of sessions of any organization, however many, some at a time.
pub async fn note_uses(store: &Store, uses: &[SessionUse]) -> Result<()> {
    let mut organizations: Vec<OrganizationId> = uses.iter().map(|use_| use_.organization).collect();
    organizations.sort_unstable();
    organizations.dedup();
    for organization in organizations {
        let own: Vec<SessionUse> = uses.iter().filter(|use_| use_.organization == organization).copied().collect();
        for some in own.chunks(USES_AT_ONCE_MAX) {
            let some = some.to_vec();
            store
                .write(Scope::Organization(organization), move |tx| {
                    let some = some.clone();
                    Box::pin(async move {
                        for use_ in &some {
                            note_use(tx, organization, use_.session, use_.at).await?;
                        }
                        Ok::<_, Error>(())
                    })
                })
                .await?;
        }
    }
    Ok(())
}

/// Lets a session do all that its user may: one-time codes are set up.
pub async fn complete(tx: &mut Tx, organization: OrganizationId, id: ApiSessionId) -> Result<()> {
    tx.execute(sql("UPDATE api_sessions SET enrolment_only = 0 WHERE id = $1").bind(id)).await?;
    tx.note(organization, ObjectRef::ApiSession(id));
    Ok(())
}

/// Keeps the secret that was shown in a session, in the place of the one before.
pub async fn put_new_totp(tx: &mut Tx, id: ApiSessionId, new: &NewTotp) -> Result<()> {
    let statement = sql("UPDATE api_sessions SET new_totp = $1, new_totp_until = $2 WHERE id = $3");
    tx.execute(statement.bind(&new.sealed).bind(new.until).bind(id)).await?;
    Ok(())
}

/// The secret that was shown in a session, whatever has become of its time.
pub async fn new_totp(conn: &mut Conn, id: ApiSessionId) -> Result<Option<NewTotp>> {
    let statement = sql("SELECT new_totp, new_totp_until FROM api_sessions WHERE id = $1");
    let read = |row: &dyn Fields| Ok(NewTotp { sealed: row.bytes(0)?.to_vec(), until: row.time(1)? });
    Ok(conn.row(statement.bind(id), read).await?.filter(|new| !new.sealed.is_empty()))
}

async fn end_all(tx: &mut Tx, which: Sql) -> Result<usize> {
    let ended: Vec<(ApiSessionId, OrganizationId)> = tx.rows(which, |row| Ok((row.parsed(0)?, row.parsed(1)?))).await?;
    for (id, organization) in &ended {
        tx.execute(sql("DELETE FROM api_sessions WHERE id = $1").bind(*id)).await?;
        tx.note(*organization, ObjectRef::ApiSession(*id));
    }
    Ok(ended.len())
}

pub(crate) fn read(row: &dyn Fields) -> Result<ApiSession> {
    let seconds = u64::try_from(row.number(8)?).map_err(|_| row.unreadable(8, "negative"))?;
    Ok(ApiSession {
        id: row.parsed(0)?,
        digest: row.digest(1)?,
        organization: row.parsed(2)?,
        application: row.parsed(3)?,
        user: row.parsed(4)?,
        key: row.parsed(5)?,
        created_at: row.time(6)?,
        expires_at: row.time(7)?,
        idle: Duration::from_secs(seconds),
        used_at: row.time(9)?,
        enrolment_only: row.number(10)? == 1,
    })
}

fn particulars(row: &dyn Fields) -> Result<Particulars> {
    Ok(Particulars {
        ip: row.text_or_none(11)?.map(str::to_owned),
        agent: row.text_or_none(12)?.map(str::to_owned),
        language: row.text(13)?.to_owned(),
        params: row.text(14)?.to_owned(),
    })
}
