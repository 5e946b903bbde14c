//! What decides when keys end and go idle: found and read without their records.

use claviger_domain::digest::CredentialDigest;
use claviger_domain::key::{Owner, Term};
use claviger_domain::rules::Rules;
use claviger_domain::{KeyId, OrganizationId, Timestamp};

use crate::Result;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{Sql, sql};

/// A living key's term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyTerm {
    /// The key.
    pub id: KeyId,
    /// The digest of its current secret.
    pub digest: CredentialDigest,
    /// Whether it is taken out of service, and that is written down.
    pub disabled: bool,
    /// Whether it has no list of addresses.
    pub lacks_ip_list: bool,
    /// What decides when it ends.
    pub term: Term,
}

/// Which living keys' terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TermFilter {
    /// Those in service that would be idle at this instant by the rules.
    pub idle_at: Option<(Rules, Timestamp)>,
    /// Those behind this one: when it was made, and its id.
    pub after: Option<(Timestamp, KeyId)>,
}

const SELECT: &str = "SELECT id, digest, owner, created_at, not_before, expires_at, idle_from, idle_exempt, disabled_at, \
     last_used_at, old_last_used_at, CAST(CASE WHEN ip_list IS NULL THEN 1 ELSE 0 END AS BIGINT), pending_since \
     FROM keys LEFT JOIN key_usage ON key_usage.key_id = keys.id WHERE keys.deleted_at IS NULL";

/// The terms of an organization's living keys, the oldest first, at most `limit`.
pub async fn terms(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &TermFilter,
    limit: usize,
) -> Result<Vec<KeyTerm>> {
    let mut statement = sql(SELECT).push_bound(" AND keys.organization_id = ?", [organization]);
    if let Some((rules, now)) = &filter.idle_at {
        statement = unused(statement.push(" AND disabled_at IS NULL AND "), rules, *now);
    }
    // In the order of an index, so that a page costs no more than its rows.
    if let Some((created_at, id)) = filter.after {
        statement = statement.push_bound(" AND (created_at, id) > (?", [created_at]).push_bound(", ?)", [id]);
    }
    conn.rows(statement.push_bound(" ORDER BY created_at, id LIMIT ?", [limit]), read).await
}

/// Keys in service that end in a span of time, found by what it is that ends them: each way is walked by an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Their own ends.
    Own,
    /// The longest lifetime of keys of this kind of owner.
    Capped(Owner),
}

// === impl Ending ===

impl Ending {
    /// All ways to find them; an owner stands for all of its kind.
    pub const ALL: [Self; 4] =
        [Self::Own, Self::Capped(SOME_ORGANIZATION), Self::Capped(SOME_USER), Self::Capped(SOME_APPLICATION)];
}

/// The place of a term in the order of [`ending`], for the page behind it.
pub type EndingPlace = (Timestamp, KeyId);

/// The terms of an organization's keys in service that end from `from` on and before `to` in this way, at most `limit` behind
/// `after`, with the place of the last one. They may have ended before in another way.
pub async fn ending(
    conn: &mut Conn,
    (organization, rules): (OrganizationId, &Rules),
    way: Ending,
    (from, to): (Timestamp, Timestamp),
    after: Option<EndingPlace>,
    limit: usize,
) -> Result<(Vec<KeyTerm>, Option<EndingPlace>)> {
    let statement = sql(SELECT).push_bound(" AND disabled_at IS NULL AND keys.organization_id = ?", [organization]);
    let (mut statement, behind, order) = match way {
        Ending::Own => {
            let span = " AND expires_at IS NOT NULL AND expires_at >= ? AND expires_at < ?";
            let (behind, order) = (" AND (expires_at, id) > (?", " ORDER BY expires_at, id LIMIT ?");
            (statement.push_bound(span, [from, to]), behind, order)
        }
        Ending::Capped(owner) => {
            let Some(last) = rules.ended_if_made_before(&owner, to) else { return Ok((Vec::new(), None)) };
            let of_owner = match owner {
                Owner::Organization(_) => " AND owner LIKE 'org_%' AND created_at < ?",
                Owner::User(_) => " AND owner LIKE 'usr_%' AND created_at < ?",
                Owner::Application(_) => " AND owner LIKE 'app_%' AND created_at < ?",
            };
            let mut statement = statement.push_bound(of_owner, [last]);
            if let Some(first) = rules.ended_if_made_before(&owner, from) {
                statement = statement.push_bound(" AND created_at >= ?", [first]);
            }
            (statement, " AND (created_at, id) > (?", " ORDER BY created_at, id LIMIT ?")
        }
    };
    if let Some((at, id)) = after {
        statement = statement.push_bound(behind, [at]).push_bound(", ?)", [id]);
    }
    let terms = conn.rows(statement.push_bound(order, [limit]), read).await?;
    let place = |found: &KeyTerm| {
        let at = if way == Ending::Own { found.term.expires_at } else { Some(found.term.created_at) };
        Some((at?, found.id))
    };
    let last = terms.last().filter(|_| terms.len() == limit).and_then(place);
    Ok((terms, last))
}

