//! A policy: the rules of an organization for its keys.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::ApiSetId;
use crate::key::Owner;

/// The longest lifetime that a policy may grant, in days; the other units have the same in theirs.
pub const LIFETIME_DAYS_MAX: u32 = 36_500;
/// The most idle days.
pub const IDLE_DAYS_MAX: u32 = 3_650;
/// The most keys of one owner that a policy may grant.
pub const KEYS_PER_OWNER_MAX: u32 = 1_000_000;
/// Idle days of a new organization.
const IDLE_DAYS: u32 = 90;

/// The rules of an organization for its keys; one that never changed them has the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// How long keys may live, by kind of owner; `None` = for ever.
    pub max_lifetime: PerOwner<Option<Lifetime>>,
    /// When each of the longest lifetimes was saved; `None`: it is the default.
    pub max_lifetime_saved_at: PerOwner<Option<Timestamp>>,
    /// After how many days without use a key is out of service; 0 = never.
    pub idle_days: u32,
    /// Whether every key needs a list of addresses.
    pub ip_list_required: bool,
    /// What becomes of the secrets of new single keys.
    pub reveal: RevealModes,
    /// How many living keys one owner may have, by kind of owner; `None` = any number.
    pub max_keys: PerOwner<Option<u32>>,
    /// Among which living keys a name is one key's alone.
    pub unique_names: UniqueNames,
    /// How gateway doors answer.
    pub status_profile: StatusProfile,
    /// What becomes of a key of which a secret is used that was rotated out.
    pub old_secret_use: OldSecretUse,
    /// Whether who manages keys may make and change those of other people.
    pub delegated_creation: bool,
    /// The sets whose keys a second person has to approve ([`crate::approval::needs_approval`]); none: no key waits.
    pub approval: Vec<ApiSetId>,
    /// When it was last changed; `None`: never.
    pub updated_at: Option<Timestamp>,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// A value for each kind of owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PerOwner<T> {
    /// For keys of people.
    pub user: T,
    /// For keys of external systems.
    pub application: T,
    /// For keys of the organization itself.
    pub organization: T,
}

/// A span of the calendar, in one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifetime {
    /// Calendar years: from 29 February to 28 February.
    Years(u32),
    /// Calendar months: from the 31st to the last of a shorter month.
    Months(u32),
    /// Calendar days.
    Days(u32),
}

/// Reveal modes of the kinds of owners whose keys may be recoverable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RevealModes {
    /// For keys of the organization itself.
    pub organization: RevealMode,
    /// For keys of external systems.
    pub application: RevealMode,
}

/// Whether a secret can be seen after its making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevealMode {
    /// It is shown once.
    #[default]
    Once,
    /// A sealed copy is kept.
    Recoverable,
}

/// Among which living keys a name is one key's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UniqueNames {
    /// Those of its owner.
    #[default]
    Owner,
    /// All of the organization.
    Organization,
}

/// With which statuses and texts gateway doors refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusProfile {
    /// The table of `verdict`.
    #[default]
    Default,
    /// As the product of that name documents it.
    Gotransverse,
}

/// What becomes of a key of which a secret is used that was rotated out, after its overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OldSecretUse {
    /// It is written down, and told.
    #[default]
    Alert,
    /// The key is disabled, too: whoever has the old secret may have come by the new one in the same way.
    Disable,
}

// === impl Policy ===

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_lifetime: PerOwner { user: Some(Lifetime::Years(1)), application: None, organization: None },
            max_lifetime_saved_at: PerOwner::default(),
            idle_days: IDLE_DAYS,
            ip_list_required: false,
            reveal: RevealModes::default(),
            max_keys: PerOwner::default(),
            unique_names: UniqueNames::Owner,
            status_profile: StatusProfile::Default,
            old_secret_use: OldSecretUse::Alert,
            delegated_creation: false,
            approval: Vec::new(),
            updated_at: None,
            version: 1,
        }
    }
}

// === impl PerOwner ===

impl<T> PerOwner<T> {
    /// The value for the kind of this owner.
    pub fn of(&self, owner: &Owner) -> &T {
        match owner {
            Owner::Organization(_) => &self.organization,
            Owner::User(_) => &self.user,
            Owner::Application(_) => &self.application,
        }
    }

