//! The diagnostic log: the last refusals of each key, and of each organization without one.

use std::net::IpAddr;

use claviger_domain::key::Owner;
use claviger_domain::name::search_form;
use claviger_domain::usage::{REFUSALS_PER_KEY, REFUSALS_PER_ORGANIZATION, Refusal};
use claviger_domain::verdict::Code;
use claviger_domain::{KeyId, OrganizationId, Timestamp};

use crate::Result;
use crate::conn::Conn;
use crate::page::{CursorValue, Listed, Page, Sieve};
use crate::sql::{Sql, batches, containing, json, sql};

/// Which refusals, in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefusalFilter {
    /// Those with this code.
    pub code: Option<Code>,
    /// Those from this address.
    pub ip: Option<IpAddr>,
    /// Those of the API with this slug.
    pub api: Option<String>,
    /// Those of this instant or later.
    pub from: Option<Timestamp>,
    /// Those before this instant.
    pub before: Option<Timestamp>,
    /// Those that have this in check, agent, method, path, operation or request id, whatever its case.
    pub text: Option<String>,
    /// The oldest first.
    pub ascending: bool,
}

/// A refusal, when it was and the id of its row.
type Row = (Refusal, i64, String);

/// A page of the refusals of a key, or with `None` of those without a key.
pub async fn page(
    conn: &mut Conn,
    organization: OrganizationId,
    key: Option<KeyId>,
    filter: &RefusalFilter,
    page: &Page,
) -> Result<Listed<Refusal>> {
    let statement = || {
        let statement = sql("SELECT body, at, id FROM refusals WHERE organization_id = $1 AND subject = $2");
        statement.bind(organization).bind(subject(key))
    };
    list(conn, statement, filter, page).await
}

/// A page of the refusals of all keys of an owner.
pub async fn page_of_owner(
    conn: &mut Conn,
    organization: OrganizationId,
    owner: &Owner,
    filter: &RefusalFilter,
    page: &Page,
) -> Result<Listed<Refusal>> {
    let statement = || {
        let statement = sql("SELECT body, at, id FROM refusals WHERE organization_id = $1 \
             AND subject IN (SELECT id FROM keys WHERE organization_id = $1 AND owner = $2)");
        statement.bind(organization).bind(owner.id())
    };
    list(conn, statement, filter, page).await
}

async fn list(
    conn: &mut Conn,
    statement: impl Fn() -> Sql,
    filter: &RefusalFilter,
    page: &Page,
) -> Result<Listed<Refusal>> {
    let listed = match filter.text.as_deref().map(search_form) {
        None => rows(conn, statement(), filter, page).await?,
        Some(text) => {
            let mut sieve = Sieve::new(page);
            while let Some(part) = sieve.part() {
                let found = rows(conn, statement(), filter, &part).await?;
                sieve.sift(found, |(refusal, _, _)| search_form(&texts(refusal)).contains(&text));
            }
            sieve.listed(cursor)
        }
    };
    Ok(Listed { items: listed.items.into_iter().map(|(refusal, _, _)| refusal).collect(), next: listed.next })
}

async fn rows(conn: &mut Conn, mut statement: Sql, filter: &RefusalFilter, page: &Page) -> Result<Listed<Row>> {
    // In the JSON of a row these members stand once: within a text a quotation mark is escaped.
    let members = [
        filter.code.map(|code| format!("\"code\":{}", json(&code))),
        filter.ip.map(|ip| format!("\"ip\":{}", json(&ip))),
        filter.api.as_ref().map(|api| format!("\"api\":{}", json(api))),
    ];
    for member in members.into_iter().flatten() {
        statement = statement.push_bound(" AND body LIKE ? ESCAPE '!'", [containing(&member)]);
    }
    if let Some(from) = filter.from {
        statement = statement.push_bound(" AND at >= ?", [from]);
    }
    if let Some(before) = filter.before {
        statement = statement.push_bound(" AND at < ?", [before]);
    }
    if let Some((at, id)) = page.after_number()? {
        let behind = if filter.ascending { " AND (at, id) > (?" } else { " AND (at, id) < (?" };
        statement = statement.push_bound(behind, [at]).push_bound(", ?)", [id]);
    }
    let order = if filter.ascending { " ORDER BY at, id LIMIT ?" } else { " ORDER BY at DESC, id DESC LIMIT ?" };
    let statement = statement.push_bound(order, [page.rows_to_read()]);
    let rows =
        conn.rows(statement, |row| Ok((row.json::<Refusal>(0)?, row.number(1)?, row.text(2)?.to_owned()))).await?;
    Ok(page.cut(rows, cursor))
}

fn cursor((_, at, id): &Row) -> (CursorValue, String) {
    (CursorValue::Number(*at), id.clone())
}

/// What a search looks through, a line each.
fn texts(refusal: &Refusal) -> String {
    let Refusal { check, agent, method, path, operation, request_id, .. } = refusal;
    let optional = [agent, method, path, operation].into_iter().flatten().map(String::as_str);
    let texts: Vec<&str> = std::iter::once(check.as_str()).chain(optional).collect();
    format!("{}\n{request_id}", texts.join("\n"))
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
