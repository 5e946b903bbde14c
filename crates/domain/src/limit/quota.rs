//! What a quota's counter holds, and how it changes with the calendar.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Zone;
use crate::clock::Timestamp;

/// So many in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quota {
    /// How many; 0 = never.
    pub limit: u64,
    /// In which period.
    pub period: Period,
    /// What comes back, of a quota in total: credits that are given anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refill: Option<Refill>,
}

/// Of the calendar in the organization's zone, or for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// A day.
    Day,
    /// A month.
    Month,
    /// For ever.
    Total,
}

/// What comes back at the beginning of each day or month, up to the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refill {
    /// How many.
    pub amount: u64,
    /// How often.
    pub every: RefillEvery,
}

/// How often a refill comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefillEvery {
    /// At the beginning of each day.
    Day,
    /// At the beginning of each month.
    Month,
}

/// A quota's counter, as whoever keeps the truth stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Up to here the calendar was looked at. Never goes back, whatever clocks do.
    pub since: Timestamp,
    /// How many are spent, blocks that nodes have in hand included.
    pub spent: u64,
}

// === impl Quota ===

impl Quota {
    /// The tally as it stands at `now`: what the beginnings of periods between did. A clock that went back changes nothing.
    #[must_use]
    pub fn advance(&self, tally: Tally, now: Timestamp, zone: &Zone) -> Tally {
        if now <= tally.since {
            return tally;
        }
        let begun = self.boundaries().map_or(0, |every| every.begun_between(tally.since, now, zone));
        let spent = match (begun, &self.refill) {
            (0, _) => tally.spent,
            (_, None) => 0,
            (begun, Some(refill)) => tally.spent.saturating_sub(refill.amount.saturating_mul(begun)),
        };
        Tally { since: now, spent }
    }

    /// How many are left of it.
    pub const fn left(&self, tally: &Tally) -> u64 {
        self.limit.saturating_sub(tally.spent)
    }

    /// When the next period begins after `now`, or the next refill comes; `None`: nothing ever comes back.
    pub fn resets_at(&self, now: Timestamp, zone: &Zone) -> Option<Timestamp> {
        let every = self.boundaries()?;
        zone.start_of(every.next(every.first(zone.day_of(now)?))?)
    }

    /// Whether what is in hand in one period is nothing in the next.
    pub const fn begins_anew(&self) -> bool {
        !matches!(self.period, Period::Total)
    }

    /// Where something comes back.
    fn boundaries(&self) -> Option<RefillEvery> {
        match (self.period, &self.refill) {
            (Period::Day, _) => Some(RefillEvery::Day),
            (Period::Month, _) => Some(RefillEvery::Month),
            (Period::Total, refill) => refill.map(|refill| refill.every),
        }
    }
}

// === impl Period ===

impl Period {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Total => "total",
        }
    }
}

// === impl RefillEvery ===

