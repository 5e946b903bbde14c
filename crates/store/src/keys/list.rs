//! Finding keys.

use claviger_domain::credential::Environment;
use claviger_domain::key::{Key, Owner, State};
use claviger_domain::name::search_form;
use claviger_domain::rules::Rules;
use claviger_domain::{ApiId, ApiSetId, OrganizationId, Timestamp};

use super::term::{ended, unused};
use super::{complete, read};
use crate::Result;
use crate::conn::Conn;
use crate::page::{CursorValue, Listed, Page};
use crate::sql::{Sql, containing, sql, word};

use super::few::Narrow;
use super::horizon::{horizon, up_to};
use super::row::SELECT;

/// The same columns of the keys of a list of ids that follows.
const SELECT_FEW: &str = "SELECT id, digest, record FROM (SELECT DISTINCT key_id FROM (";

/// Which keys of a list. Deleted ones only where they are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFilter {
    /// Those that may be in this state at [`KeyFilter::now`]. Of keys that have both gone idle and ended, both states
    /// are found: which came first takes a calendar.
    pub state: Option<State>,
    /// The instant that states are derived for.
    pub now: Timestamp,
    /// The organization's rules, by which states are derived.
    pub rules: Rules,
    /// Those of this owner.
    pub owner: Option<Owner>,
    /// Those made by the actor with this id.
    pub creator: Option<String>,
    /// Those that hold this set directly.
    pub api_set: Option<ApiSetId>,
    /// Those that name operations of this API beside their sets.
    pub api: Option<ApiId>,
    /// Those for these hosts.
    pub environment: Option<Environment>,
    /// Those made at this instant or later.
    pub created_from: Option<Timestamp>,
    /// Those made before this instant.
    pub created_before: Option<Timestamp>,
    /// Those last used at this instant or later.
    pub used_from: Option<Timestamp>,
    /// Those last used before this instant, or never.
    pub used_before: Option<Timestamp>,
    /// Those last refused at this instant or later.
    pub refused_from: Option<Timestamp>,
    /// Those that have ended at this instant, or gone idle if nobody uses them until then; taken out of service by somebody
    /// or not.
    pub ends_by: Option<Timestamp>,
    /// Those with this tag, whatever its case.
    pub tag: Option<String>,
    /// Those with this external id.
    pub external_id: Option<String>,
    /// Those that have this in name, description, external id, tags or hint, whatever its case.
    pub text: Option<String>,
    /// In which order.
    pub sort: KeySort,
}

/// The order of a list of keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeySort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// By name, from the beginning of the alphabet.
    Name,
    /// By name, from its end.
    NameDescending,
}

/// A page of the organization's keys. Where few fit it may have fewer rows than asked for, and a next page all the same: no more than
/// [`super::KEYS_LOOKED_THROUGH`] keys are looked through for it.
///
/// # Errors
/// [`crate::Error::ForeignCursor`] if the page's cursor belongs to another order.
pub async fn list(
    conn: &mut Conn,
    organization: OrganizationId,
    filter: &KeyFilter,
    page: &Page,
) -> Result<Listed<Key>> {
    let (statement, horizon) = match Narrow::of(filter) {
        Some(narrow) if narrow.is_few(conn, organization).await? => {
            // SQLite joins from left to right here: from the few to their rows.
            let statement = narrow.push_to(sql(SELECT_FEW), organization);
            (statement.push(") AS fitting) AS few CROSS JOIN keys WHERE keys.id = few.key_id AND"), None)
        }
        _ => (sql(SELECT).push(" WHERE"), horizon(conn, organization, filter, page).await?),
    };
    let statement = in_state(statement.push_bound(" organization_id = ?", [organization]), filter);
    let mut statement = after(filtered(statement, organization, filter), filter.sort, page)?;
    if let Some(horizon) = &horizon {
        statement = up_to(statement, filter.sort, horizon);
    }
    let statement = statement.push(filter.sort.order()).push_bound(" LIMIT ?", [page.rows_to_read()]);
    let rows = conn.rows(statement, read).await?;
    let keys = complete(conn, rows).await?;
    let listed = page.cut(keys, |key| {
        let value = match filter.sort {
            KeySort::Newest | KeySort::Oldest => CursorValue::Number(key.created_at.as_micros()),
            KeySort::Name | KeySort::NameDescending => CursorValue::Text(key.name.search_form()),
        };
        (value, key.id.to_string())
    });
    Ok(Listed { next: listed.next.or(horizon), ..listed })
}

