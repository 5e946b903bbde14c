//! What a change of the organization would do to the keys that are there.

use std::collections::BTreeSet;

use claviger_domain::organization::Organization;
use claviger_domain::rules::Rules;
use claviger_domain::{KeyId, Timestamp};
use claviger_store::keys::{KeyTerm, TermFilter};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::OrganizationView;
use crate::Manage;
use crate::error::Error;
use crate::keys::each_term;

/// How many of the keys whose ends move are named.
pub const MOVED_NAMED: usize = 20;

/// The organization as it would be, and what becomes of keys.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrganizationPreview {
    organization: OrganizationView,
    moved_ends: MovedEnds,
}

/// The keys whose ends another time zone moves: those that end by the policy's longest lifetime, which counts in days. An end
/// that was set, and one of an address, is an instant and stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct MovedEnds {
    /// How many living keys; 0: the change moves no end.
    keys: u64,
    /// Those that would end first, at most 20.
    first: Vec<MovedEnd>,
}

/// A key whose end moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MovedEnd {
    id: String,
    /// When it ends as things are.
    #[schema(value_type = String)]
    before: Timestamp,
    /// When it would end.
    #[schema(value_type = String)]
    after: Timestamp,
}

/// What becomes of the keys of `before` if it becomes `after`.
pub(super) async fn preview(
    manage: &Manage,
    before: &Organization,
    after: &Organization,
) -> Result<OrganizationPreview, Error> {
    let [old, new] = [before, after].map(|home| Rules::new(&home.policy, &home.time_zone));
    let (mut moved, mut first) = (MovedEnds::default(), BTreeSet::new());
    if old != new {
        each_term(manage, before.id, TermFilter::default(), |terms| {
            for (before, after, id) in terms.iter().filter_map(|term| moved_end(term, &old, &new)) {
                moved.keys += 1;
                first.insert((after, before, id));
                if first.len() > MOVED_NAMED {
                    first.pop_last();
                }
            }
        })
        .await?;
    }
    let named = first.into_iter().map(|(after, before, id)| MovedEnd { id: id.to_string(), before, after });
    moved.first = named.collect();
    Ok(OrganizationPreview { organization: OrganizationView::from(after), moved_ends: moved })
}

/// A key's end before and after, if it moves. No zone gives a key an end that has none, nor takes one.
fn moved_end(key: &KeyTerm, old: &Rules, new: &Rules) -> Option<(Timestamp, Timestamp, KeyId)> {
    let end = |rules| key.term.facts(rules).expires_at;
    let (before, after) = end(old).zip(end(new))?;
    (before != after).then_some((before, after, key.id))
}