impl RefillEvery {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The day on which the period of a day begins.
    fn first(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Month => day.first_of_month(),
        }
    }

    /// The first day of the next period.
    fn next(self, first: Date) -> Option<Date> {
        match self {
            Self::Day => first.tomorrow().ok(),
            Self::Month => first.checked_add(1.month()).ok(),
        }
    }

    /// How many periods began after `since`, up to `now`. Beyond what calendars can say: none.
    fn begun_between(self, since: Timestamp, now: Timestamp, zone: &Zone) -> u64 {
        let first = |at| Some(self.first(zone.day_of(at)?));
        let Some((from, to)) = first(since).zip(first(now)) else { return 0 };
        let begun = match self {
            Self::Day => from.until(to).map_or(0, |span| i64::from(span.get_days())),
            Self::Month => {
                let months = |day: Date| i64::from(day.year()) * 12 + i64::from(day.month());
                months(to) - months(from)
            }
        };
        u64::try_from(begun).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("an instant")
    }

    fn quota(period: Period, refill: Option<Refill>) -> Quota {
        Quota { limit: 100, period, refill }
    }

    /// What is spent of 90 at `since` when it is `now`.
    fn spent(quota: Quota, since: &str, now: &str, zone: &str) -> u64 {
        quota.advance(Tally { since: at(since), spent: 90 }, at(now), &Zone::named(zone)).spent
    }

    #[test]
    fn a_day_and_a_month_begin_anew_in_the_organizations_zone() {
        let (day, month) = (quota(Period::Day, None), quota(Period::Month, None));
        for (quota, since, now, zone, expected) in [
            (day, "2026-01-15T10:00:00Z", "2026-01-15T23:59:59Z", "UTC", 90),
            (day, "2026-01-15T10:00:00Z", "2026-01-16T00:00:00Z", "UTC", 0),
            // It is the 16th in Warsaw an hour sooner.
            (day, "2026-01-15T10:00:00Z", "2026-01-15T22:59:59Z", "Europe/Warsaw", 90),
            (day, "2026-01-15T10:00:00Z", "2026-01-15T23:00:00Z", "Europe/Warsaw", 0),
            // There is no midnight: the day begins at one o'clock.
            (day, "2022-03-26T12:00:00Z", "2022-03-26T21:59:59Z", "Asia/Beirut", 90),
            (day, "2022-03-26T12:00:00Z", "2022-03-26T22:00:00Z", "Asia/Beirut", 0),
            (month, "2026-01-01T00:00:00Z", "2026-01-31T23:59:59Z", "UTC", 90),
            (month, "2026-01-31T23:00:00Z", "2026-02-01T00:00:00Z", "UTC", 0),
            (month, "2025-12-31T10:00:00Z", "2026-01-01T00:00:00Z", "UTC", 0),
            (day, "2026-01-15T10:00:00Z", "2026-01-16T00:00:00Z", "Mars/Olympus", 0),
        ] {
            assert_eq!(spent(quota, since, now, zone), expected, "{quota:?} {since} {now} {zone}");
        }
    }

    #[test]
    fn credits_come_back_by_the_refill_and_never_beyond_the_limit() {
        let total = quota(Period::Total, None);
        assert_eq!(spent(total, "2026-01-15T10:00:00Z", "2036-01-15T10:00:00Z", "UTC"), 90);
        let daily = quota(Period::Total, Some(Refill { amount: 40, every: RefillEvery::Day }));
        assert_eq!(spent(daily, "2026-01-15T10:00:00Z", "2026-01-15T23:00:00Z", "UTC"), 90);
        assert_eq!(spent(daily, "2026-01-15T10:00:00Z", "2026-01-17T00:00:00Z", "UTC"), 10);
        assert_eq!(spent(daily, "2026-01-15T10:00:00Z", "2026-03-17T00:00:00Z", "UTC"), 0);
        let monthly = quota(Period::Total, Some(Refill { amount: 40, every: RefillEvery::Month }));
        assert_eq!(spent(monthly, "2026-01-31T10:00:00Z", "2026-02-01T00:00:00Z", "UTC"), 50);
    }

    #[test]
    fn a_clock_that_steps_back_gives_nothing_back() {
        let day = quota(Period::Day, None);
        let zone = Zone::named("UTC");
        let tally = Tally { since: at("2026-01-16T00:00:01Z"), spent: 90 };
        let back = day.advance(tally, at("2026-01-15T23:00:00Z"), &zone);
        assert_eq!(back, tally);
        assert_eq!(day.advance(back, at("2026-01-16T00:00:02Z"), &zone).spent, 90, "the day had begun already");
    }

    #[test]
    fn it_tells_when_something_comes_back() {
        let resets =
            |quota: Quota, now: &str, zone: &str| quota.resets_at(at(now), &Zone::named(zone)).map(|at| at.to_string());
        let now = "2026-03-28T12:00:00Z";
        assert_eq!(resets(quota(Period::Day, None), now, "UTC").as_deref(), Some("2026-03-29T00:00:00Z"));
        assert_eq!(resets(quota(Period::Day, None), now, "Europe/Warsaw").as_deref(), Some("2026-03-28T23:00:00Z"));
        assert_eq!(resets(quota(Period::Month, None), now, "UTC").as_deref(), Some("2026-04-01T00:00:00Z"));
        assert_eq!(resets(quota(Period::Total, None), now, "UTC"), None);
        let refill = Refill { amount: 1, every: RefillEvery::Month };
        assert_eq!(resets(quota(Period::Total, Some(refill)), now, "UTC").as_deref(), Some("2026-04-01T00:00:00Z"));
    }

    #[test]
    fn what_is_left_is_never_less_than_nothing() {
        assert_eq!(quota(Period::Day, None).left(&Tally { since: Timestamp::default(), spent: 101 }), 0);
        assert_eq!(quota(Period::Day, None).left(&Tally { since: Timestamp::default(), spent: 99 }), 1);
    }
}
