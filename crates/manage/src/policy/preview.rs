//! What a change of the policy would do to the keys that are there.

use std::collections::BTreeSet;

use claviger_domain::key::Facts;
use claviger_domain::organization::Organization;
use claviger_domain::policy::{Policy, UniqueNames};
use claviger_domain::rules::Rules;
use claviger_domain::{KeyId, Timestamp};
use claviger_store::keys::{KeyTerm, OwnersAbove, TermFilter};
use claviger_store::{Conn, key_reveals, keys};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::PolicyView;
use crate::Manage;
use crate::error::Error;
use crate::keys::each_term;

/// How many of the keys that a change affects are named.
pub const NAMED: usize = 20;

/// The policy as it would be, and what becomes of keys.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PolicyPreview {
    policy: PolicyView,
    affected: Affected,
}

/// The keys that a change affects.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Affected {
    /// How many keys would go out of service sooner: by their end, or by not being used.
    keys: u64,
    /// Those that would go first, at most 20.
    first: Vec<Ending>,
    /// The keys that would have no list of addresses though the policy asks for one; they stay in service.
    without_ip_list: WithoutIpList,
    /// How many sealed copies of secrets would be destroyed; these keys cannot be shown again.
    copies_destroyed: i64,
    /// The owners that would have more keys than a lowered `max_keys` grants; their keys stay, they get no new ones.
    above_max_keys: AboveMaxKeys,
    /// The keys that have a name in common though it would be one key's alone; they stay in service.
    namesakes: Namesakes,
}

/// Keys that have a name with others in common.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Namesakes {
    keys: i64,
    /// The first of them by name, at most 20.
    first: Vec<String>,
}

/// Owners with more keys than they may have.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct AboveMaxKeys {
    owners: i64,
    /// Those with the most keys of each kind of owner, at most 20 of it.
    first: Vec<OwnerAbove>,
}

/// An owner with more keys than it may have.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OwnerAbove {
    /// `user`, `application` or `organization`.
    #[serde(rename = "type")]
    #[schema(example = "user")]
    kind: &'static str,
    id: String,
    /// How many living keys it has.
    keys: i64,
    /// How many of them are more than it may have.
    above: i64,
}

/// A key that would go out of service.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Ending {
    id: String,
    /// When, if it is not used before.
    #[schema(value_type = String)]
    ends_at: Timestamp,
    /// `expiry` or `idle`.
    reason: &'static str,
}

/// Keys without a list of addresses.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct WithoutIpList {
    keys: u64,
    /// The oldest of them, at most 20.
    first: Vec<String>,
}

/// What is counted on the way.
struct Count<'a> {
    now: Timestamp,
    before: &'a Rules,
    after: &'a Rules,
    lists_needed: bool,
    affected: Affected,
    soonest: BTreeSet<(Timestamp, KeyId, &'static str)>,
}

/// What `after` would do to the keys of `home`.
pub(super) async fn preview(
    manage: &Manage,
    home: &Organization,
    after: &Policy,
    now: Timestamp,
) -> Result<PolicyPreview, Error> {
    let before = Rules::new(&home.policy, &home.time_zone);
    let rules = Rules::new(after, &home.time_zone);
    let lists_needed = after.ip_list_required && !home.policy.ip_list_required;
    let mut count = Count {
        now,
        before: &before,
        after: &rules,
        lists_needed,
        affected: Affected::default(),
        soonest: BTreeSet::new(),
    };
    if before != rules || lists_needed {
        each_term(manage, home.id, TermFilter::default(), |terms| terms.iter().for_each(|term| count.add(term)))
            .await?;
    }
    let mut affected = count.finish();
    let mut snapshot = manage.store.read().await?;
    for owner_kind in after.reveal.ended_since(&home.policy.reveal) {
        affected.copies_destroyed += key_reveals::count(&mut snapshot, home.id, owner_kind).await?;
    }
    affected.above_max_keys = above_max_keys(&mut snapshot, home, after).await?;
    if after.unique_names == UniqueNames::Organization && home.policy.unique_names == UniqueNames::Owner {
        let (keys, first) = keys::namesakes(&mut snapshot, home.id, NAMED).await?;
        affected.namesakes = Namesakes { keys, first: first.iter().map(KeyId::to_string).collect() };
    }
    Ok(PolicyPreview { policy: PolicyView::load(&mut snapshot, home, after).await?, affected })
}

/// The owners beyond the bounds that `after` lowers.
async fn above_max_keys(conn: &mut Conn, home: &Organization, after: &Policy) -> Result<AboveMaxKeys, Error> {
    let mut all = AboveMaxKeys::default();
    for (kind, bound) in after.max_keys.lowered_since(&home.policy.max_keys) {
        let OwnersAbove { count, first } = keys::owners_above(conn, home.id, kind, bound, NAMED).await?;
        all.owners += count;
        let named = first.into_iter().map(|(owner, keys)| OwnerAbove {
            kind,
            id: owner.id(),
            keys,
            above: keys - i64::from(bound),
        });
        all.first.extend(named);
    }
    Ok(all)
}

/// When a key goes out of service if it is not used, and why.
fn out_of_service_at(facts: &Facts) -> Option<(Timestamp, &'static str)> {
    let idle = facts.idle_at.filter(|idle| facts.expires_at.is_none_or(|end| *idle <= end));
    idle.map(|at| (at, "idle")).or(facts.expires_at.map(|at| (at, "expiry")))
}

// === impl Count ===

impl Count<'_> {
    fn add(&mut self, key: &KeyTerm) {
        if self.lists_needed && key.lacks_ip_list {
            let without = &mut self.affected.without_ip_list;
            without.keys += 1;
            if without.first.len() < NAMED {
                without.first.push(key.id.to_string());
            }
        }
        let old = out_of_service_at(&key.term.facts(self.before));
        let new = out_of_service_at(&key.term.facts(self.after));
        let (false, Some((at, reason))) = (key.disabled, new) else { return };
        let is_out = old.is_some_and(|(old, _)| old <= self.now);
        if !is_out && old.is_none_or(|(old, _)| at < old) {
            self.affected.keys += 1;
            self.soonest.insert((at.max(self.now), key.id, reason));
            if self.soonest.len() > NAMED {
                self.soonest.pop_last();
            }
        }
    }

    fn finish(mut self) -> Affected {
        let ending =
            |(ends_at, id, reason): (Timestamp, KeyId, &'static str)| Ending { id: id.to_string(), ends_at, reason };
        self.affected.first = self.soonest.into_iter().map(ending).collect();
        self.affected
    }
}
