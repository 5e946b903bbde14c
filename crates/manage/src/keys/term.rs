//! When a key begins, ends and goes idle: what people may set, and what the policy makes of it.

use claviger_domain::Timestamp;
use claviger_domain::key::{Facts, Key, State};
use claviger_domain::organization::Organization;
use claviger_domain::policy::{Lifetime, PerOwner, Policy, UniqueNames};
use claviger_domain::role::Levels;
use claviger_domain::rules::Rules;
use claviger_store::{Conn, key_usage, organizations};

use super::request::EditKey;
use crate::checks::Checks;
use crate::error::Error;
use crate::instant::{self, Edge};

/// What beside a key's record decides its state.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The organization's rules.
    pub(crate) rules: Rules,
    /// IANA name of the organization's zone.
    pub(crate) time_zone: String,
    /// Whether keys need a list of addresses.
    pub(crate) ip_list_required: bool,
    /// Among which keys a name is one key's alone.
    pub(crate) unique_names: UniqueNames,
    /// When the key was last used.
    pub(crate) last_used: Option<Timestamp>,
    /// The rules of whoever sets the end: the longest lifetime that they may grant.
    pub(crate) granting: Option<Rules>,
    /// The bounds of whoever changes the key.
    pub(crate) levels: Levels,
}

// === impl Surroundings ===

impl Surroundings {
    /// Those of a new key.
    pub(crate) fn of_new(home: &Organization) -> Self {
        Self {
            rules: Rules::new(&home.policy, &home.time_zone),
            time_zone: home.time_zone.clone(),
            ip_list_required: home.policy.ip_list_required,
            unique_names: home.policy.unique_names,
            last_used: None,
            granting: None,
            levels: Levels::default(),
        }
    }

    /// The same for somebody who grants no more than these levels.
    pub(crate) fn within(self, levels: &Levels) -> Self {
        let within = Self { levels: levels.clone(), ..self };
        let Some(days) = levels.max_lifetime_days else { return within };
        let lifetime = Some(Lifetime::Days(days));
        let max_lifetime = PerOwner { user: lifetime, application: lifetime, organization: lifetime };
        let granting = Rules::new(&Policy { max_lifetime, ..Policy::default() }, &within.time_zone);
        Self { granting: Some(granting), ..within }
    }

    /// Those of a key as they stand in the transaction; `known`: when it was last used as far as this node's engine knows,
    /// because the database learns of that a second later.
    pub(crate) async fn load(conn: &mut Conn, known: Option<Timestamp>, key: &Key) -> Result<Self, Error> {
        let home = organizations::get(conn, key.organization).await?.ok_or_else(|| Error::not_found("organization"))?;
        let usage = key_usage::get(conn, &[key.id]).await?;
        let written = usage.get(&key.id).and_then(key_usage::LastUsage::last_used_at);
        Ok(Self { last_used: written.max(known), ..Self::of_new(&home) })
    }

    /// What the key's state follows from.
    pub(crate) fn facts(&self, key: &Key) -> Facts {
        key.facts(&self.rules, self.last_used)
    }

    /// The end beyond which nobody who changes the key can put its own.
    pub(crate) fn end_max(&self, key: &Key) -> Option<Timestamp> {
        let granted = self.granting.as_ref().and_then(|rules| rules.end_max(&key.owner, key.created_at));
        self.rules.end_max(&key.owner, key.created_at).into_iter().chain(granted).min()
    }
}

/// Gives a new key the end that it has by the policy, and refuses what the policy does not grant.
pub(super) fn settle_new(key: &mut Key, surroundings: &Surroundings) -> Result<(), Error> {
    let mut checks = Checks::default();
    let max = surroundings.end_max(key);
    key.expires_at = key.expires_at.or(max);
    check_end(&mut checks, key.expires_at, max, &surroundings.time_zone);
    check_begin(&mut checks, key);
    check_ip_list(&mut checks, key, surroundings);
    checks.finish()
}

/// Puts into the record what an edit says about its term.
pub(super) fn merge(
    checks: &mut Checks,
    key: &mut Key,
    request: &EditKey,
    surroundings: &Surroundings,
    now: Timestamp,
) {
    let before = (key.clone(), surroundings.facts(key));
    if let Some(text) = &request.not_before {
        let read = text.as_deref().map(|text| instant::parse(text, Edge::Begin, &surroundings.time_zone)).transpose();
        key.not_before = checks.take("not_before", read);
    }
    merge_end(checks, key, request, surroundings, now);
    key.idle_exempt = request.idle_exempt.unwrap_or(key.idle_exempt);
    if request.not_before.is_some() || key.expires_at != before.0.expires_at {
        let ordered = request.expire_now || key.expires_at.zip(key.not_before).is_none_or(|(end, begin)| begin < end);
        checks.ensure("expires_at", ordered, "must be after not_before");
    }
    if request.allowed_ips.is_some() {
        check_ip_list(checks, key, surroundings);
    }
    let after = surroundings.facts(key);
    key.resume_idle_clock(&before.1, &after, surroundings.last_used, now);
    if before.1.state(now) == State::NotYetValid && after.not_before.is_none_or(|begin| begin <= now) {
        // It begins by this edit: nobody could have used it before.
        key.idle_from = key.idle_from.max(Some(now));
    }
}

