//! What a policy makes of a key: the end that it may have, and when it goes idle.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::clock::Timestamp;
use crate::key::Owner;
use crate::limit::Zone;
use crate::policy::{Lifetime, PerOwner, Policy};

const DAY_MICROS: i64 = 86_400_000_000;

/// A policy, made for asking: with the zone in which the organization's days begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    caps: PerOwner<Option<Cap>>,
    /// Microseconds; `None` = no key goes idle.
    idle: Option<i64>,
    zone: TimeZone,
}

/// The longest lifetime of keys of one kind of owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cap {
    lifetime: Lifetime,
    /// A key that was older than it when it was saved ended then. The least instant for the default.
    saved_at: Timestamp,
    /// No key ends by it sooner after its creation: microseconds.
    at_least: i64,
}

// === impl Rules ===

impl Rules {
    /// The rules of an organization; days of a zone that is unknown here are those of UTC.
    pub fn new(policy: &Policy, time_zone: &str) -> Self {
        let cap = |lifetime: Option<Lifetime>, saved_at: Option<Timestamp>| {
            lifetime.map(|lifetime| Cap::new(lifetime, saved_at.unwrap_or(Timestamp::from_micros(i64::MIN))))
        };
        let (lifetime, saved_at) = (&policy.max_lifetime, &policy.max_lifetime_saved_at);
        Self {
            caps: PerOwner {
                user: cap(lifetime.user, saved_at.user),
                application: cap(lifetime.application, saved_at.application),
                organization: cap(lifetime.organization, saved_at.organization),
            },
            idle: (policy.idle_days > 0).then(|| i64::from(policy.idle_days) * DAY_MICROS),
            zone: Zone::named(time_zone).0,
        }
    }

    /// The end that a key of `owner`, made at `created_at`, cannot live beyond: the end of the last day that the longest
    /// lifetime grants, but not before that was saved. `None`: it may live for ever.
    pub fn end_max(&self, owner: &Owner, created_at: Timestamp) -> Option<Timestamp> {
        let cap = (*self.caps.of(owner))?;
        Some(cap.end(created_at, &self.zone)?.max(cap.saved_at))
    }

    /// When a key with the end `own` ends.
    pub fn end(&self, owner: &Owner, created_at: Timestamp, own: Option<Timestamp>) -> Option<Timestamp> {
        let max = self.end_max(owner, created_at);
        own.into_iter().chain(max).min()
    }

    /// The zone in which the organization's days begin.
    pub fn zone(&self) -> Zone {
        Zone(self.zone.clone())
    }

    /// Whether keys of `owner` have a longest lifetime.
    pub fn has_cap(&self, owner: &Owner) -> bool {
        self.caps.of(owner).is_some()
    }

    /// Whether the longest lifetime of a key has certainly not passed: for whoever asks often, without a calendar.
    pub fn is_surely_young(&self, owner: &Owner, created_at: Timestamp, now: Timestamp) -> bool {
        self.caps.of(owner).is_none_or(|cap| now.as_micros() < created_at.as_micros().saturating_add(cap.at_least))
    }

    /// The first instant, by which a key of `owner` must have been made so that its longest lifetime has passed at `now`:
    /// those made before it have ended. `None`: none has.
    pub fn ended_if_made_before(&self, owner: &Owner, now: Timestamp) -> Option<Timestamp> {
        let cap = self.caps.of(owner).filter(|cap| cap.saved_at <= now)?;
        cap.ended_if_made_before(now, &self.zone)
    }

    /// When a key whose idle clock began at `start` goes idle if it is not used; `None`: never.
    pub fn idle_at(&self, start: Timestamp) -> Option<Timestamp> {
        self.idle.map(|idle| Timestamp::from_micros(start.as_micros().saturating_add(idle)))
    }

    /// A key that was not used since this instant is idle at `now`; `None`: none is.
    pub fn idle_if_unused_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.idle.map(|idle| Timestamp::from_micros(now.as_micros().saturating_sub(idle)))
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new(&Policy::default(), "UTC")
    }
}

