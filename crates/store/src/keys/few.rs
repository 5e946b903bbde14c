//! Filters that few keys fit: an index finds these keys, and the list is put in order afterwards. Where many fit, the list is walked
//! in its order instead, and its page is soon full. Which it is, is counted first, up to a bound.

use claviger_domain::key::{Owner, State};
use claviger_domain::{ApiId, ApiSetId, OrganizationId, Timestamp};

use super::list::{KeyFilter, in_state};
use super::term::{SOME_APPLICATION, SOME_ORGANIZATION, SOME_USER, unused};
use crate::Result;
use crate::conn::Conn;
use crate::sql::{Sql, sql};

/// So many keys are still put in order faster than a list is walked.
const FEW: i64 = 1_000;

/// A filter whose keys an index finds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Narrow<'f> {
    ExternalId(&'f str),
    Refused(&'f KeyFilter),
    ApiSet(ApiSetId),
    Api(ApiId),
    Ending(&'f KeyFilter, Timestamp),
    Pending(&'f KeyFilter),
}

// === impl Narrow ===

impl<'f> Narrow<'f> {
    /// The one that most likely leaves the fewest.
    pub(super) fn of(filter: &'f KeyFilter) -> Option<Self> {
        let ending = filter.ends_by.or_else(|| (filter.state == Some(State::Expired)).then_some(filter.now));
        let by_id = filter.external_id.as_deref().map(Self::ExternalId);
        by_id
            .or_else(|| (filter.state == Some(State::Pending)).then_some(Self::Pending(filter)))
            .or_else(|| filter.refused_from.map(|_| Self::Refused(filter)))
            .or_else(|| ending.map(|at| Self::Ending(filter, at)))
            .or_else(|| filter.api.map(Self::Api))
            .or_else(|| filter.api_set.map(Self::ApiSet))
    }

    /// Whether so few keys fit that they are read and put in order.
    pub(super) async fn is_few(self, conn: &mut Conn, organization: OrganizationId) -> Result<bool> {
        let some = self.push_to(sql("SELECT COUNT(*) FROM (SELECT 1 FROM ("), organization);
        let count = conn.number(some.push_bound(") AS fitting LIMIT ?) AS few", [FEW + 1])).await?;
        Ok(count <= FEW)
    }

    /// The ids of the keys that may fit, as `key_id`; one that fits for several reasons stands there several times.
    pub(super) fn push_to(self, statement: Sql, organization: OrganizationId) -> Sql {
        match self {
            Self::ExternalId(id) => {
                let naming = "SELECT id AS key_id FROM keys WHERE organization_id = ? AND external_id = ?";
                statement.push_bound(naming, [organization.to_string(), id.to_owned()])
            }
            Self::Refused(filter) => {
                let refused = "SELECT key_id FROM key_usage WHERE organization_id = ?";
                let statement = statement.push_bound(refused, [organization]);
                statement.push_bound(" AND last_refused_at >= ?", [filter.refused_from])
            }
            Self::ApiSet(set) => statement.push_bound("SELECT key_id FROM key_api_sets WHERE api_set_id = ?", [set]),
            Self::Api(api) => statement.push_bound("SELECT key_id FROM key_apis WHERE api_id = ?", [api]),
            Self::Ending(filter, at) => ending(statement, organization, filter, at),
            Self::Pending(filter) => {
                let waiting = "SELECT id AS key_id FROM keys WHERE organization_id = ?";
                in_state(statement.push_bound(waiting, [organization]), filter)
            }
        }
    }
}

/// Those that end at `at` by an end of their own, by the longest lifetime of their kind of owner, or for want of use: each found by its
/// index.
fn ending(statement: Sql, organization: OrganizationId, filter: &KeyFilter, at: Timestamp) -> Sql {
    let rules = &filter.rules;
    let candidates = |statement: Sql| {
        let statement = statement.push_bound("SELECT id AS key_id FROM keys WHERE organization_id = ?", [organization]);
        in_state(statement, filter)
    };
    let mut statement = candidates(statement).push_bound(" AND expires_at <= ?", [at]);
    let kinds: [(Owner, &'static str); 3] = [
        (SOME_ORGANIZATION, " AND owner LIKE 'org_%' AND created_at < ?"),
        (SOME_USER, " AND owner LIKE 'usr_%' AND created_at < ?"),
        (SOME_APPLICATION, " AND owner LIKE 'app_%' AND created_at < ?"),
    ];
    for (owner, made_before) in kinds {
        if let Some(boundary) = rules.ended_if_made_before(&owner, at) {
            statement = candidates(statement.push(" UNION ALL ")).push_bound(made_before, [boundary]);
        }
    }
    if filter.ends_by.is_some() && rules.idle_if_unused_since(at).is_some() {
        statement = unused(candidates(statement.push(" UNION ALL ")).push(" AND "), rules, at);
    }
    statement
}