fn merge_end(checks: &mut Checks, key: &mut Key, request: &EditKey, surroundings: &Surroundings, now: Timestamp) {
    let (in_force, max) = (surroundings.facts(key).expires_at, surroundings.end_max(key));
    let wanted = match &request.expires_at {
        Some(Some(text)) => match instant::parse(text, Edge::End, &surroundings.time_zone) {
            Ok(end) => Some(end),
            Err(message) => return checks.refuse("expires_at", message),
        },
        // As at the making: the policy's cap, or never.
        Some(None) => max,
        None if request.expire_now => Some(now),
        None => return,
    };
    // What was read and is sent back as it was is no change: the key's own end stays for the day when the policy grants
    // more.
    if wanted == in_force {
        return;
    }
    check_end(checks, wanted, max, &surroundings.time_zone);
    let meant = wanted.is_none_or(|end| end > now) || request.expire_now;
    checks.ensure("expires_at", meant, "is in the past; add \"expire_now\": true if that is meant");
    key.expires_at = wanted;
}

/// Refuses an end beyond the policy's.
fn check_end(checks: &mut Checks, end: Option<Timestamp>, max: Option<Timestamp>, time_zone: &str) {
    if let (Some(end), Some(max)) = (end, max)
        && end > max
    {
        let last = instant::last_day(max, time_zone);
        let message = format!(
            "the last day that the policy and your roles grant this key is {last} (until {max}), counted from its creation"
        );
        checks.refuse("expires_at", message);
    }
}

fn check_begin(checks: &mut Checks, key: &Key) {
    let ordered = key.expires_at.zip(key.not_before).is_none_or(|(end, begin)| begin < end);
    checks.ensure("expires_at", ordered, "must be after not_before");
}

/// Refuses a key without a list of addresses where the policy asks for one.
fn check_ip_list(checks: &mut Checks, key: &Key, surroundings: &Surroundings) {
    let listed = !surroundings.ip_list_required || !key.allowed_ips.is_empty();
    checks.ensure("allowed_ips", listed, "the policy asks for a list of addresses: name at least one");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, sample_key};

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    /// Of an organization that grants its keys 30 days: to the end of 14 February.
    fn thirty_days() -> Surroundings {
        let mut policy = Policy { idle_days: 0, ..Policy::default() };
        policy.max_lifetime.organization = Some(Lifetime::Days(30));
        Surroundings {
            rules: Rules::new(&policy, "UTC"),
            time_zone: "UTC".to_owned(),
            ip_list_required: false,
            unique_names: UniqueNames::Owner,
            last_used: None,
            granting: None,
            levels: Levels::default(),
        }
    }

    fn edited(key: &Key, request: serde_json::Value, now: Timestamp) -> Result<Key, Vec<String>> {
        let (mut checks, mut key) = (Checks::default(), key.clone());
        let request = serde_json::from_value(request).expect("a request");
        merge(&mut checks, &mut key, &request, &thirty_days(), now);
        let fields = |error: Error| error.errors().iter().map(|error| error.message.clone()).collect();
        checks.finish().map(|()| key).map_err(fields)
    }

    #[test]
    fn a_new_key_ends_with_its_cap_or_before() {
        let mut key = sample_key();
        settle_new(&mut key, &thirty_days()).expect("nothing was asked for");
        assert_eq!(key.expires_at, Some(at("2026-02-15T00:00:00Z")));
        key.expires_at = Some(at("2026-02-01T00:00:00Z"));
        settle_new(&mut key, &thirty_days()).expect("sooner");
        key.expires_at = Some(at("2026-02-15T00:00:00.000001Z"));
        let refused = settle_new(&mut key, &thirty_days()).expect_err("later");
        assert_eq!(refused.errors()[0].field, "expires_at");
        let message = &refused.errors()[0].message;
        assert!(message.contains("2026-02-14") && message.contains("2026-02-15T00:00:00Z"), "{message}");
    }

    #[test]
    fn an_end_may_move_within_the_cap_and_never_beyond() {
        let key = Key { expires_at: Some(at("2026-01-20T00:00:00Z")), ..sample_key() };
        let end = |request| edited(&key, request, NOW).map(|key| key.expires_at.map(|end| end.to_string()));
        let date = |text: &str| serde_json::json!({"expires_at": text});
        assert_eq!(end(date("2026-02-14")), Ok(Some("2026-02-15T00:00:00Z".to_owned())));
        assert!(end(date("2026-02-15")).expect_err("beyond")[0].contains("2026-02-15T00:00:00Z"));
        assert_eq!(end(date("2026-01-16")), Ok(Some("2026-01-17T00:00:00Z".to_owned())));
        assert_eq!(end(serde_json::json!({"expires_at": null})), Ok(Some("2026-02-15T00:00:00Z".to_owned())));
        assert!(end(date("2026-01-14")).expect_err("in the past")[0].contains("expire_now"));
        let now = serde_json::json!({"expires_at": "2026-01-14", "expire_now": true});
        assert_eq!(end(now), Ok(Some("2026-01-15T00:00:00Z".to_owned())));
        assert_eq!(end(serde_json::json!({"expire_now": true})), Ok(Some(NOW.to_string())));
    }

    #[test]
    fn what_the_policy_ended_keeps_its_own_end_until_another_is_set() {
        let key = Key { expires_at: Some(at("2026-12-31T00:00:00Z")), ..sample_key() };
        let same = serde_json::json!({"expires_at": "2026-02-15T00:00:00Z", "description": "x"});
        assert_eq!(edited(&key, same, NOW).map(|key| key.expires_at), Ok(key.expires_at), "sent back as it was read");
        assert_eq!(edited(&key, serde_json::json!({"tags": ["x"]}), NOW).map(|key| key.expires_at), Ok(key.expires_at));
    }
}