// === impl Cap ===

impl Cap {
    fn new(lifetime: Lifetime, saved_at: Timestamp) -> Self {
        let days = match lifetime {
            Lifetime::Years(years) => i64::from(years) * 365,
            Lifetime::Months(months) => i64::from(months) * 28,
            Lifetime::Days(days) => i64::from(days),
        };
        // A zone may skip a day, and its first day has begun before the key was made.
        Self { lifetime, saved_at, at_least: (days - 2).max(0) * DAY_MICROS }
    }

    /// The end of the last day: the first instant of the one after it. `None` beyond what calendars can say.
    fn end(&self, created_at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        start_of(self.day_after(day_of(created_at, zone)?)?, zone)
    }

    /// The first day on which a key that was made on `day` does not live any more.
    fn day_after(&self, day: Date) -> Option<Date> {
        let count = |count: u32| i64::from(count);
        let last = match self.lifetime {
            Lifetime::Years(years) => day.checked_add(count(years).years()),
            Lifetime::Months(months) => day.checked_add(count(months).months()),
            Lifetime::Days(days) => day.checked_add(count(days).days()),
        };
        last.ok()?.tomorrow().ok()
    }

    /// The start of the first day whose keys have not ended at `now`.
    fn ended_if_made_before(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = day_of(now, zone)?;
        let count = |count: u32| i64::from(count);
        let back = match self.lifetime {
            Lifetime::Years(years) => today.checked_sub(count(years).years()),
            Lifetime::Months(months) => today.checked_sub(count(months).months()),
            Lifetime::Days(days) => today.checked_sub(count(days).days()),
        };
        // Months have different lengths: the day is near this one, and later days end later or at the same time.
        let mut day = back.ok()?.checked_sub(5.days()).ok()?;
        while self.day_after(day)? <= today {
            day = day.tomorrow().ok()?;
        }
        start_of(day, zone)
    }
}

pub(crate) fn day_of(at: Timestamp, zone: &TimeZone) -> Option<Date> {
    Some(jiff::Timestamp::from_microsecond(at.as_micros()).ok()?.to_zoned(zone.clone()).date())
}

