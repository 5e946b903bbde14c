//! The diagnostic log: the last refusals of each key, and of each organization without one.

use claviger_domain::key::Owner;
use claviger_domain::usage::{REFUSALS_PER_KEY, REFUSALS_PER_ORGANIZATION, Refusal};
use claviger_domain::{KeyId, OrganizationId};

use crate::Result;
use crate::conn::Conn;
use crate::page::{CursorValue, Listed, Page};
use crate::sql::{Sql, batches, json, sql};

/// A page of the refusals of a key, or with `None` of those without a key; the newest first.
pub async fn page(
    conn: &mut Conn,
    organization: OrganizationId,
    key: Option<KeyId>,
    page: &Page,
) -> Result<Listed<Refusal>> {
    let mut statement = sql("SELECT body, at, id FROM refusals WHERE organization_id = $1 AND subject = $2");
    statement = statement.bind(organization).bind(subject(key));
    if let Some((at, id)) = page.after_number()? {
        statement = statement.push_bound(" AND (at, id) < (?", [at]).push_bound(", ?)", [id]);
    }
    list(conn, statement, page).await
}

/// A page of the refusals of all keys of an owner, the newest first.
pub async fn page_of_owner(
    conn: &mut Conn,
    organization: OrganizationId,
    owner: &Owner,
    page: &Page,
) -> Result<Listed<Refusal>> {
    let mut statement = sql("SELECT body, at, id FROM refusals WHERE organization_id = $1 \
         AND subject IN (SELECT id FROM keys WHERE organization_id = $1 AND owner = $2)");
    statement = statement.bind(organization).bind(owner.id());
    if let Some((at, id)) = page.after_number()? {
        statement = statement.push_bound(" AND (at, id) < (?", [at]).push_bound(", ?)", [id]);
    }
    list(conn, statement, page).await
}

async fn list(conn: &mut Conn, statement: Sql, page: &Page) -> Result<Listed<Refusal>> {
    let statement = statement.push_bound(" ORDER BY at DESC, id DESC LIMIT ?", [page.rows_to_read()]);
    let rows =
        conn.rows(statement, |row| Ok((row.json::<Refusal>(0)?, row.number(1)?, row.text(2)?.to_owned()))).await?;
    let listed = page.cut(rows, |(_, at, id)| (CursorValue::Number(*at), id.clone()));
    Ok(Listed { items: listed.items.into_iter().map(|(refusal, _, _)| refusal).collect(), next: listed.next })
}

/// Adds refusals with their row ids, then cuts each log that grew to its bound.
pub(crate) async fn append(conn: &mut Conn, refusals: &[(&Refusal, String)]) -> Result<()> {
    for batch in batches(refusals) {
        let head = "INSERT INTO refusals (organization_id, subject, at, id, body) VALUES";
        let mut statement = Sql::rows(head, 5, batch.len(), "");
        for (refusal, id) in batch {
            statement = statement.bind(refusal.organization).bind(subject(refusal.key)).bind(refusal.at);
            statement = statement.bind(id).bind(json(refusal));
        }
        conn.execute(statement).await?;
    }
    let mut logs: Vec<_> = refusals.iter().map(|(refusal, _)| (refusal.organization, refusal.key)).collect();
    logs.sort_unstable();
    logs.dedup();
    for (organization, key) in logs {
        trim(conn, organization, key).await?;
    }
    Ok(())
}

/// How many refusals a log keeps.
pub(crate) fn bound(key: Option<KeyId>) -> usize {
    if key.is_some() { REFUSALS_PER_KEY } else { REFUSALS_PER_ORGANIZATION }
}

async fn trim(conn: &mut Conn, organization: OrganizationId, key: Option<KeyId>) -> Result<()> {
    let statement = sql("DELETE FROM refusals WHERE organization_id = $1 AND subject = $2 AND (at, id) < \
         (SELECT at, id FROM refusals WHERE organization_id = $1 AND subject = $2 \
         ORDER BY at DESC, id DESC LIMIT 1 OFFSET $3)");
    conn.execute(statement.bind(organization).bind(subject(key)).bind(bound(key) - 1)).await?;
    Ok(())
}

fn subject(key: Option<KeyId>) -> String {
    key.map(|key| key.to_string()).unwrap_or_default()
}