/// A page of other organizations' living keys that name operations of an API of this one, by their ids.
///
/// # Errors
/// [`crate::Error::ForeignCursor`] if the page's cursor belongs to a list of another order.
pub async fn of_others(conn: &mut Conn, organization: OrganizationId, api: ApiId, page: &Page) -> Result<Listed<Key>> {
    let naming = " WHERE deleted_at IS NULL AND id IN (SELECT key_id FROM key_apis WHERE api_id = ?)";
    let mut statement = sql(SELECT).push_bound(naming, [api]).push_bound(" AND organization_id <> ?", [organization]);
    if let Some((id, _)) = page.after_text()? {
        statement = statement.push_bound(" AND id > ?", [id]);
    }
    let rows = conn.rows(statement.push_bound(" ORDER BY id LIMIT ?", [page.rows_to_read()]), read).await?;
    let keys = complete(conn, rows).await?;
    Ok(page.cut(keys, |key| (CursorValue::Text(key.id.to_string()), String::new())))
}

/// How many living keys of each other organization name something of an API of this one, by their sets or beside them; with
/// `full_access` those count too that hold their own organization's Full access.
pub async fn count_of_others(
    conn: &mut Conn,
    organization: OrganizationId,
    api: ApiId,
    full_access: bool,
) -> Result<Vec<(OrganizationId, i64)>> {
    let quoted = containing(&format!("\"{api}\""));
    let mut statement = sql("SELECT organization_id, COUNT(*) FROM keys WHERE deleted_at IS NULL");
    statement = statement.push_bound(" AND organization_id <> ?", [organization]);
    statement = statement.push_bound(" AND id IN (SELECT key_id FROM key_apis WHERE api_id = ?", [api]);
    statement = statement.push_bound(
        " UNION SELECT key_id FROM key_api_sets WHERE api_set_id IN (SELECT id FROM api_sets \
         WHERE apis LIKE ? ESCAPE '!' OR operations LIKE ? ESCAPE '!'",
        [&quoted, &quoted],
    );
    if full_access {
        statement = statement.push(" OR kind = 'full'");
    }
    let statement = statement.push(")) GROUP BY organization_id ORDER BY organization_id");
    conn.rows(statement, |row| Ok((row.parsed(0)?, row.number(1)?))).await
}

/// The same rules as `Facts::state`, in its order.
pub(super) fn in_state(statement: Sql, filter: &KeyFilter) -> Sql {
    const LIVING: &str = " AND deleted_at IS NULL";
    const NOT_DISABLED: &str = " AND deleted_at IS NULL AND disabled_at IS NULL";
    const IN_SERVICE: &str = " AND deleted_at IS NULL AND disabled_at IS NULL AND pending_since IS NULL";
    let KeyFilter { now, rules, .. } = filter;
    match filter.state {
        None => statement.push(LIVING),
        Some(State::Deleted) => statement.push(" AND deleted_at IS NOT NULL"),
        Some(State::Disabled) => {
            unused(statement.push(LIVING).push(" AND (disabled_at IS NOT NULL OR "), rules, *now).push(")")
        }
        Some(State::Pending) => statement.push(NOT_DISABLED).push(" AND pending_since IS NOT NULL"),
        Some(State::Expired) => ended(statement.push(IN_SERVICE).push(" AND "), rules, *now),
        Some(State::NotYetValid) => {
            let statement = ended(statement.push(IN_SERVICE).push(" AND NOT "), rules, *now);
            statement.push_bound(" AND not_before > ?", [*now])
        }
        Some(State::Active) => {
            let statement = ended(statement.push(IN_SERVICE).push(" AND NOT "), rules, *now);
            let statement = unused(statement.push(" AND NOT "), rules, *now);
            statement.push_bound(" AND (not_before IS NULL OR not_before <= ?)", [*now])
        }
    }
}

