//! Notices: what people are told of keys, who is told, and when a key's end or its going idle is near enough to be told of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::email::Email;
use crate::key::{Facts, Term};
use crate::limit::Zone;

/// The most addresses of an organization's choice.
pub const ADDRESSES_MAX: usize = 20;
/// Days before a key's end on which it is told of; 0 is its last day.
pub const EXPIRY_DAYS: [i64; 4] = [30, 7, 1, 0];
/// Days before a key goes idle on which it is told of. That it has gone idle is told when that is written down.
pub const IDLE_DAYS: [i64; 3] = [14, 7, 1];
/// An end that nobody was told of, because no server ran on that day, is told of for so many days.
pub const LATE_DAYS: i64 = 7;

/// What a notice is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A key's end is near, or has come.
    Expiry,
    /// A key goes idle soon, or has gone idle.
    Idle,
    /// A key was made.
    Created,
    /// A key's secret was shown again.
    Revealed,
    /// A key has a new secret.
    Rotated,
    /// A key waits for approval.
    Approval,
    /// A key that waited was approved or denied.
    Decided,
    /// A key was used from a network for the first time.
    NewAddress,
    /// A secret was used that had been rotated out.
    OldSecretUsed,
    /// A key was reported as leaked.
    Leaked,
    /// Whom keys belong to was taken out of service.
    OwnerDisabled,
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Audience {
    /// The person whose key it is.
    pub holder: bool,
    /// Those who administer the organization.
    pub administrators: bool,
    /// The addresses of the organization's choice.
    pub addresses: bool,
}

/// Which notices go to whom; an organization that never changed it has the defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NoticeSettings {
    /// Who is told of what; a kind that is not there has its default.
    pub kinds: BTreeMap<NoticeKind, Audience>,
    /// Addresses beside those of people.
    pub addresses: Vec<Email>,
    /// When it was last changed; `None`: never.
    pub updated_at: Option<Timestamp>,
    /// Grows with each change; its entity tag.
    pub version: i64,
}

/// Something near that a key's people are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminder {
    /// [`NoticeKind::Expiry`] or [`NoticeKind::Idle`].
    pub kind: NoticeKind,
    /// How many days before the last one it is told of.
    pub days: i64,
    /// When the key ends, or goes idle.
    pub at: Timestamp,
}

/// What the people of a living key in service are told of at `now`: the nearest of the days on which that is so, also where no
/// server ran on the day itself. A day that had come before the key was made, or before its idle clock began, is none.
pub fn reminders(term: &Term, facts: &Facts, zone: &Zone, now: Timestamp) -> impl Iterator<Item = Reminder> {
    let is_idle = facts.is_idle(now);
    let end = facts.expires_at.filter(|_| !is_idle);
    let idle = facts.idle_at.filter(|idle| !is_idle && facts.expires_at.is_none_or(|end| *idle <= end));
    let expiry = end.and_then(|end| nearest(NoticeKind::Expiry, &EXPIRY_DAYS, term.created_at, end, zone, now));
    let idle = idle.and_then(|idle| nearest(NoticeKind::Idle, &IDLE_DAYS, term.idle_start(), idle, zone, now));
    expiry.into_iter().chain(idle)
}

fn nearest(
    kind: NoticeKind,
    days: &[i64],
    begin: Timestamp,
    end: Timestamp,
    zone: &Zone,
    now: Timestamp,
) -> Option<Reminder> {
    let last = zone.day_of(Timestamp::from_micros(end.as_micros().saturating_sub(1)))?;
    let until_last = |at: Timestamp| Some(i64::from((last - zone.day_of(at)?).get_days()));
    let left = until_last(now)?;
    if left < -LATE_DAYS {
        return None;
    }
    let nearest = days.iter().copied().filter(|day| left <= *day).min()?;
    (until_last(begin)? > nearest).then_some(Reminder { kind, days: nearest, at: end })
}