    /// The values with the names of their kinds on the wire.
    pub fn named(&self) -> [(&'static str, &T); 3] {
        [("user", &self.user), ("application", &self.application), ("organization", &self.organization)]
    }
}

impl PerOwner<Option<u32>> {
    /// The bounds that are lower than they were before, with the names of their kinds on the wire.
    pub fn lowered_since(&self, before: &Self) -> impl Iterator<Item = (&'static str, u32)> {
        let lowered = |((kind, now), (_, before)): ((&'static str, &Option<u32>), (_, &Option<u32>))| {
            let now = (*now)?;
            before.is_none_or(|before| now < before).then_some((kind, now))
        };
        self.named().into_iter().zip(before.named()).filter_map(lowered)
    }
}

// === impl RevealModes ===

impl RevealModes {
    /// The mode of new keys of this owner; people's are always shown once.
    pub fn of(&self, owner: &Owner) -> RevealMode {
        match owner {
            Owner::Organization(_) => self.organization,
            Owner::Application(_) => self.application,
            Owner::User(_) => RevealMode::Once,
        }
    }

    /// The kinds of owners that were recoverable before and are not now.
    pub fn ended_since(&self, before: &Self) -> impl Iterator<Item = &'static str> {
        let ended = |before, now| before == RevealMode::Recoverable && now == RevealMode::Once;
        let kinds = [
            ("organization", before.organization, self.organization),
            ("application", before.application, self.application),
        ];
        kinds.into_iter().filter(move |(_, before, now)| ended(*before, *now)).map(|(kind, _, _)| kind)
    }
}

// === impl Lifetime ===

impl Lifetime {
    /// Whether it is at least one unit long and at most [`LIFETIME_DAYS_MAX`] days.
    pub fn is_within_bounds(self) -> bool {
        let (count, days) = match self {
            Self::Years(count) => (count, 365),
            Self::Months(count) => (count, 30),
            Self::Days(count) => (count, 1),
        };
        (1..=LIFETIME_DAYS_MAX / days).contains(&count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_written_in_its_unit() {
        let years = serde_json::to_value(Lifetime::Years(1)).expect("JSON");
        assert_eq!(years, serde_json::json!({"years": 1}));
        assert_eq!(serde_json::from_value::<Lifetime>(years).expect("a lifetime"), Lifetime::Years(1));
    }

    #[test]
    fn lifetimes_have_bounds() {
        for good in [Lifetime::Days(1), Lifetime::Days(36_500), Lifetime::Months(1_216), Lifetime::Years(100)] {
            assert!(good.is_within_bounds(), "{good:?}");
        }
        let bad = [Lifetime::Days(0), Lifetime::Years(0), Lifetime::Days(36_501), Lifetime::Years(101)];
        for bad in bad.into_iter().chain([Lifetime::Months(u32::MAX)]) {
            assert!(!bad.is_within_bounds(), "{bad:?}");
        }
    }

    #[test]
    fn a_mode_ends_only_where_it_was_recoverable() {
        use RevealMode::{Once, Recoverable};
        let modes = |organization, application| RevealModes { organization, application };
        let ended = |before: RevealModes, now: RevealModes| now.ended_since(&before).collect::<Vec<_>>();
        assert_eq!(ended(modes(Recoverable, Recoverable), modes(Once, Recoverable)), ["organization"]);
        assert_eq!(ended(modes(Recoverable, Recoverable), modes(Once, Once)), ["organization", "application"]);
        assert!(ended(modes(Once, Once), modes(Recoverable, Once)).is_empty());
    }

    #[test]
    fn a_bound_is_lowered_where_it_was_wider_or_none() {
        let bounds = |user, application, organization| PerOwner { user, application, organization };
        let lowered =
            |before: PerOwner<Option<u32>>, now: PerOwner<Option<u32>>| now.lowered_since(&before).collect::<Vec<_>>();
        let before = bounds(None, Some(5), Some(5));
        assert_eq!(lowered(before, bounds(Some(7), Some(4), Some(5))), [("user", 7), ("application", 4)]);
        assert_eq!(lowered(before, bounds(None, Some(6), None)), []);
    }

    #[test]
    fn what_an_older_program_wrote_has_the_defaults_for_the_rest() {
        let policy: Policy = serde_json::from_str(r#"{"idle_days":7}"#).expect("a policy");
        assert_eq!(policy, Policy { idle_days: 7, ..Policy::default() });
    }
}