fn read(row: &dyn Fields) -> Result<KeyTerm> {
    let owner = row.text(2)?;
    let owner = Owner::from_id(owner).ok_or_else(|| row.unreadable(2, format_args!("{owner:?} is no owner")))?;
    let term = Term {
        owner,
        created_at: row.time(3)?,
        not_before: row.time_or_none(4)?,
        expires_at: row.time_or_none(5)?,
        idle_from: row.time_or_none(6)?,
        idle_exempt: row.number_or_none(7)?.is_some(),
        last_used: row.time_or_none(9)?.max(row.time_or_none(10)?),
        pending: row.number_or_none(12)?.is_some(),
    };
    let (disabled, lacks_ip_list) = (row.number_or_none(8)?.is_some(), row.number(11)? == 1);
    Ok(KeyTerm { id: row.parsed(0)?, digest: row.digest(1)?, disabled, lacks_ip_list, term })
}

/// A condition: not used since the instant that makes a key idle at `now`, and not waiting for approval.
pub(super) fn unused(statement: Sql, rules: &Rules, now: Timestamp) -> Sql {
    let Some(since) = rules.idle_if_unused_since(now) else { return statement.push("1 = 0") };
    statement.push_bound(
        "(idle_exempt IS NULL AND pending_since IS NULL AND created_at <= ? AND (not_before IS NULL OR not_before <= ?) \
         AND (idle_from IS NULL OR idle_from <= ?) AND NOT EXISTS (SELECT 1 FROM key_usage AS used \
         WHERE used.key_id = keys.id AND (used.last_used_at > ? OR used.old_last_used_at > ?)))",
        [since; 5],
    )
}

/// A condition: ended at `now`, by the key's own end or by the rules.
pub(super) fn ended(statement: Sql, rules: &Rules, now: Timestamp) -> Sql {
    let mut statement = statement.push_bound("(COALESCE(expires_at <= ?, 1 = 0)", [now]);
    for (of_owner, boundary) in [
        (" OR owner LIKE 'org_%' AND created_at < ?", rules.ended_if_made_before(&SOME_ORGANIZATION, now)),
        (" OR owner LIKE 'usr_%' AND created_at < ?", rules.ended_if_made_before(&SOME_USER, now)),
        (" OR owner LIKE 'app_%' AND created_at < ?", rules.ended_if_made_before(&SOME_APPLICATION, now)),
    ] {
        if let Some(boundary) = boundary {
            statement = statement.push_bound(of_owner, [boundary]);
        }
    }
    statement.push(")")
}

// One of each kind: rules go by the kind alone.
pub(super) const SOME_ORGANIZATION: Owner = Owner::Organization(OrganizationId::from_raw(0));
pub(super) const SOME_USER: Owner = Owner::User(claviger_domain::UserId::from_raw(0));
pub(super) const SOME_APPLICATION: Owner = Owner::Application(claviger_domain::ApplicationId::from_raw(0));
