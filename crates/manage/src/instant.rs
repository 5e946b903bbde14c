//! Instants as people write them: RFC 3339, or a bare date.

use claviger_domain::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// What an instant field expects.
const EXPECTED: &str = "expected an instant such as 2030-01-31T12:00:00Z or a date such as 2030-01-31";

/// Where a bare date stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// A beginning: the first instant of that day.
    Begin,
    /// An end, exclusive: the whole day counts, so the first instant of the following one.
    End,
}

/// Reads an instant; a bare date is a day of `time_zone` (an IANA name).
pub fn parse(text: &str, edge: Edge, time_zone: &str) -> Result<Timestamp, &'static str> {
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let is_date = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = Some(text).filter(|_| is_date).and_then(|text| text.parse::<Date>().ok()).ok_or(EXPECTED)?;
    let day = match edge {
        Edge::Begin => date,
        Edge::End => date.tomorrow().map_err(|_| EXPECTED)?,
    };
    let zone = zone(time_zone).ok_or("the organization's time zone is unknown here")?;
    let start = day.to_zoned(zone).map_err(|_| EXPECTED)?;
    Ok(Timestamp::from_micros(start.timestamp().as_microsecond()))
}

/// The last day, in `time_zone`, of which something counts before `end`.
pub fn last_day(end: Timestamp, time_zone: &str) -> String {
    let zone = zone(time_zone).unwrap_or(TimeZone::UTC);
    match jiff::Timestamp::from_microsecond(end.as_micros().saturating_sub(1)) {
        Ok(last) => last.to_zoned(zone).date().to_string(),
        Err(_) => end.to_string(),
    }
}

/// An instant as its reader sees it, such as `2030-01-31 12:00 CET`.
pub fn shown(at: Timestamp, time_zone: &str) -> String {
    let zone = zone(time_zone).unwrap_or(TimeZone::UTC);
    match jiff::Timestamp::from_microsecond(at.as_micros()) {
        Ok(instant) => instant.to_zoned(zone).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        Err(_) => at.to_string(),
    }
}

/// An end as its reader sees it: the last day where it is the end of one, else the instant.
pub fn end_shown(end: Timestamp, time_zone: &str) -> String {
    let zone = claviger_domain::limit::Zone::named(time_zone);
    let is_start_of_day = zone.day_around(end).is_some_and(|(start, _)| start == end);
    if is_start_of_day { last_day(end, time_zone) } else { shown(end, time_zone) }
}

/// The zone of an IANA name.
pub fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, edge: Edge, zone: &str) -> String {
        parse(text, edge, zone).map_or_else(str::to_owned, |instant| instant.to_string())
    }

    #[test]
    fn an_instant_is_shown_in_its_readers_zone() {
        let at: Timestamp = "2030-01-31T12:00:00Z".parse().expect("an instant");
        assert_eq!(shown(at, "Europe/Warsaw"), "2030-01-31 13:00 CET");
        assert_eq!(shown(at, "Nowhere/Land"), "2030-01-31 12:00 UTC");
    }

    #[test]
    fn an_end_is_shown_as_the_day_that_it_is_the_end_of() {
        let shown = |end: &str| end_shown(end.parse().expect("an instant"), "Europe/Warsaw");
        assert_eq!(shown("2030-01-31T23:00:00Z"), "2030-01-31");
        assert_eq!(shown("2030-01-31T22:59:00Z"), "2030-01-31 23:59 CET");
    }

    #[test]
    fn a_bare_date_counts_whole_in_the_organizations_zone() {
        assert_eq!(read("2030-01-31", Edge::End, "UTC"), "2030-02-01T00:00:00Z");
        assert_eq!(read("2030-01-31", Edge::End, "Europe/Warsaw"), "2030-01-31T23:00:00Z");
        assert_eq!(read("2030-07-31", Edge::End, "Europe/Warsaw"), "2030-07-31T22:00:00Z");
        assert_eq!(read("2030-01-31", Edge::Begin, "UTC"), "2030-01-31T00:00:00Z");
    }

    #[test]
    fn the_last_day_before_an_end_is_the_one_that_was_named() {
        for zone in ["UTC", "Europe/Warsaw", "Asia/Beirut", "Pacific/Apia"] {
            for day in ["2030-01-31", "2022-03-26", "2026-03-29", "2024-02-29"] {
                assert_eq!(last_day(parse(day, Edge::End, zone).expect("a day"), zone), day, "{zone}");
            }
        }
    }

    #[test]
    fn a_day_that_begins_late_ends_the_day_before_it_then() {
        // Clocks in Beirut went from 24:00 to 01:00: the day's first instant is 01:00 of summer time.
        assert_eq!(read("2022-03-26", Edge::End, "Asia/Beirut"), "2022-03-26T22:00:00Z");
    }

    #[test]
    fn an_instant_is_itself_and_garbage_is_refused() {
        assert_eq!(read("2030-01-31T12:00:00+02:00", Edge::End, "UTC"), "2030-01-31T10:00:00Z");
        for text in ["", "2030-13-01", "2030-02-30", "31.01.2030", "9999-12-31", "20300131", "tomorrow"] {
            assert_eq!(read(text, Edge::End, "UTC"), EXPECTED, "{text}");
        }
    }
}