// === impl NoticeKind ===

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Expiry,
        Self::Idle,
        Self::Created,
        Self::Revealed,
        Self::Rotated,
        Self::Approval,
        Self::Decided,
        Self::NewAddress,
        Self::OldSecretUsed,
        Self::Leaked,
        Self::OwnerDisabled,
    ];

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expiry => "expiry",
            Self::Idle => "idle",
            Self::Created => "created",
            Self::Revealed => "revealed",
            Self::Rotated => "rotated",
            Self::Approval => "approval",
            Self::Decided => "decided",
            Self::NewAddress => "new_address",
            Self::OldSecretUsed => "old_secret_used",
            Self::Leaked => "leaked",
            Self::OwnerDisabled => "owner_disabled",
        }
    }

    /// Whether it may mean that somebody does what they should not: it waits for no other notices of the day.
    pub const fn is_urgent(self) -> bool {
        matches!(self, Self::Revealed | Self::NewAddress | Self::OldSecretUsed | Self::Leaked)
    }

    /// Who is told where nobody has said otherwise.
    const fn default_audience(self) -> Audience {
        let is_on = matches!(self, Self::Expiry | Self::Idle | Self::OldSecretUsed | Self::Leaked);
        // Who can decide learns of it, and who waits for it.
        let (decides, waits) = (matches!(self, Self::Approval), matches!(self, Self::Decided));
        Audience { holder: is_on || waits, administrators: is_on || decides, addresses: is_on }
    }
}

// === impl Audience ===

impl Audience {
    /// Whether anybody is told.
    pub const fn is_anybody(self) -> bool {
        self.holder || self.administrators || self.addresses
    }
}

// === impl NoticeSettings ===

impl NoticeSettings {
    /// Who is told of what.
    pub fn audience(&self, kind: NoticeKind) -> Audience {
        self.kinds.get(&kind).copied().unwrap_or(kind.default_audience())
    }
}