/// The first instant of a day, which is not midnight where clocks are put forward then.
pub(crate) fn start_of(day: Date, zone: &TimeZone) -> Option<Timestamp> {
    let start = day.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
    Some(Timestamp::from_micros(start.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{OrganizationId, UserId};

    const USER: Owner = Owner::User(UserId::from_raw(1));
    const ORGANIZATION: Owner = Owner::Organization(OrganizationId::from_raw(1));

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn rules(lifetime: Lifetime, zone: &str) -> Rules {
        let max_lifetime = PerOwner { user: Some(lifetime), ..PerOwner::default() };
        Rules::new(&Policy { max_lifetime, ..Policy::default() }, zone)
    }

    fn end(lifetime: Lifetime, created_at: &str, zone: &str) -> String {
        rules(lifetime, zone).end_max(&USER, at(created_at)).expect("a cap").to_string()
    }

    #[test]
    fn a_cap_is_the_end_of_the_day_that_many_years_months_or_days_later() {
        for (lifetime, created_at, zone, expected) in [
            (Lifetime::Years(1), "2026-01-15T12:00:00Z", "UTC", "2027-01-16T00:00:00Z"),
            (Lifetime::Years(1), "2024-02-29T12:00:00Z", "UTC", "2025-03-01T00:00:00Z"),
            (Lifetime::Years(4), "2024-02-29T12:00:00Z", "UTC", "2028-03-01T00:00:00Z"),
            (Lifetime::Years(1), "2023-02-28T12:00:00Z", "UTC", "2024-02-29T00:00:00Z"),
            (Lifetime::Months(1), "2026-01-31T12:00:00Z", "UTC", "2026-03-01T00:00:00Z"),
            (Lifetime::Days(1), "2026-01-31T23:59:59Z", "UTC", "2026-02-02T00:00:00Z"),
            // It is 1 January in Warsaw already.
            (Lifetime::Years(1), "2025-12-31T23:30:00Z", "Europe/Warsaw", "2027-01-01T23:00:00Z"),
            // Summer time begins on the last day.
            (Lifetime::Days(1), "2026-03-28T12:00:00Z", "Europe/Warsaw", "2026-03-29T22:00:00Z"),
            // The day after begins at 01:00, because there is no midnight.
            (Lifetime::Days(1), "2022-03-25T12:00:00Z", "Asia/Beirut", "2022-03-26T22:00:00Z"),
            // Samoa had no 30 December 2011.
            (Lifetime::Days(1), "2011-12-28T12:00:00Z", "Pacific/Apia", "2011-12-30T10:00:00Z"),
            (Lifetime::Years(1), "2026-01-15T12:00:00Z", "Mars/Olympus", "2027-01-16T00:00:00Z"),
        ] {
            assert_eq!(end(lifetime, created_at, zone), expected, "{lifetime:?} from {created_at} in {zone}");
        }
    }

    #[test]
    fn a_lowered_cap_ends_older_keys_when_it_was_saved() {
        let mut policy = Policy::default();
        policy.max_lifetime.user = Some(Lifetime::Days(30));
        policy.max_lifetime_saved_at.user = Some(at("2026-06-01T08:00:00Z"));
        let rules = Rules::new(&policy, "UTC");
        let end = |created_at: &str, own: Option<&str>| {
            rules.end(&USER, at(created_at), own.map(at)).expect("an end").to_string()
        };
        assert_eq!(end("2026-01-01T00:00:00Z", None), "2026-06-01T08:00:00Z", "older: at once, and no sooner");
        assert_eq!(end("2026-05-20T00:00:00Z", None), "2026-06-20T00:00:00Z", "younger: by the calendar");
        assert_eq!(end("2026-01-01T00:00:00Z", Some("2026-02-01T00:00:00Z")), "2026-02-01T00:00:00Z", "its own end");
        assert_eq!(rules.end(&ORGANIZATION, at("2026-01-01T00:00:00Z"), None), None, "another kind of owner");
    }

    #[test]
    fn days_of_zero_are_no_idle_rule() {
        let rules = |idle_days| Rules::new(&Policy { idle_days, ..Policy::default() }, "UTC");
        assert_eq!(rules(0).idle_at(at("2026-01-01T00:00:00Z")), None);
        assert_eq!(rules(90).idle_at(at("2026-01-01T00:00:00Z")), Some(at("2026-04-01T00:00:00Z")));
        assert_eq!(rules(90).idle_if_unused_since(at("2026-04-01T00:00:00Z")), Some(at("2026-01-01T00:00:00Z")));
    }

    proptest! {
        /// What is asked often and what a database is asked agree with the calendar.
        #[test]
        fn the_shortcuts_agree_with_the_calendar(
            created_at in 0i64..4_000_000_000_000_000, after in 0i64..200_000_000_000_000,
            unit in 0u8..3, count in 1u32..40, zone in 0usize..4,
        ) {
            let lifetime = [Lifetime::Years(count.min(5)), Lifetime::Months(count), Lifetime::Days(count)][usize::from(unit)];
            let zone = ["UTC", "Europe/Warsaw", "Asia/Beirut", "Pacific/Apia"][zone];
            let rules = rules(lifetime, zone);
            let (created_at, now) = (Timestamp::from_micros(created_at), Timestamp::from_micros(created_at + after));
            let ended = rules.end_max(&USER, created_at).is_some_and(|end| now >= end);
            prop_assert!(!(ended && rules.is_surely_young(&USER, created_at, now)));
            let boundary = rules.ended_if_made_before(&USER, now);
            prop_assert_eq!(boundary.is_some_and(|boundary| created_at < boundary), ended);
        }
    }
}
