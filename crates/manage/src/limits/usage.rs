//! What was taken of limits: of quotas as the database counts them for all nodes, of rates as this node or Redis does.

use claviger_domain::Timestamp;
use claviger_engine::{Counted, LimitUsage, LimitedBy, LimitsOf, StandingLimit};
use serde::Serialize;
use utoipa::ToSchema;

use super::LimitView;
use crate::Manage;

/// The limits that apply, with what was taken of each.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LimitsUsed {
    /// The key's, its owner's and those of its sets, in this order.
    data: Vec<LimitUsedView>,
}

/// A limit, and how it stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LimitUsedView {
    #[serde(flatten)]
    limit: LimitView,
    /// On what it stands.
    on: LimitedView,
    /// `database`: for all nodes, exactly. `redis`: for all nodes. `node`: what this node counts of its part of a rate, alone.
    /// `apart`: each of those who are held against it has a counter of its own. `unknown`: who counts it cannot be asked.
    #[schema(example = "database")]
    counted: &'static str,
    /// How many were taken: of a quota in its period, of a rate those that have not come back yet. Null where it is counted apart
    /// or unknown, like the others.
    #[schema(required)]
    used: Option<u64>,
    /// Of a quota, what nodes have in hand: spent or not, for some seconds.
    #[schema(required)]
    held: Option<u64>,
    /// How many are left beside both.
    #[schema(required)]
    remaining: Option<u64>,
    /// When the next period of a quota begins, its refill comes, or all of a rate has come back; null where nothing is to.
    #[schema(required, value_type = Option<String>)]
    resets_at: Option<Timestamp>,
}

/// On what a limit stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LimitedView {
    /// `key`, `application` or `api_set`.
    #[serde(rename = "type")]
    #[schema(example = "key")]
    kind: &'static str,
    /// Its id; null for the key itself.
    #[schema(required)]
    id: Option<String>,
    /// What it is called; a set by its slug.
    name: String,
}

/// What was taken of the limits of a record that the caller may see. Takes nothing.
pub(crate) async fn used(manage: &Manage, record: LimitsOf<'_>) -> LimitsUsed {
    let standing = manage.engine.limits_of(record);
    let counters: Vec<_> = standing.iter().filter_map(|limit| limit.counter.as_ref()).collect();
    let mut usages = manage.engine.limit_usage(&counters).await.into_iter();
    let view = |limit: &StandingLimit| {
        if limit.counter.is_none() {
            return LimitUsedView::new(limit, "apart", None);
        }
        let usage = usages.next().flatten();
        LimitUsedView::new(limit, usage.map_or("unknown", |usage| counted(usage.counted)), usage)
    };
    LimitsUsed { data: standing.iter().map(view).collect() }
}

const fn counted(by: Counted) -> &'static str {
    match by {
        Counted::ByQuotaKeeper => "database",
        Counted::ByRateKeeper => "redis",
        Counted::Here => "node",
    }
}

// === impl views ===

impl LimitUsedView {
    fn new(standing: &StandingLimit, counted: &'static str, usage: Option<LimitUsage>) -> Self {
        Self {
            limit: LimitView::from(&standing.limit),
            on: LimitedView::new(standing.on, &standing.name),
            counted,
            used: usage.map(|usage| usage.used),
            held: usage.map(|usage| usage.held),
            remaining: usage.map(|usage| usage.remaining),
            resets_at: usage.and_then(|usage| usage.resets_at),
        }
    }
}

impl LimitedView {
    fn new(on: LimitedBy, name: &str) -> Self {
        let (kind, id) = match on {
            LimitedBy::Key => ("key", None),
            LimitedBy::Application(id) => ("application", Some(id.to_string())),
            LimitedBy::ApiSet(id) => ("api_set", Some(id.to_string())),
        };
        Self { kind, id, name: name.to_owned() }
    }
}