impl Default for NoticeSettings {
    fn default() -> Self {
        Self { kinds: BTreeMap::new(), addresses: Vec::new(), updated_at: None, version: 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::OrganizationId;
    use crate::key::Owner;
    use crate::policy::{PerOwner, Policy};
    use crate::rules::Rules;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn term(created_at: &str, expires_at: Option<&str>) -> Term {
        Term {
            owner: Owner::Organization(OrganizationId::from_raw(1)),
            created_at: at(created_at),
            not_before: None,
            expires_at: expires_at.map(at),
            idle_exempt: false,
            idle_from: None,
            last_used: None,
            pending: false,
        }
    }

    /// Kind and day of each reminder at `now`.
    fn told(term: &Term, idle_days: u32, zone: &str, now: &str) -> Vec<(NoticeKind, i64)> {
        let policy = Policy { idle_days, max_lifetime: PerOwner::default(), ..Policy::default() };
        let facts = term.facts(&Rules::new(&policy, zone));
        reminders(term, &facts, &Zone::named(zone), at(now)).map(|told| (told.kind, told.days)).collect()
    }

    #[test]
    fn an_end_is_told_of_30_7_and_1_days_before_and_on_the_day() {
        use NoticeKind::Expiry;
        // To the end of 30 June in Warsaw.
        let key = term("2026-01-01T00:00:00Z", Some("2026-06-30T22:00:00Z"));
        for (now, expected) in [
            ("2026-05-30T21:59:59Z", vec![]),
            ("2026-05-30T22:00:00Z", vec![(Expiry, 30)]),
            ("2026-06-22T21:59:59Z", vec![(Expiry, 30)]),
            ("2026-06-22T22:00:00Z", vec![(Expiry, 7)]),
            ("2026-06-28T22:00:00Z", vec![(Expiry, 1)]),
            ("2026-06-29T22:00:00Z", vec![(Expiry, 0)]),
            ("2026-07-07T21:59:59Z", vec![(Expiry, 0)]),
            ("2026-07-07T22:00:00Z", vec![]),
        ] {
            assert_eq!(told(&key, 0, "Europe/Warsaw", now), expected, "{now}");
        }
    }

    #[test]
    fn going_idle_is_told_of_14_7_and_1_days_before_and_an_end_that_comes_sooner_counts() {
        use NoticeKind::{Expiry, Idle};
        // 90 days: to 1 April.
        let key = term("2026-01-01T00:00:00Z", None);
        for (now, expected) in [
            ("2026-03-16T23:59:59Z", vec![]),
            ("2026-03-17T00:00:00Z", vec![(Idle, 14)]),
            ("2026-03-24T00:00:00Z", vec![(Idle, 7)]),
            ("2026-03-30T00:00:00Z", vec![(Idle, 1)]),
            ("2026-03-31T23:59:59Z", vec![(Idle, 1)]),
            ("2026-04-01T00:00:00Z", vec![]),
        ] {
            assert_eq!(told(&key, 90, "UTC", now), expected, "{now}");
        }
        let ends_first = term("2026-01-01T00:00:00Z", Some("2026-03-31T00:00:00Z"));
        assert_eq!(told(&ends_first, 90, "UTC", "2026-03-25T00:00:00Z"), [(Expiry, 7)]);
        let ends_later = term("2026-01-01T00:00:00Z", Some("2026-04-03T00:00:00Z"));
        assert_eq!(told(&ends_later, 90, "UTC", "2026-03-31T00:00:00Z"), [(Expiry, 7), (Idle, 1)]);
        assert_eq!(told(&ends_later, 90, "UTC", "2026-04-02T00:00:00Z"), [], "idle by now");
        let exempt = Term { idle_exempt: true, ..key };
        assert_eq!(told(&exempt, 90, "UTC", "2026-03-25T00:00:00Z"), []);
    }

    #[test]
    fn a_day_that_had_come_before_the_key_was_there_is_none() {
        use NoticeKind::{Expiry, Idle};
        let week = term("2026-01-01T12:00:00Z", Some("2026-01-09T00:00:00Z"));
        for (now, expected) in [
            ("2026-01-01T12:00:00Z", vec![]),
            ("2026-01-06T00:00:00Z", vec![]),
            ("2026-01-07T00:00:00Z", vec![(Expiry, 1)]),
            ("2026-01-08T00:00:00Z", vec![(Expiry, 0)]),
        ] {
            assert_eq!(told(&week, 0, "UTC", now), expected, "{now}");
        }
        let today = term("2026-01-01T12:00:00Z", Some("2026-01-02T00:00:00Z"));
        assert_eq!(told(&today, 0, "UTC", "2026-01-01T13:00:00Z"), []);
        let key = term("2026-01-01T00:00:00Z", None);
        assert_eq!(told(&key, 7, "UTC", "2026-01-05T00:00:00Z"), [], "a week was left from the beginning");
        assert_eq!(told(&key, 7, "UTC", "2026-01-06T00:00:00Z"), [(Idle, 1)]);
    }

    #[test]
    fn who_was_away_is_told_of_the_nearest_day_alone() {
        let key = term("2026-01-01T00:00:00Z", Some("2026-07-01T00:00:00Z"));
        assert_eq!(told(&key, 0, "UTC", "2026-06-26T00:00:00Z"), [(NoticeKind::Expiry, 7)]);
        assert_eq!(told(&key, 0, "UTC", "2026-07-05T00:00:00Z"), [(NoticeKind::Expiry, 0)]);
    }

    #[test]
    fn ends_and_idleness_are_told_of_unless_somebody_says_otherwise() {
        let settings: NoticeSettings =
            serde_json::from_str(r#"{"kinds":{"idle":{"holder":true},"created":{"addresses":true}}}"#).expect("JSON");
        let on = |kind| {
            let Audience { holder, administrators, addresses } = settings.audience(kind);
            [holder, administrators, addresses]
        };
        assert_eq!(on(NoticeKind::Expiry), [true; 3]);
        assert_eq!(on(NoticeKind::Idle), [true, false, false]);
        assert_eq!(on(NoticeKind::Created), [false, false, true]);
        assert_eq!(on(NoticeKind::Revealed), [false; 3]);
        assert_eq!(on(NoticeKind::Approval), [false, true, false], "those who decide");
        assert_eq!(on(NoticeKind::Decided), [true, false, false], "those who wait");
        for kind in NoticeKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("a word"), kind.as_str());
        }
    }
}
