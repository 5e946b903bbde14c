//! Counts over time, and who made most of them.

use claviger_domain::key::Owner;
use claviger_domain::usage::{DAY_MICROS, HOUR_MICROS, Subject, floor};
use claviger_domain::verdict::{CODES, Code};
use claviger_domain::{OrganizationId, Timestamp};

use super::subjects::columns;
use crate::Result;
use crate::conn::Conn;
use crate::fields::Fields;
use crate::sql::{Sql, sql};

/// How fine counts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Minutes: of owners and APIs alone.
    Minute,
    /// Hours.
    Hour,
    /// Days (UTC).
    Day,
}

/// A span of time that is whole steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// How fine.
    pub step: Step,
    /// The beginning of the first step.
    pub from: Timestamp,
    /// The end of the last step.
    pub before: Timestamp,
}

/// What happened in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The step's beginning.
    pub at: Timestamp,
    /// The verdict.
    pub code: Code,
    /// How often.
    pub count: u64,
}

/// A subject, by its id, and how many requests it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranked {
    /// The id.
    pub id: String,
    /// The requests.
    pub count: u64,
}

/// Which requests a ranking counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TopFilter {
    /// Those with this verdict.
    pub code: Option<Code>,
    /// Those of keys of this owner; only where keys are ranked.
    pub owner: Option<Owner>,
}

/// The steps of a span, each found in the index by itself: a subject's are far apart there.
macro_rules! steps_of {
    ($table:literal) => {
        concat!(
            "WITH RECURSIVE steps (at) AS (SELECT CAST($1 AS BIGINT) UNION ALL \
             SELECT at + CAST($2 AS BIGINT) FROM steps WHERE at + CAST($2 AS BIGINT) < $3) \
             SELECT u.at, u.code, u.count FROM steps s CROSS JOIN ",
            $table,
            " u WHERE u.organization_id = $4 AND u.kind = $5 AND u.at = s.at AND u.subject = $6"
        )
    };
}

/// A subject's counts in a span, in any order; steps in which nothing happened are not there.
pub async fn series(
    conn: &mut Conn,
    organization: OrganizationId,
    subject: Subject,
    span: &Span,
) -> Result<Vec<Counted>> {
    let statement = match (subject, span.step) {
        (Subject::Key(key), Step::Minute | Step::Hour) => {
            let statement = sql("SELECT hour, code, CAST(SUM(count) AS BIGINT) FROM usage_counts \
                 WHERE key_id = $1 AND hour >= $2 AND hour < $3 GROUP BY hour, code");
            return conn.rows(statement.bind(key).bind(span.from).bind(span.before), read).await;
        }
        (_, Step::Minute) => sql(steps_of!("usage_minutes")),
        (_, Step::Hour) => sql(steps_of!("usage_hours")),
        (_, Step::Day) => sql(steps_of!("usage_days")),
    };
    let (kind, id) = columns(subject);
    let statement = statement.bind(span.from).bind(span.step.micros()).bind(span.before);
    conn.rows(statement.bind(organization).bind(kind).bind(id), read).await
}

/// The subjects like `like` that made most requests in a span, the most first. Keys are ranked by whole days.
pub async fn top(
    conn: &mut Conn,
    organization: OrganizationId,
    like: Subject,
    span: &Span,
    filter: &TopFilter,
    limit: usize,
) -> Result<Vec<Ranked>> {
    let is_by_day = matches!(like, Subject::Key(_)) || span.step == Step::Day;
    let head: &'static str = match span.step {
        _ if is_by_day => "SELECT subject, CAST(SUM(count) AS BIGINT) AS total FROM usage_days",
        Step::Minute => "SELECT subject, CAST(SUM(count) AS BIGINT) AS total FROM usage_minutes",
        _ => "SELECT subject, CAST(SUM(count) AS BIGINT) AS total FROM usage_hours",
    };
    let from = if is_by_day { floor(span.from, DAY_MICROS) } else { span.from };
    let mut statement = sql(head)
        .push_bound(" WHERE organization_id = ?", [organization])
        .push_bound(" AND kind = ?", [columns(like).0])
        .push_bound(" AND at >= ? AND at < ?", [from, span.before]);
    if let Some(code) = filter.code {
        statement = statement.push_bound(" AND code = ?", [code.as_str()]);
    }
    if let Some(owner) = filter.owner {
        statement = owned_by(statement, organization, &owner);
    }
    let statement = statement.push_bound(" GROUP BY subject ORDER BY total DESC, subject LIMIT ?", [limit]);
    conn.rows(statement, |row| Ok(Ranked { id: row.text(0)?.to_owned(), count: count(row, 1)? })).await
}

fn owned_by(statement: Sql, organization: OrganizationId, owner: &Owner) -> Sql {
    statement
        .push_bound(" AND subject IN (SELECT id FROM keys WHERE organization_id = ?", [organization])
        .push_bound(" AND owner = ?)", [owner.id()])
}

fn read(row: &dyn Fields) -> Result<Counted> {
    let code = CODES.into_iter().find(|code| row.text(1).is_ok_and(|text| text == code.as_str()));
    Ok(Counted { at: row.time(0)?, code: code.ok_or_else(|| row.unreadable(1, "no code"))?, count: count(row, 2)? })
}

fn count(row: &dyn Fields, column: usize) -> Result<u64> {
    Ok(u64::try_from(row.number(column)?).unwrap_or_default())
}

// === impl Step ===

impl Step {
    /// How long it is.
    pub const fn micros(self) -> i64 {
        match self {
            Self::Minute => 60_000_000,
            Self::Hour => HOUR_MICROS,
            Self::Day => DAY_MICROS,
        }
    }
}
