//! The zone in which an organization's periods begin.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::clock::Timestamp;
use crate::rules::{day_of, start_of};

/// A zone. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone(pub(crate) TimeZone);

// === impl Zone ===

impl Zone {
    /// The zone of an IANA name; one that is unknown here is UTC, as for the organization's other days.
    pub fn named(name: &str) -> Self {
        Self(TimeZone::get(name).unwrap_or(TimeZone::UTC))
    }

    /// The first instant of the day of `at`, and that of the day after; `None` beyond what calendars can say.
    pub fn day_around(&self, at: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let day = self.day_of(at)?;
        Some((self.start_of(day)?, self.start_of(day.tomorrow().ok()?)?))
    }

    /// The day of an instant; `None` beyond what calendars can say.
    pub(crate) fn day_of(&self, at: Timestamp) -> Option<Date> {
        day_of(at, &self.0)
    }

    /// The first instant of a day.
    pub(crate) fn start_of(&self, day: Date) -> Option<Timestamp> {
        start_of(day, &self.0)
    }
}