fn filtered(mut statement: Sql, organization: OrganizationId, filter: &KeyFilter) -> Sql {
    if let Some(owner) = &filter.owner {
        statement = statement.push_bound(" AND owner = ?", [owner.id()]);
    }
    if let Some(creator) = &filter.creator {
        statement = statement.push_bound(" AND creator = ?", [creator]);
    }
    if let Some(set) = filter.api_set {
        statement = statement.push_bound(" AND id IN (SELECT key_id FROM key_api_sets WHERE api_set_id = ?)", [set]);
    }
    if let Some(api) = filter.api {
        statement = statement.push_bound(" AND id IN (SELECT key_id FROM key_apis WHERE api_id = ?)", [api]);
    }
    if let Some(environment) = filter.environment {
        statement = statement.push_bound(" AND environment = ?", [word(&environment)]);
    }
    statement = spanned(statement, filter);
    if let Some(from) = filter.used_from {
        let used = " AND EXISTS (SELECT 1 FROM key_usage WHERE key_id = keys.id AND last_used_at >= ?)";
        statement = statement.push_bound(used, [from]);
    }
    if let Some(before) = filter.used_before {
        let used = " AND NOT EXISTS (SELECT 1 FROM key_usage WHERE key_id = keys.id AND last_used_at >= ?)";
        statement = statement.push_bound(used, [before]);
    }
    if let Some(from) = filter.refused_from {
        // Few were: they are found once, and not asked about for each key.
        let refused = " AND id IN (SELECT key_id FROM key_usage WHERE organization_id = ?";
        statement = statement.push_bound(refused, [organization]).push_bound(" AND last_refused_at >= ?)", [from]);
    }
    if let Some(at) = filter.ends_by {
        let statement_of_end = ended(statement.push(" AND ("), &filter.rules, at);
        statement = unused(statement_of_end.push(" OR "), &filter.rules, at).push(")");
    }
    if let Some(tag) = &filter.tag {
        // Rows from before schema 10 have their tags in the text for searching alone.
        let (marked, line) = (super::row::marked(tag), format!("\n{}", search_form(tag)));
        let either = " AND (tags LIKE ? ESCAPE '!' OR tags IS NULL AND search LIKE ? ESCAPE '!')";
        statement = statement.push_bound(either, [containing(&marked), containing(&line)]);
    }
    if let Some(external_id) = &filter.external_id {
        statement = statement.push_bound(" AND external_id = ?", [external_id]);
    }
    if let Some(text) = &filter.text {
        statement = statement.push_bound(" AND search LIKE ? ESCAPE '!'", [containing(&search_form(text))]);
    }
    statement
}

/// Those made in the span of time.
pub(super) fn spanned(mut statement: Sql, filter: &KeyFilter) -> Sql {
    if let Some(from) = filter.created_from {
        statement = statement.push_bound(" AND created_at >= ?", [from]);
    }
    if let Some(before) = filter.created_before {
        statement = statement.push_bound(" AND created_at < ?", [before]);
    }
    statement
}

pub(super) fn after(statement: Sql, sort: KeySort, page: &Page) -> Result<Sql> {
    Ok(match sort {
        KeySort::Newest | KeySort::Oldest => match page.after_number()? {
            None => statement,
            Some((at, id)) => {
                let text =
                    if sort == KeySort::Newest { " AND (created_at, id) < (?" } else { " AND (created_at, id) > (?" };
                statement.push_bound(text, [at]).push_bound(", ?)", [id])
            }
        },
        KeySort::Name | KeySort::NameDescending => match page.after_text()? {
            None => statement,
            Some((name, id)) => {
                let text =
                    if sort == KeySort::Name { " AND (name_search, id) > (?" } else { " AND (name_search, id) < (?" };
                statement.push_bound(text, [name]).push_bound(", ?)", [id])
            }
        },
    })
}

// === impl KeySort ===

impl KeySort {
    pub(super) fn order(self) -> &'static str {
        match self {
            Self::Newest => " ORDER BY created_at DESC, id DESC",
            Self::Oldest => " ORDER BY created_at, id",
            Self::Name => " ORDER BY name_search, id",
            Self::NameDescending => " ORDER BY name_search DESC, id DESC",
        }
    }
}
